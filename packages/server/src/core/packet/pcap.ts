/**
 * The classic capture format: a file header of 24 bytes, then packets of a 16-byte header and their bytes. Both byte
 * orders, times in micro- or nanoseconds. Sans-IO; knows nothing of what is in a packet.
 */
import { u32 } from "./bytes.ts";
import { RECORD_BYTES_MAX } from "./record-splitter.ts";
import type { RecordFormat } from "./record-splitter.ts";
import type { PacketSink } from "./types.ts";

const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
/** The upper bits of the link type field tell of a frame checksum, which lies behind the IP packet anyway. */
const LINK_TYPE_MASK = 0xffff;
const NS_PER_US = 1000;
const NS_PER_SECOND = 1_000_000_000;

export function isPcapMagic(bytes: Uint8Array, at: number): boolean {
  for (const little of [true, false]) {
    const magic = u32(bytes, at, little);
    if (magic === MAGIC_MICROSECONDS || magic === MAGIC_NANOSECONDS) return true;
  }
  return false;
}

export class PcapFormat implements RecordFormat {
  readonly #sink: PacketSink;
  #headerRead = false;
  #little = true;
  #nsPerUnit: number = NS_PER_US;
  #linkType = 0;
  /** Why reading stopped. */
  problem: string | undefined = undefined;

  constructor(sink: PacketSink) {
    this.#sink = sink;
  }

  recordBytes(bytes: Uint8Array, at: number, available: number): number {
    if (!this.#headerRead) return available < FILE_HEADER_BYTES ? 0 : FILE_HEADER_BYTES;
    if (available < PACKET_HEADER_BYTES) return 0;
    const length = PACKET_HEADER_BYTES + u32(bytes, at + 8, this.#little);
    if (length <= RECORD_BYTES_MAX) return length;
    this.problem = `packet length: must be at most ${RECORD_BYTES_MAX} bytes with its header; got ${length}`;
    return -1;
  }

  record(bytes: Uint8Array, at: number, length: number): void {
    const little = this.#little;
    if (!this.#headerRead) {
      this.#readFileHeader(bytes, at);
      return;
    }
    const captured = length - PACKET_HEADER_BYTES;
    const original = u32(bytes, at + 12, little);
    let seconds = u32(bytes, at, little);
    let nanoseconds = u32(bytes, at + 4, little) * this.#nsPerUnit;
    if (nanoseconds >= NS_PER_SECOND) {
      seconds += Math.floor(nanoseconds / NS_PER_SECOND);
      nanoseconds %= NS_PER_SECOND;
    }
    const start = at + PACKET_HEADER_BYTES;
    this.#sink.packet(
      this.#linkType,
      bytes,
      start,
      at + length,
      original < captured ? captured : original,
      seconds,
      nanoseconds,
    );
  }

  #readFileHeader(bytes: Uint8Array, at: number): void {
    const asLittle = u32(bytes, at, true);
    this.#little = asLittle === MAGIC_MICROSECONDS || asLittle === MAGIC_NANOSECONDS;
    const magic = u32(bytes, at, this.#little);
    this.#nsPerUnit = magic === MAGIC_NANOSECONDS ? 1 : NS_PER_US;
    this.#linkType = u32(bytes, at + 20, this.#little) & LINK_TYPE_MASK;
    this.#headerRead = true;
  }
}
