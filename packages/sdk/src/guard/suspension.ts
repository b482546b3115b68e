/**
 * Switches recording off for a while when errors of our own come too fast. In: errors, with the time. Out: `begin`, and
 * `end` a minute later, by itself. A few odd requests a day change nothing; a fault in every request costs ten exchanges and
 * two lines of log in two minutes, and then the host's methods are its own again. Knows nothing of what is switched off.
 */
import { contained } from "./callbacks.ts";

/** So many errors, */
const FAULTS_MAX = 10;
/** within so many milliseconds, */
const WINDOW_MS = 60_000;
/** switch off for so many. Always the same: what it costs to try again is bounded by the two above. */
export const PAUSE_MS = 60_000;

interface SuspensionEvents {
  readonly begin: () => void;
  readonly end: () => void;
  readonly fault: (error: unknown) => void;
}

export class Suspension {
  readonly #events: SuspensionEvents;
  /** The last ones, oldest first. */
  readonly #faultsAtMs: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(events: SuspensionEvents) {
    this.#events = events;
  }

  /** One error more, at this monotonic time. Those that come while it is off change nothing. */
  count(nowMs: number): void {
    if (this.#timer !== undefined) return;
    this.#faultsAtMs.push(nowMs);
    if (this.#faultsAtMs.length < FAULTS_MAX) return;
    const oldest = this.#faultsAtMs.shift() ?? nowMs;
    if (nowMs - oldest > WINDOW_MS) return;
    this.#faultsAtMs.length = 0;
    const end = contained(() => {
      this.#timer = undefined;
      this.#events.end();
    }, this.#events.fault);
    this.#timer = setTimeout(end, PAUSE_MS);
    this.#timer.unref();
    this.#events.begin();
  }

  /** Nobody needs it any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
