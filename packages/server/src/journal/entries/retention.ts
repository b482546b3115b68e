/**
 * Which entries are kept although every output is done with them: an exchange under way began in one, or a middleware holds
 * messages of it. What is under way for too long is not waited for. Writes nothing.
 */
import type { InFlightEntries } from "../../core/journal/in-flight-entries.ts";
import type { EntryRange } from "./entry-range.ts";
import type { JournalReader } from "./reader.ts";

/**
 * An exchange that is under way for longer than this share of the limit is not kept for any more: a stream that never
 * ends would hold everything behind it. After a crash its rest is counted as `orphan`. A middleware that holds up as
 * much is asked to hurry.
 */
const PIN_SHARE = 0.25;

export class Retention {
  readonly #range: EntryRange;
  readonly #reader: JournalReader;
  readonly #inFlight: InFlightEntries | undefined;
  readonly #bytesMax: number;

  constructor(
    range: EntryRange,
    reader: JournalReader,
    inFlight: InFlightEntries | undefined,
    limitBytes: number,
  ) {
    this.#range = range;
    this.#reader = reader;
    this.#inFlight = inFlight;
    this.#bytesMax = limitBytes * PIN_SHARE;
  }

  /** The oldest entry that must be kept; beyond every entry when there is none. */
  get oldest(): number {
    const inside = this.#inFlight?.oldest ?? Number.MAX_SAFE_INTEGER;
    const oldest = this.#reader.oldestNeeded(0);
    if (oldest === undefined) return inside;
    const young = this.#isOld(oldest)
      ? this.#reader.oldestNeeded(this.#range.firstWithin(this.#bytesMax))
      : oldest;
    return Math.min(inside, young ?? inside);
  }

  /** True when what is inside the middleware keeps so much here that it should be given up sooner. */
  get nearLimit(): boolean {
    const oldest = this.#inFlight?.oldest;
    return oldest !== undefined && this.#isOld(oldest);
  }

  #isOld(entry: number): boolean {
    return this.#range.bytesBehind(entry) > this.#bytesMax;
  }
}
