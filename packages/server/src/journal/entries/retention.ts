/**
 * Which entries are kept although every output is done with them: an exchange under way began in one, or a middleware holds
 * messages of it. What is under way for too long is not waited for. Writes nothing.
 */
import type { RelayHold } from "../../core/journal/in-flight-entries.ts";
import type { Extent } from "./entry-range.ts";
import type { JournalReader } from "./reader.ts";

/**
 * An exchange that is under way for longer than this share of the limit is not kept for any more: a stream that never
 * ends would hold everything behind it. After a crash its rest is counted as `orphan`. A middleware that holds up as
 * much is asked to hurry.
 */
const PIN_SHARE = 0.25;

export class Pins {
  readonly #extent: Extent;
  readonly #reader: JournalReader;
  readonly #hold: RelayHold | undefined;
  readonly #bytesMax: number;

  constructor(
    extent: Extent,
    reader: JournalReader,
    hold: RelayHold | undefined,
    limitBytes: number,
  ) {
    this.#extent = extent;
    this.#reader = reader;
    this.#hold = hold;
    this.#bytesMax = limitBytes * PIN_SHARE;
  }

  /** The oldest entry that must be kept; beyond every entry when there is none. */
  get oldest(): number {
    const inside = this.#hold?.oldest ?? Number.MAX_SAFE_INTEGER;
    const oldest = this.#reader.oldestNeeded(0);
    if (oldest === undefined) return inside;
    const young = this.#isOld(oldest)
      ? this.#reader.oldestNeeded(this.#extent.firstWithin(this.#bytesMax))
      : oldest;
    return Math.min(inside, young ?? inside);
  }

  /** True when what is inside the middleware keeps so much here that it should be given up sooner. */
  get pressed(): boolean {
    const oldest = this.#hold?.oldest;
    return oldest !== undefined && this.#isOld(oldest);
  }

  #isOld(entry: number): boolean {
    return this.#extent.bytesBehind(entry) > this.#bytesMax;
  }
}
