/** Every bound of the stream parser, with its unit and its reason, and the one budget that all parsers of a capture share. */

/** Bytes of one head, start line and blank line included. nginx takes 32 KiB, Node 16 KiB; twice the largest is not traffic. */
const HEAD_BYTES_MAX: number = 64 * 1024;

/** Fields of one head. Node stops at 2,000; beyond this a head is kept whole but not trusted. */
const HEADER_FIELDS_MAX = 2000;

/** Bytes of one message's body that are kept; the rest is read, counted and cut off. */
const BODY_BYTES_MAX: number = 32 * 1024 * 1024;

/** Digits of one chunk's size, leading zeros included: sixteen are 64 bits, more is an attack (RFC 9112 7.1). */
const CHUNK_DIGITS_MAX = 16;

/** Bytes of all chunk extensions of one message; servers that had no bound were brought down through them. */
const CHUNK_EXTENSION_BYTES_MAX: number = 16 * 1024;

/** Bytes of the trailer section: as long as a head may be. */
const TRAILER_BYTES_MAX: number = HEAD_BYTES_MAX;

export interface StreamLimits {
  readonly headBytesMax: number;
  readonly headerFieldsMax: number;
  readonly bodyBytesMax: number;
  readonly chunkDigitsMax: number;
  readonly chunkExtensionBytesMax: number;
  readonly trailerBytesMax: number;
}

export const STREAM_LIMITS: StreamLimits = {
  headBytesMax: HEAD_BYTES_MAX,
  headerFieldsMax: HEADER_FIELDS_MAX,
  bodyBytesMax: BODY_BYTES_MAX,
  chunkDigitsMax: CHUNK_DIGITS_MAX,
  chunkExtensionBytesMax: CHUNK_EXTENSION_BYTES_MAX,
  trailerBytesMax: TRAILER_BYTES_MAX,
};

/** Bytes of unfinished messages that all connections of a capture may hold together. */
export const HELD_BYTES_MAX: number = 256 * 1024 * 1024;

/** Heads go on beyond that, in this part of it, so that bodies are cut off before messages are lost. */
const HEADS_PART = 0.25;

/** The part of that which may be set aside for announced bodies: whoever announces much and sends nothing gets no more. */
const RESERVED_PART = 0.25;

/** What became of the bytes of a capture's streams; shared by all its parsers, so that a connection carries no counters. */
export class StreamTally {
  readonly heldBytesMax: number;
  /** Whether the bytes of a message that is not whole are of use to anybody. */
  readonly keepsIncomplete: boolean;
  /** Bytes handed to the parsers, gaps not included. */
  pushedBytes = 0;
  /** Bytes of messages that were whole. */
  messageBytes = 0;
  /** Bytes of messages that ended before they were whole. */
  incompleteBytes = 0;
  /** Bytes that belong to no message, by reason: another protocol, the rest of a message that began before the capture. */
  readonly skippedBytesBy: Map<string, number> = new Map();
  /** Messages that could be framed in two ways, by reason. */
  readonly ambiguousBy: Map<string, number> = new Map();
  /** Messages whose body was cut off at a bound of ours. */
  truncated = 0;
  /** Bytes of unfinished messages in memory now. */
  heldBytes = 0;
  /** Bytes set aside for announced bodies, here or to come. */
  reservedBytes = 0;

  constructor(heldBytesMax: number = HELD_BYTES_MAX, keepsIncomplete: boolean = true) {
    this.heldBytesMax = heldBytesMax;
    this.keepsIncomplete = keepsIncomplete;
  }

  /** Not even a head may be held any longer. */
  get isFull(): boolean {
    return this.heldBytes > this.heldBytesMax * (1 + HEADS_PART);
  }

  /** Whether memory for `bytes` may be set aside; it is, until released. */
  reserve(bytes: number): boolean {
    if (this.reservedBytes + bytes > this.heldBytesMax * RESERVED_PART) return false;
    this.reservedBytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.reservedBytes -= bytes;
  }

  skipped(reason: string, bytes: number): void {
    if (bytes > 0) this.skippedBytesBy.set(reason, (this.skippedBytesBy.get(reason) ?? 0) + bytes);
  }

  ambiguous(reason: string): void {
    this.ambiguousBy.set(reason, (this.ambiguousBy.get(reason) ?? 0) + 1);
  }

  get skippedBytes(): number {
    let total = 0;
    for (const bytes of this.skippedBytesBy.values()) total += bytes;
    return total;
  }
}
