/**
 * gor's middleware protocol: a message is a line, the hex digits of its meta line, LF and payload.
 *
 * In: messages. Out: bytes; and back, from chunks cut anywhere. Reads what gor's reader refused: CR before the LF and
 * upper-case digits. A line that is no message is told by reason and never hurts its neighbours.
 */
import { HttpMessage } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { HeldBytes } from "../memory/held-bytes.ts";
import { metaLine, parseMetaLine } from "../record/meta-line.ts";

const LF = 0x0a;
const CR = 0x0d;
/** Bytes of one hex line that are kept while it grows: twice a message of 128 MB. Longer ones are skipped. */
export const LINE_BYTES_MAX: number = 256 * 1024 * 1024;
/** Bytes that become one string at a time: strings end at half a gigabyte. */
const SLICE_BYTES: number = 16 * 1024 * 1024;

/** The lines of a batch, in one piece. */
export function encodeHexLines(batch: readonly Message[]): Buffer {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (const message of batch) {
    pieces.push(Buffer.from(metaLine(message), "latin1"));
    for (const piece of message.http.rawPieces()) pieces.push(asBuffer(piece));
    pieces.push(END_OF_LINE);
  }
  for (const piece of pieces) bytes += piece === END_OF_LINE ? 1 : piece.length * 2;
  const lines = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const piece of pieces) {
    if (piece === END_OF_LINE) {
      lines[at] = LF;
      at += 1;
      continue;
    }
    for (let from = 0; from < piece.length; from += SLICE_BYTES) {
      at += lines.write(piece.toString("hex", from, from + SLICE_BYTES), at, "latin1");
    }
  }
  return lines;
}

const END_OF_LINE: Buffer = Buffer.alloc(0);

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Why a line was not taken. */
export type BadLine =
  | "not-hex"
  | "odd-length"
  | "no-meta-line"
  | "empty-payload"
  | "line-too-long"
  | "incomplete-line";

export class HexLineDecoder {
  readonly #refuse: (reason: BadLine) => void;
  readonly #lineBytesMax: number;
  /** The line that has no end yet. */
  readonly #held = new HeldBytes();
  /** True while what comes belongs to a line that was given up. */
  #skipping = false;

  constructor(refuse: (reason: BadLine) => void, lineBytesMax: number = LINE_BYTES_MAX) {
    this.#refuse = refuse;
    this.#lineBytesMax = lineBytesMax;
  }

  /** Appends the messages of all lines that end in `chunk` to `out`. */
  push(chunk: Buffer, out: Message[]): void {
    let start = 0;
    let decoded: Buffer | undefined;
    let used = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      if (this.#held.length > 0 || this.#skipping) {
        this.#endLongLine(chunk.subarray(start, end), out);
      } else {
        // One allocation for all the lines of a chunk: they come and go together.
        decoded ??= Buffer.allocUnsafeSlow((chunk.length - start) >> 1);
        used += this.#line(chunk, start, end, decoded, used, out);
      }
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** Nothing more comes. Without a last LF the line counts only when its writer ended well. */
  end(clean: boolean, out: Message[]): void {
    if (this.#held.length > 0 && !clean) this.#refuse("incomplete-line");
    else if (this.#held.length > 0) this.#endLongLine(Buffer.alloc(0), out);
    this.#forget();
  }

  #keep(part: Buffer): void {
    if (this.#skipping) return;
    this.#held.add(part);
    if (this.#held.length <= this.#lineBytesMax) return;
    this.#refuse("line-too-long");
    this.#forget();
    this.#skipping = true;
  }

  #endLongLine(last: Buffer, out: Message[]): void {
    if (!this.#skipping) {
      this.#held.add(last);
      const line = this.#held.take();
      this.#line(line, 0, line.length, Buffer.allocUnsafeSlow(line.length >> 1), 0, out);
    }
    this.#forget();
  }

  #forget(): void {
    this.#held.clear();
    this.#skipping = false;
  }

  /** Decodes `bytes[start..end)` to `into[at..]`; returns how much it put there. */
  #line(
    bytes: Buffer,
    start: number,
    end: number,
    into: Buffer,
    at: number,
    out: Message[],
  ): number {
    const stop = end > start && bytes[end - 1] === CR ? end - 1 : end;
    const digits = stop - start;
    if (digits === 0) return 0;
    if (digits % 2 === 1) {
      this.#refuse("odd-length");
      return 0;
    }
    // Stops at the first character that is no hex digit, and says how far it came.
    let length = 0;
    for (let from = start; from < stop; from += SLICE_BYTES) {
      const text = bytes.toString("latin1", from, Math.min(from + SLICE_BYTES, stop));
      length += into.write(text, at + length, "hex");
    }
    if (length * 2 !== digits) {
      this.#refuse("not-hex");
      return 0;
    }
    const message = readRecord(into.subarray(at, at + length));
    if (typeof message === "string") {
      this.#refuse(message);
      return 0;
    }
    out.push(message);
    return length;
  }
}

function readRecord(bytes: Buffer): Message | BadLine {
  const end = bytes.indexOf(LF);
  const meta = parseMetaLine(bytes, 0, end < 0 ? bytes.length : end);
  if (meta === undefined) return "no-meta-line";
  if (end < 0 || end + 1 === bytes.length) return "empty-payload";
  const { kind, id, startedAt, latencyNs } = meta;
  const http = HttpMessage.fromRaw(bytes.subarray(end + 1));
  return { kind, id, startedAt, latencyNs, http };
}
