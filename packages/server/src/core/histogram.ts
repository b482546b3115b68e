/**
 * A histogram of durations with logarithmic buckets: constant memory, constant time, a relative error of at most
 * 1/32. Sans-IO. In: milliseconds. Out: percentiles in milliseconds.
 *
 * A value in microseconds is filed under its top six bits: the exponent picks a row of 32 buckets, the five
 * bits behind the leading one pick the bucket.
 */
const ROW_BITS = 5;
const ROW = 1 << ROW_BITS;
/** 2^36 µs are 19 hours; longer values fall into the last bucket. */
const EXPONENT_MAX = 36;
const TWO_32 = 2 ** 32;

export class Histogram {
  count = 0;
  maxMs = 0;
  sumMs = 0;
  readonly #buckets: Float64Array = Histogram.blank();

  record(ms: number): void {
    const us = Math.max(0, Math.round(ms * 1000));
    const index = Math.min(bucketOf(us), this.#buckets.length - 1);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.count += 1;
    this.sumMs += Math.max(0, ms);
    if (ms > this.maxMs) this.maxMs = ms;
  }

  /**
   * Percentiles of what was recorded since `before` was filled here the last time, and fills it anew; none when nothing was. `before` comes from
   * `blank`.
   */
  since(before: Float64Array, shares: readonly number[]): number[] {
    let count = 0;
    for (let i = 0; i < this.#buckets.length; i += 1) {
      const total = this.#buckets[i] ?? 0;
      // What is left there is the difference, until the second walk is over.
      before[i] = total - (before[i] ?? 0);
      count += before[i] ?? 0;
    }
    const found = count === 0 ? [] : shares.map((share) => edgeOf(before, count * share));
    before.set(this.#buckets);
    return found;
  }

  /**
   * For each of these bounds, which ascend, how many values do not exceed it. A bucket that a bound cuts through counts as beyond it: the bound is at
   * most 1/32 lower than it says.
   */
  within(boundsMs: readonly number[]): number[] {
    let seen = 0;
    let next = 0;
    return boundsMs.map((bound) => {
      const edge = Math.round(bound * 1000);
      for (; next < this.#buckets.length && upperEdgeUs(next) <= edge; next += 1) {
        seen += this.#buckets[next] ?? 0;
      }
      return seen;
    });
  }

  /** As `since` wants it of who has not looked yet. */
  static blank(): Float64Array {
    return new Float64Array((EXPONENT_MAX - ROW_BITS + 2) * ROW);
  }

  /** The smallest bucket edge that `share` (0 to 1) of the values do not exceed; 0 when there are none. */
  percentile(share: number): number {
    return Math.min(edgeOf(this.#buckets, this.count * share), this.maxMs);
  }
}

/** In milliseconds: the upper edge of the bucket in which the value of this rank lies; 0 when there are not so many. */
function edgeOf(buckets: Float64Array, rank: number): number {
  const wanted = Math.max(1, Math.ceil(rank));
  let seen = 0;
  for (let i = 0; i < buckets.length; i += 1) {
    seen += buckets[i] ?? 0;
    if (seen >= wanted) return upperEdgeUs(i) / 1000;
  }
  return 0;
}

/** Values beyond 32 bits, more than an hour, are filed by their upper bits: `Math.clz32` sees 32. */
function bucketOf(us: number): number {
  if (us < ROW) return us;
  const high = us >= TWO_32 ? Math.floor(us / TWO_32) : 0;
  const exponent = high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(us);
  const width = exponent - ROW_BITS;
  const mantissa = high > 0 ? Math.floor(us / 2 ** width) : us >>> width;
  return (width + 1) * ROW + (mantissa - ROW);
}

/** Largest whole microsecond in the bucket. */
function upperEdgeUs(index: number): number {
  if (index < ROW) return index;
  const row = Math.floor(index / ROW);
  const width = 2 ** (row - 1);
  return (ROW + (index % ROW) + 1) * width - 1;
}
