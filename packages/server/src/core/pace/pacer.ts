/**
 * When a recorded message is due. In: its recorded time, in order of play, and the time now. Out: the moment, in monotonic
 * milliseconds.
 *
 * Every moment is reckoned from the start, never from the last one, so that lateness does not add up: who is behind is told
 * moments in the past until it has caught up. A message older than one before it is due at once and moves nothing.
 */
const NS_PER_MS = 1e6;
const MS_PER_SECOND = 1000;

export type Pace =
  /** 1 as recorded, 2 twice as fast. `maxWaitMs` caps a single gap, after the speed; 0 means no cap. */
  | { readonly mode: "recorded"; readonly speed: number; readonly maxWaitMs: number }
  /** So many requests a second, evenly; responses go with the request before them. */
  | { readonly mode: "rate"; readonly perSecond: number }
  | { readonly mode: "max" };

export class Pacer {
  /** Messages older than one that was played before them. */
  outOfOrder = 0;
  readonly #pace: Pace;
  /** Undefined before the first message, and before the first one of another round. */
  #startedMs: number | undefined;
  /** The last moment told. */
  #dueMs: number | undefined;
  #firstNs = 0;
  #lastNs = 0;
  /** What `maxWaitMs` has cut out so far. */
  #cutMs = 0;
  #requests = 0;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** When the message recorded at `atNs` is due; the first one is due now. */
  due(atNs: number, isRequest: boolean, nowMs: number): number {
    let startedMs = this.#startedMs;
    if (startedMs === undefined) {
      // Another round goes on from the last moment of the schedule, however late the player is.
      startedMs = this.#dueMs ?? nowMs;
      this.#startedMs = startedMs;
      this.#firstNs = atNs;
      this.#lastNs = atNs;
      this.#cutMs = 0;
      this.#requests = 0;
    }
    const gapNs = atNs - this.#lastNs;
    if (gapNs < 0) this.outOfOrder += 1;
    else this.#lastNs = atNs;
    const dueMs = this.#dueAfter(startedMs, gapNs, isRequest, nowMs);
    this.#dueMs = dueMs;
    return dueMs;
  }

  /** The recording starts anew: its first message follows the last one without a gap. */
  restart(): void {
    if (this.#pace.mode === "recorded") this.#startedMs = undefined;
  }

  #dueAfter(startedMs: number, gapNs: number, isRequest: boolean, nowMs: number): number {
    const pace = this.#pace;
    if (pace.mode === "max") return nowMs;
    if (pace.mode === "rate") {
      if (isRequest) this.#requests += 1;
      return startedMs + (Math.max(this.#requests - 1, 0) * MS_PER_SECOND) / pace.perSecond;
    }
    const gapMs = gapNs / NS_PER_MS / pace.speed;
    if (pace.maxWaitMs > 0 && gapMs > pace.maxWaitMs) this.#cutMs += gapMs - pace.maxWaitMs;
    const sinceMs = (this.#lastNs - this.#firstNs) / NS_PER_MS / pace.speed;
    return startedMs + sinceMs - this.#cutMs;
  }
}
