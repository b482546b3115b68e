/**
 * Frames: how payloads are laid on a byte stream. Sans-IO: `encodeFrame` gives bytes, `FrameDecoder` takes bytes.
 *
 *     0        2         3       4         8            16            20            24
 *     | "MB"   | version | type  | length  | seq        | header CRC  | payload CRC | payload …
 *
 * All numbers are big-endian. The header CRC-32 covers bytes 0 to 15, so that a damaged length is found
 * before it is trusted; the payload CRC-32 covers the payload. `seq` counts DATA frames of one producer from
 * 1 without gaps and is 0 on every other type. A type with its top bit set is critical: a receiver that does
 * not know it must close; it may skip any other unknown type.
 */
import { crc32 } from "node:zlib";
import {
  CONTROL_PAYLOAD_BYTES_MAX,
  FRAME_HEADER_BYTES,
  FRAME_PAYLOAD_BYTES_MAX,
} from "../limits.ts";

/** The major version, in every frame: a receiver knows at once whether it can read what follows. */
export const PROTOCOL_VERSION: number = 1;
/**
 * The minor version, in WELCOME: counts additions that a producer must not use with a receiver that lacks them.
 * 1: `message` records. 2: producers that keep their id over restarts, and count them in `epoch`, are told for certain
 * which of their frames are here; a receiver may grant less than a frame, and grants more when it is told by WANT. 3: a frame
 * that is refused for what it holds is settled and named in REFUSED; FIGURES and LAST_CALL; the producer proves its token first.
 */
export const PROTOCOL_MINOR: number = 3;
/** What a producer needs that sends `message` records, and one that keeps its id. */
export const MINOR_MESSAGES: number = 1;
export const MINOR_RESUME: number = 2;
const MAGIC_0 = 0x4d; // "M"
const MAGIC_1 = 0x42; // "B"

export const FrameType = {
  hello: 0x81,
  challenge: 0x82,
  auth: 0x83,
  welcome: 0x84,
  data: 0x85,
  ack: 0x86,
  ping: 0x07,
  pong: 0x08,
  bye: 0x09,
  error: 0x0a,
  want: 0x0b,
  refused: 0x0c,
  figures: 0x0d,
  lastCall: 0x0e,
} as const;

export interface Frame {
  readonly type: number;
  readonly seq: number;
  readonly payload: Uint8Array;
}

/** Header and payload as two pieces, so that a large payload is not copied to send it. */
export function encodeFrame(
  type: number,
  seq: number,
  payload: Uint8Array,
): [Uint8Array, Uint8Array] {
  if (payload.length > FRAME_PAYLOAD_BYTES_MAX) {
    throw new RangeError(
      `a frame's payload is at most ${FRAME_PAYLOAD_BYTES_MAX} bytes; got ${payload.length}`,
    );
  }
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  writeHeader(header, type, seq, payload);
  return [header, payload];
}

/** Fills the blank header of a frame that was made in one piece. */
export function sealFrame(frame: Uint8Array, type: number, seq: number): void {
  const header = Buffer.from(frame.buffer, frame.byteOffset, FRAME_HEADER_BYTES);
  writeHeader(header, type, seq, frame.subarray(FRAME_HEADER_BYTES));
}

function writeHeader(header: Buffer, type: number, seq: number, payload: Uint8Array): void {
  header[0] = MAGIC_0;
  header[1] = MAGIC_1;
  header[2] = PROTOCOL_VERSION;
  header[3] = type;
  header.writeUInt32BE(payload.length, 4);
  header.writeUInt32BE(Math.floor(seq / 0x1_0000_0000), 8);
  header.writeUInt32BE(seq >>> 0, 12);
  header.writeUInt32BE(crc32(header.subarray(0, 16)), 16);
  header.writeUInt32BE(crc32(payload), 20);
}

/** Why a byte stream is not ours, or not intact. Stable codes; the connection is closed after any of them. */
export const FrameFault = {
  foreign: "foreign", // other first bytes: HTTP, TLS, random
  version: "version", // ours, but of another major version
  header: "header-checksum",
  length: "length", // longer than a payload of its type may be
  payload: "payload-checksum",
} as const;
export type FrameFault = (typeof FrameFault)[keyof typeof FrameFault];

const EMPTY: Uint8Array = new Uint8Array(0);

/** First capacity of the buffer for a frame that arrives in pieces; it doubles, so lies about length cost nothing. */
const PARTIAL_BYTES_START = 4096;

/**
 * Push bytes in any split, take frames out. After a fault it stays faulted and takes nothing more.
 * Whole frames are views of the pushed chunk; only a frame that arrives in pieces is copied, once.
 */
export class FrameDecoder {
  fault: FrameFault | undefined;
  #partial: Uint8Array = EMPTY;
  #partialBytes = 0;

  /** Frames that `chunk` completes. Their payloads may be views of it: do not reuse the chunk. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let at = 0;
    while (this.#partialBytes > 0 && this.fault === undefined && at < chunk.length) {
      at += this.#fill(chunk, at);
      this.#takePartial(frames);
    }
    while (this.fault === undefined && at < chunk.length) {
      const size = this.#frameAt(chunk, at);
      if (size === undefined || at + size > chunk.length) break;
      this.#emit(chunk.subarray(at, at + size), frames);
      at += size;
    }
    if (this.fault !== undefined) {
      this.#partial = EMPTY;
      this.#partialBytes = 0;
    } else if (at < chunk.length) {
      this.#append(chunk.subarray(at));
    }
    return frames;
  }

  /** Bytes of an unfinished frame that wait for the rest. */
  get heldBytes(): number {
    return this.#partialBytes;
  }

  /** What the header of the unfinished frame says, once that is here. */
  get announced(): { readonly type: number; readonly bytes: number } | undefined {
    if (this.#partialBytes < FRAME_HEADER_BYTES) return undefined;
    return {
      type: this.#partial[3] ?? 0,
      bytes: FRAME_HEADER_BYTES + payloadLength(this.#partial, 0),
    };
  }

  /** Appends what the frame under way still needs, header first; returns how much that was. */
  #fill(chunk: Uint8Array, at: number): number {
    const held = this.#partial.subarray(0, this.#partialBytes);
    const wanted =
      held.length < FRAME_HEADER_BYTES
        ? FRAME_HEADER_BYTES
        : FRAME_HEADER_BYTES + payloadLength(held, 0);
    const piece = chunk.subarray(at, at + wanted - held.length);
    this.#append(piece);
    return piece.length;
  }

  #takePartial(frames: Frame[]): void {
    const held = this.#partial.subarray(0, this.#partialBytes);
    const size = this.#frameAt(held, 0);
    if (size === undefined || held.length < size) return;
    this.#emit(held, frames);
    this.#partial = EMPTY;
    this.#partialBytes = 0;
  }

  #append(piece: Uint8Array): void {
    const total = this.#partialBytes + piece.length;
    if (total > this.#partial.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.max(total, this.#partial.length * 2, PARTIAL_BYTES_START),
      );
      grown.set(this.#partial.subarray(0, this.#partialBytes));
      this.#partial = grown;
    }
    this.#partial.set(piece, this.#partialBytes);
    this.#partialBytes = total;
  }

  /** Size of the frame that starts at `at`; undefined when its header is not all there, or faulty. */
  #frameAt(bytes: Uint8Array, at: number): number | undefined {
    if (bytes[at] !== MAGIC_0 || (at + 1 < bytes.length && bytes[at + 1] !== MAGIC_1)) {
      this.fault = FrameFault.foreign;
      return undefined;
    }
    if (bytes.length - at < FRAME_HEADER_BYTES) return undefined;
    this.fault = headerFault(bytes, at);
    return this.fault === undefined ? FRAME_HEADER_BYTES + payloadLength(bytes, at) : undefined;
  }

  #emit(frame: Uint8Array, frames: Frame[]): void {
    const payload = frame.subarray(FRAME_HEADER_BYTES);
    if (crc32(payload) !== uint32(frame, 20)) {
      this.fault = FrameFault.payload;
      return;
    }
    const seq = uint32(frame, 8) * 0x1_0000_0000 + uint32(frame, 12);
    frames.push({ type: frame[3] ?? 0, seq, payload });
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}

function payloadLength(bytes: Uint8Array, at: number): number {
  return uint32(bytes, at + 4);
}

function headerFault(bytes: Uint8Array, at: number): FrameFault | undefined {
  // Before the checksum: another version may lay its header out otherwise.
  if (bytes[at + 2] !== PROTOCOL_VERSION) return FrameFault.version;
  if (crc32(bytes.subarray(at, at + 16)) !== uint32(bytes, at + 16)) return FrameFault.header;
  const isData = bytes[at + 3] === FrameType.data;
  const bytesMax = isData ? FRAME_PAYLOAD_BYTES_MAX : CONTROL_PAYLOAD_BYTES_MAX;
  return payloadLength(bytes, at) > bytesMax ? FrameFault.length : undefined;
}

/** What a producer is told whose bytes do not fit. */
export const FRAME_FAULT_TEXTS: Readonly<Record<FrameFault, string>> = {
  [FrameFault.foreign]: "the bytes are not this protocol",
  [FrameFault.version]: `the producer speaks another version; this server speaks ${PROTOCOL_VERSION}`,
  [FrameFault.header]: "a frame header is damaged",
  [FrameFault.length]: "a frame is longer than the limit",
  [FrameFault.payload]: "a payload is damaged",
};
