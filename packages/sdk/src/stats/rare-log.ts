/**
 * Lines about a trouble that lasts: the first at once, the next ones ever rarer, each with the number of those in between. In: lines
 * with the time they come at. Out: the few that are said. No clock, no timer.
 */

/** Between one line and the next, for as long as it goes on. A trouble that is seen needs no second line soon. */
const PAUSES_MS: readonly number[] = [5 * 60_000, 60 * 60_000];

export class RareLog {
  readonly #log: (line: string) => void;
  #said = 0;
  #nextAtMs = 0;
  #untold = 0;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Whether it was said. */
  say(line: string, nowMs: number): boolean {
    if (this.#said > 0 && nowMs < this.#nextAtMs) {
      this.#untold += 1;
      return false;
    }
    this.#nextAtMs = nowMs + (PAUSES_MS[Math.min(this.#said, PAUSES_MS.length - 1)] ?? 0);
    this.#said += 1;
    const untold = this.#untold;
    this.#untold = 0;
    this.#log(untold === 0 ? line : `${line} (${untold} more since the last such line)`);
    return true;
  }

  /** The trouble is over for good: the next one is news. */
  reset(): void {
    this.#said = 0;
    this.#untold = 0;
  }
}
