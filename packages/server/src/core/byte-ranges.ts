/**
 * Bytes that came before their turn: disjoint ranges at 32-bit positions, in order. Of bytes that come twice the first
 * stay. Sans-IO; positions wrap, so all of them must lie within 2^31 of one another. Used for TCP segments
 * behind a hole and for IP fragments.
 *
 *     position ─▶      [at ─ bytes)   hole   [at ─ bytes)[at ─ bytes)
 */

/** `bytes` is a copy; absent where the capture cut a packet: the range is known, its bytes are not. */
export interface HeldRange {
  readonly at: number;
  readonly length: number;
  readonly bytes: Uint8Array | undefined;
  readonly seconds: number;
  readonly nanoseconds: number;
  /** The caller's own; 0 where it has none. */
  readonly mark: number;
}

/**
 * What a range costs beside its bytes: the object, the array and its backing store. Counted, because 64 MiB of
 * one-byte ranges would otherwise be many gigabytes.
 */
const RANGE_OVERHEAD_BYTES = 256;

export class ByteRanges {
  #ranges: HeldRange[] = [];
  /** Bytes held, without what is only known to be missing. */
  bytes = 0;
  /** What all this takes in memory, by estimate. */
  costBytes = 0;
  /** Results of the last `insert`: bytes that were here already … */
  duplicateBytes = 0;
  /** … and how many of the ranges they met held other bytes. */
  conflicts = 0;

  get count(): number {
    return this.#ranges.length;
  }

  get first(): HeldRange | undefined {
    return this.#ranges[0];
  }

  get last(): HeldRange | undefined {
    return this.#ranges[this.#ranges.length - 1];
  }

  /** Takes `chunk[start..end)` for position `at`, as far as these positions are free. Copies. */
  insert(
    at: number,
    chunk: Uint8Array,
    start: number,
    end: number,
    seconds: number,
    nanoseconds: number,
    mark = 0,
  ): void {
    this.#place(at, end - start, chunk, start, seconds, nanoseconds, mark);
  }

  /** Notes positions whose bytes can never come, as far as they are free. */
  insertMissing(at: number, length: number, seconds: number, nanoseconds: number, mark = 0): void {
    this.#place(at, length, undefined, 0, seconds, nanoseconds, mark);
  }

  /** Whether anything of `from` to `to` is held. */
  touches(from: number, to: number): boolean {
    const range = this.#ranges[this.#firstEndingAfter(from)];
    return range !== undefined && ((to - range.at) | 0) > 0;
  }

  /** Removes and returns the first range. */
  shift(): HeldRange | undefined {
    const range = this.#ranges.shift();
    if (range !== undefined) {
      if (range.bytes !== undefined) this.bytes -= range.length;
      this.costBytes -= RANGE_OVERHEAD_BYTES + (range.bytes?.length ?? 0);
    }
    return range;
  }

  #place(
    at: number,
    length: number,
    chunk: Uint8Array | undefined,
    start: number,
    seconds: number,
    nanoseconds: number,
    mark: number,
  ): void {
    this.duplicateBytes = 0;
    this.conflicts = 0;
    /** `done` bytes of the new range are settled. */
    let done = 0;
    let index = this.#firstEndingAfter(at);
    while (done < length) {
      const range = this.#ranges[index];
      const free = range === undefined ? length - done : (range.at - ((at + done) | 0)) | 0;
      if (free > 0) {
        const take = Math.min(free, length - done);
        this.#add(index, (at + done) | 0, take, chunk, start + done, seconds, nanoseconds, mark);
        index += 1;
        done += take;
      } else if (range !== undefined) {
        const inside = -free;
        const overlap = Math.min(range.length - inside, length - done);
        this.duplicateBytes += overlap;
        if (differs(range, inside, chunk, start + done, overlap)) this.conflicts += 1;
        done += overlap;
        index += 1;
      }
    }
  }

  #add(
    index: number,
    at: number,
    length: number,
    chunk: Uint8Array | undefined,
    start: number,
    seconds: number,
    nanoseconds: number,
    mark: number,
  ): void {
    let bytes: Uint8Array | undefined;
    if (chunk !== undefined) {
      // Not `slice`: a Buffer's is a view.
      bytes = new Uint8Array(length);
      bytes.set(chunk.subarray(start, start + length));
      this.bytes += length;
    }
    this.costBytes += RANGE_OVERHEAD_BYTES + (bytes?.length ?? 0);
    const range: HeldRange = { at, length, bytes, seconds, nanoseconds, mark };
    if (index === this.#ranges.length) this.#ranges.push(range);
    else this.#ranges.splice(index, 0, range);
  }

  /** Index of the first range that ends behind `at`: the first that a range from `at` can touch. */
  #firstEndingAfter(at: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const range = this.#ranges[middle];
      const behind = range === undefined ? 0 : (range.at + range.length - at) | 0;
      if (behind > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function differs(
  range: HeldRange,
  inside: number,
  chunk: Uint8Array | undefined,
  start: number,
  length: number,
): boolean {
  if (range.bytes === undefined || chunk === undefined) return false;
  for (let i = 0; i < length; i += 1) {
    if (range.bytes[inside + i] !== chunk[start + i]) return true;
  }
  return false;
}
