/**
 * Whether one producer is here: which connection speaks for it, since when none does, and how many exchanges it has taken with it
 * if it does not come back. Sans-IO.
 *
 * In: connections that come and go, the time. Out: who speaks for the producer. One that is superseded changes nothing any more.
 */

/** Milliseconds a producer may be away before its unfinished exchanges are given out as aborted. */
export const ABSENCE_MS_MAX = 60_000;

export interface Speaker {
  /** Another one speaks for the producer now. */
  supersede(): void;
}

export class Presence {
  #speaker: Speaker | undefined;
  #awaySinceMs: number;
  #missing = 0;
  #unaccounted: (count: number) => void = () => {};

  /** It is away at first. `nowMs`: monotonic, as everywhere here. */
  constructor(nowMs: number) {
    this.#awaySinceMs = nowMs;
  }

  get isHere(): boolean {
    return this.#speaker !== undefined;
  }

  /** It has said that it has exchanges which have not come. */
  get isMissed(): boolean {
    return this.#missing > 0;
  }

  speaks(speaker: Speaker): boolean {
    return this.#speaker === speaker;
  }

  /** `unaccounted` is told, once, of exchanges that the producer took with it. A half-open older connection must not go on beside this one. */
  join(speaker: Speaker, unaccounted: (count: number) => void): void {
    const older = this.#speaker;
    this.#speaker = speaker;
    this.#unaccounted = unaccounted;
    if (older !== speaker) older?.supersede();
  }

  /** False for a connection that does not speak for the producer (any more). `missing`: undefined when it does not say. */
  leave(speaker: Speaker, missing: number | undefined, nowMs: number): boolean {
    if (this.#speaker !== speaker) return false;
    this.#speaker = undefined;
    this.#awaySinceMs = nowMs;
    if (missing !== undefined) this.#missing = missing;
    return true;
  }

  awayMs(nowMs: number): number {
    return this.isHere ? 0 : nowMs - this.#awaySinceMs;
  }

  /** It is taken for gone as of now: the time begins anew. */
  restart(nowMs: number): void {
    this.#awaySinceMs = nowMs;
  }

  /** The producer will not come back: what it said to have is lost. */
  giveUp(): void {
    const missing = this.#missing;
    this.#missing = 0;
    if (missing > 0) this.#unaccounted(missing);
  }
}
