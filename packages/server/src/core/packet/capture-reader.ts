/**
 * Reads a capture, pcap or pcapng as its first bytes tell, from chunks of any size. Sans-IO.
 *
 * In: bytes. Out: packets to a sink, and counts of what could not be read. Never throws: a damaged file
 * gives what came before the damage, and `problem` says what is wrong.
 */
import { isPcapMagic, PcapFormat } from "./pcap.ts";
import { isPcapngMagic, PcapngFormat } from "./pcapng.ts";
import { RecordSplitter } from "./record-splitter.ts";
import type { PacketSink } from "./types.ts";

const MAGIC_BYTES = 4;

export interface CaptureCounters {
  readonly format: "pcap" | "pcapng" | "unknown";
  readonly skippedBlocks: number;
  readonly malformedBlocks: number;
  /** Bytes of a last packet that is not all there. */
  readonly truncatedTailBytes: number;
  /** Bytes after a damage that ends reading, and all bytes of what is no capture. */
  readonly unreadBytes: number;
}

export class CaptureReader {
  readonly #sink: PacketSink;
  #format: PcapFormat | PcapngFormat | undefined = undefined;
  #splitter: RecordSplitter | undefined = undefined;
  readonly #magic: Uint8Array = new Uint8Array(MAGIC_BYTES);
  #magicBytes = 0;
  #unknownBytes = 0;
  #problem: string | undefined = undefined;

  constructor(sink: PacketSink) {
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    if (this.#splitter !== undefined) this.#splitter.push(chunk);
    else if (this.#problem === undefined) this.#detect(chunk);
    else this.#unknownBytes += chunk.length;
  }

  /** What is wrong with the bytes so far, for people; undefined while nothing is. */
  get problem(): string | undefined {
    return this.#problem ?? this.#format?.problem;
  }

  counters(): CaptureCounters {
    const format = this.#format;
    const isPcapng = format instanceof PcapngFormat;
    const splitter = this.#splitter;
    return {
      format: format === undefined ? "unknown" : isPcapng ? "pcapng" : "pcap",
      skippedBlocks: isPcapng ? format.skippedBlocks : 0,
      malformedBlocks: isPcapng ? format.malformedBlocks : 0,
      truncatedTailBytes:
        splitter?.tailBytes ?? (this.#problem === undefined ? this.#magicBytes : 0),
      unreadBytes: (splitter?.unreadBytes ?? 0) + this.#unknownBytes,
    };
  }

  #detect(chunk: Uint8Array): void {
    const taken = Math.min(MAGIC_BYTES - this.#magicBytes, chunk.length);
    this.#magic.set(chunk.subarray(0, taken), this.#magicBytes);
    this.#magicBytes += taken;
    if (this.#magicBytes < MAGIC_BYTES) return;
    if (isPcapngMagic(this.#magic, 0)) this.#format = new PcapngFormat(this.#sink);
    else if (isPcapMagic(this.#magic, 0)) this.#format = new PcapFormat(this.#sink);
    else {
      const hex = [...this.#magic].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
      this.#problem = `capture: must begin as pcap or pcapng; got the bytes ${hex}`;
      this.#unknownBytes += MAGIC_BYTES + chunk.length - taken;
      return;
    }
    this.#splitter = new RecordSplitter(this.#format);
    if (taken === MAGIC_BYTES) {
      // The usual case: the magic is in this chunk, whole.
      this.#splitter.push(chunk);
      return;
    }
    this.#splitter.push(this.#magic);
    this.#splitter.push(chunk.subarray(taken));
  }
}
