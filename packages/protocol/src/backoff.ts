/**
 * How long to wait before something is tried again: up to a ceiling that doubles with every failure in a row, with jitter, so that many
 * who failed together do not come back together. Sans-IO. In: failures, randomness. Out: milliseconds.
 */
export interface BackoffOptions {
  /** The first ceiling. */
  readonly firstMs: number;
  /** The last one. */
  readonly longestMs: number;
  /** The least pause as a share of the ceiling, 0 to 1; 0 is full jitter. */
  readonly leastShare?: number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  #ceilingMs: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#ceilingMs = options.firstMs;
  }

  /** The pause after one more failure; `random` is in [0, 1). */
  next(random: number): number {
    const { longestMs, leastShare = 0 } = this.#options;
    const pauseMs = this.#ceilingMs * (leastShare + (1 - leastShare) * random);
    this.#ceilingMs = Math.min(longestMs, this.#ceilingMs * 2);
    return pauseMs;
  }

  /** It worked: the next failure is a first one. */
  reset(): void {
    this.#ceilingMs = this.#options.firstMs;
  }
}
