/**
 * Bytes that come in pieces and are wanted as one. Small pieces share memory, so that a million pieces of one byte cost a
 * megabyte and not a million objects. In: pieces. Out: one array; and what all this costs, charged to an account if there is one.
 */
import type { MemoryAccount } from "./budget.ts";

/** Pieces from here on stand alone: what one costs beside its bytes is little then. */
const LARGE_BYTES = 4096;
/** Bytes of the first block that small pieces share; each next one is twice as large, up to the last. */
const BLOCK_BYTES_MIN = 256;
const BLOCK_BYTES_MAX: number = 64 * 1024;
/** What a piece costs beside its bytes: the array, its buffer, the place in a list. */
const PIECE_OVERHEAD_BYTES = 256;

const NOTHING: Uint8Array = new Uint8Array(0);

export class HeldBytes {
  length = 0;
  /** What is held takes in memory, by estimate. */
  costBytes = 0;
  readonly #account: MemoryAccount | undefined;
  /** The bytes that come belong to somebody who will overwrite them. */
  readonly #copies: boolean;
  #pieces: Uint8Array[] = [];
  #block: Uint8Array = NOTHING;
  #blockLength = 0;

  constructor(account?: MemoryAccount, copies = false) {
    this.#account = account;
    this.#copies = copies;
  }

  /** False, and nothing is kept, when the account has no room. */
  add(piece: Uint8Array): boolean {
    const { length } = piece;
    if (length === 0) return true;
    if (length >= LARGE_BYTES) {
      if (!this.#charge(length)) return false;
      this.#closeBlock();
      // A view would keep all of a larger buffer alive.
      const pins = this.#copies || length * 2 < piece.buffer.byteLength;
      this.#pieces.push(pins ? new Uint8Array(piece) : piece);
    } else {
      if (length > this.#block.length - this.#blockLength && !this.#nextBlock(length)) return false;
      this.#block.set(piece, this.#blockLength);
      this.#blockLength += length;
    }
    this.length += length;
    return true;
  }

  /** All of it; nothing is held or charged afterwards. */
  take(): Buffer {
    this.#closeBlock();
    const pieces = this.#pieces;
    const [only] = pieces;
    const { length } = this;
    this.clear();
    if (only === undefined) return Buffer.alloc(0);
    // One that fills half of its memory need not be copied once more.
    const isFine = pieces.length === 1 && length * 2 >= only.buffer.byteLength;
    return isFine
      ? Buffer.from(only.buffer, only.byteOffset, length)
      : Buffer.concat(pieces, length);
  }

  /** The first bytes, at least `count` of them if there are so many; a view or a copy. */
  head(count: number): Uint8Array {
    const first = this.#pieces[0] ?? this.#block.subarray(0, this.#blockLength);
    if (first.length >= count || first.length === this.length) return first;
    const all = [...this.#pieces, this.#block.subarray(0, this.#blockLength)];
    const needed: Uint8Array[] = [];
    let bytes = 0;
    for (const piece of all) {
      needed.push(piece);
      bytes += piece.length;
      if (bytes >= count) break;
    }
    return Buffer.concat(needed);
  }

  clear(): void {
    this.#account?.free(this.costBytes);
    this.costBytes = 0;
    this.length = 0;
    this.#pieces = [];
    this.#block = NOTHING;
    this.#blockLength = 0;
  }

  #charge(bytes: number): boolean {
    const cost = bytes + PIECE_OVERHEAD_BYTES;
    if (this.#account?.charge(cost) === false) return false;
    this.costBytes += cost;
    return true;
  }

  #nextBlock(length: number): boolean {
    const wanted = Math.min(BLOCK_BYTES_MAX, Math.max(BLOCK_BYTES_MIN, this.length));
    const bytes = Math.max(wanted, length);
    if (!this.#charge(bytes)) return false;
    this.#closeBlock();
    this.#block = new Uint8Array(bytes);
    return true;
  }

  #closeBlock(): void {
    if (this.#blockLength > 0) this.#pieces.push(this.#block.subarray(0, this.#blockLength));
    this.#block = NOTHING;
    this.#blockLength = 0;
  }
}
