/**
 * Cuts a stream of bytes, in whatever chunks it comes, into the length-prefixed records of a capture format.
 * Sans-IO. Records that lie whole in a chunk are read in place; only one that straddles chunks is copied, so
 * the result does not depend on where the chunks were cut.
 */

/** A format: how long is the record that begins here, and what to do with it. */
export interface RecordFormat {
  /**
   * Bytes of the record at `at`, of which `available` are here; 0 when more must come to tell; negative when this
   * is not the format and no record can be found any more. Never more than RECORD_BYTES_MAX.
   */
  recordBytes(bytes: Uint8Array, at: number, available: number): number;
  /** A whole record. */
  record(bytes: Uint8Array, at: number, length: number): void;
}

/**
 * Longest record that is held, in bytes. Packets end at 64 KiB, super-packets of offloading at 512 KiB; what claims
 * more is damage or an attack on memory.
 */
export const RECORD_BYTES_MAX: number = 16 * 1024 * 1024;

/** First size of the buffer for straddling records: most packets fit, in bytes. */
const CARRY_BYTES = 64 * 1024;

export class RecordSplitter {
  readonly #format: RecordFormat;
  #carry: Uint8Array = new Uint8Array(0);
  #carried = 0;
  /** Nothing more can be read: the format gave up. */
  stopped = false;
  /** Bytes that came after that. */
  unreadBytes = 0;

  constructor(format: RecordFormat) {
    this.#format = format;
  }

  push(chunk: Uint8Array): void {
    let at = this.#carried > 0 ? this.#finishCarried(chunk) : 0;
    const end = chunk.length;
    while (at < end && !this.stopped) {
      const length = this.#format.recordBytes(chunk, at, end - at);
      if (length < 0) this.stopped = true;
      else if (length === 0 || length > end - at) {
        this.#keep(chunk, at, end, Math.max(length, end - at));
        return;
      } else {
        this.#format.record(chunk, at, length);
        at += length;
      }
    }
    this.unreadBytes += end - at;
  }

  /** Bytes of a record whose rest never came. */
  get tailBytes(): number {
    return this.#carried;
  }

  /** Completes the record begun in earlier chunks. Returns how much of `chunk` it took. */
  #finishCarried(chunk: Uint8Array): number {
    let taken = 0;
    for (;;) {
      const length = this.#format.recordBytes(this.#carry, 0, this.#carried);
      if (length < 0) {
        this.stopped = true;
        this.unreadBytes += this.#carried;
        this.#carried = 0;
        return taken;
      }
      if (length > 0 && length <= this.#carried) {
        this.#carried = 0;
        this.#format.record(this.#carry, 0, length);
        return taken;
      }
      if (taken === chunk.length) return taken;
      // While the length is unknown a byte at a time, so that nothing of the next record is taken: few bytes.
      const wanted = length === 0 ? 1 : length - this.#carried;
      const upTo = Math.min(chunk.length, taken + wanted);
      this.#keep(chunk, taken, upTo, Math.max(length, this.#carried + upTo - taken));
      taken = upTo;
    }
  }

  #keep(chunk: Uint8Array, start: number, end: number, capacity: number): void {
    if (this.#carry.length < capacity) {
      // What is claimed is not yet there: grow with what comes, at most twofold, not with the claim.
      const needed = this.#carried + end - start;
      const grown = new Uint8Array(Math.max(CARRY_BYTES, Math.min(capacity, needed * 2)));
      if (grown.length > this.#carry.length) {
        grown.set(this.#carry.subarray(0, this.#carried));
        this.#carry = grown;
      }
    }
    this.#carry.set(chunk.subarray(start, end), this.#carried);
    this.#carried += end - start;
  }
}
