/**
 * How many connections a target is worth, found by trying. Sans-IO: figures of the last tick in, a limit out.
 *
 * While messages wait, the limit doubles as long as that helps. It surely helps when the target is slow (workers
 * finish less than one exchange a tick); when it is fast, a step that raised the rate by less than a tenth is the
 * last for a while, because more connections only cost both sides more.
 */

/** Milliseconds between ticks. */
export const SCALE_TICK_MS: number = 100;
const LIMIT_START = 16;
/** Above this, connections cost more than they bring, and file descriptors run out. */
export const WORKERS_MAX_DEFAULT: number = 512;
const RATE_GAIN_MIN = 1.1;
const HOLD_MS = 2000;

export class Scaler {
  limit: number;
  readonly #max: number;
  #rateBeforeGrowth = 0;
  #grew = false;
  #holdUntilMs = 0;

  /** `max` 0 means dynamic up to the default; otherwise all `max` may be used at once. */
  constructor(max: number) {
    this.#max = max === 0 ? WORKERS_MAX_DEFAULT : max;
    this.limit = max === 0 ? LIMIT_START : max;
  }

  tick(nowMs: number, backlog: number, completed: number, workers: number): void {
    if (backlog === 0 || workers < this.limit || this.limit >= this.#max) {
      this.#grew = false;
      return;
    }
    const slow = completed < workers;
    if (this.#grew && !slow && completed < this.#rateBeforeGrowth * RATE_GAIN_MIN) {
      this.#holdUntilMs = nowMs + HOLD_MS;
    }
    this.#grew = false;
    if (nowMs < this.#holdUntilMs && !slow) return;
    this.#rateBeforeGrowth = completed;
    this.limit = Math.min(this.#max, this.limit * 2);
    this.#grew = true;
  }
}
