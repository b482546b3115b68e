/**
 * How many connections a target is worth, found by trying. Sans-IO: figures of the last tick in, a limit out.
 *
 * While messages wait, the limit is doubled as long as that raises the rate clearly, then halved as long as that does
 * not lower it: connections that bring nothing cost both sides memory, and everybody latency. A target that is slow
 * to answer gains with every doubling; one that is busy gains nothing. With no backlog nothing is tried, nor when
 * this process itself is what is busy: more connections do not make it faster.
 */

/** Milliseconds between ticks. */
export const SCALE_TICK_MS: number = 100;
/** Ticks whose sum is compared: single ticks are noise. */
const WINDOW_TICKS = 3;
const LIMIT_START = 16;
const LIMIT_MIN = 8;
/** Above this, connections cost more than they bring, and file descriptors run out. */
export const WORKERS_MAX_DEFAULT: number = 512;
/** Twice the connections must bring a fifth more. */
const GAIN_MIN = 1.2;
/** Half the connections may cost a tenth. */
const KEPT_MIN = 0.9;
/** A process that is busy for more than this share of its time is the bottleneck itself. */
const LOOP_USE_MAX = 0.8;
/** Ticks without trials after a round that changed nothing; doubled up to the maximum, as the answer stays the same. */
const REST_TICKS_MIN = 20;
const REST_TICKS_MAX = 320;

type Trial = "none" | "up" | "down";

export class Scaler {
  limit: number;
  readonly #max: number;
  readonly #fixed: boolean;
  #trial: Trial = "none";
  #ticks = 0;
  #completed = 0;
  /** Completed in a window at the limit that a trial is compared with. */
  #base = 0;
  #restTicks = 0;
  #nextRestTicks = REST_TICKS_MIN;

  /** `max` 0 finds a number by itself; otherwise all `max` may be used at once. */
  constructor(max: number) {
    this.#fixed = max !== 0;
    this.#max = this.#fixed ? max : WORKERS_MAX_DEFAULT;
    this.limit = this.#fixed ? max : LIMIT_START;
  }

  /**
   * `completed` since the last tick; `saturated`: messages waited although every allowed worker was busy;
   * `loopUse`: the share of the tick in which this process was busy, 0 to 1.
   */
  tick(completed: number, saturated: boolean, loopUse: number): void {
    if (this.#fixed) return;
    if (!saturated || (loopUse > LOOP_USE_MAX && this.#trial !== "down")) {
      this.#endTrial(this.#trial === "up");
      return;
    }
    if (this.#restTicks > 0 && completed >= this.limit) {
      this.#restTicks -= 1;
      return;
    }
    this.#ticks += 1;
    this.#completed += completed;
    if (this.#ticks < WINDOW_TICKS) return;
    this.#judge(this.#completed);
    this.#ticks = 0;
    this.#completed = 0;
  }

  #judge(completed: number): void {
    // Workers that finish less than one exchange a tick wait for the target, not for the processor.
    const slow = completed < this.limit * WINDOW_TICKS;
    if (
      this.#trial === "none" ||
      (this.#trial === "up" && (slow || completed >= this.#base * GAIN_MIN))
    ) {
      this.#base = completed;
      if (this.limit < this.#max) this.#try("up", Math.min(this.#max, this.limit * 2));
      else this.#endTrial(false);
    } else if (this.#trial === "up") {
      this.limit = Math.max(LIMIT_MIN, this.limit / 2);
      this.#try("down", Math.max(LIMIT_MIN, this.limit / 2));
    } else if (completed >= this.#base * KEPT_MIN && this.limit > LIMIT_MIN) {
      this.#base = completed;
      this.#try("down", Math.max(LIMIT_MIN, this.limit / 2));
    } else {
      if (completed < this.#base * KEPT_MIN) this.limit *= 2;
      this.#endTrial(false);
      this.#restTicks = this.#nextRestTicks;
      this.#nextRestTicks = Math.min(REST_TICKS_MAX, this.#nextRestTicks * 2);
    }
  }

  #try(trial: Trial, limit: number): void {
    this.#trial = trial;
    this.limit = Math.floor(limit);
  }

  #endTrial(undo: boolean): void {
    if (undo) this.limit = Math.max(LIMIT_MIN, Math.floor(this.limit / 2));
    this.#trial = "none";
    this.#ticks = 0;
    this.#completed = 0;
  }
}
