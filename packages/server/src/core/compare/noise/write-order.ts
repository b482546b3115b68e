/**
 * Whether a write and another exchange about the same thing happened in the recorded order. In: the writes of a run, and an exchange. Out: true when
 * the recording or the replay leaves open which came first, or they disagree: what the answer says of the state may be either way then.
 */
import type { ExchangeRef } from "../differences/place.ts";

/** Writes that are remembered of one thing, and things: what finds no room excuses nothing. */
const WRITES_A_THING_MAX = 1000;
const THINGS_MAX = 100_000;
/** What a larger share of all writes touches is everybody's, an API key or a tenant, and tells nothing. */
const COMMON_SHARE = 0.2;
/** Fewer writes in all say nothing of shares. */
const COMMON_MIN = 8;

export class WriteOrder {
  readonly #byThing: Map<string, ExchangeRef[]> = new Map();
  #count = 0;

  add(write: ExchangeRef): void {
    this.#count += 1;
    for (const thing of write.touched) {
      const known = this.#byThing.get(thing);
      if (known !== undefined) {
        if (known.length < WRITES_A_THING_MAX) known.push(write);
      } else if (this.#byThing.size < THINGS_MAX) this.#byThing.set(thing, [write]);
    }
  }

  /** True when a write to something that the exchange is about may have come before it on one side and behind it on the other. */
  isOpen(exchange: ExchangeRef): boolean {
    const commonMin = Math.max(COMMON_MIN, this.#count * COMMON_SHARE);
    return exchange.touched.some((thing) => {
      const writes = this.#byThing.get(thing) ?? [];
      return writes.length <= commonMin && writes.some((write) => isOpenBetween(write, exchange));
    });
  }
}

function isOpenBetween(write: ExchangeRef, other: ExchangeRef): boolean {
  if (write.index === other.index) return false;
  const recorded = order(write.originalAtMs, write.originalEndMs, other.originalAtMs, other.originalEndMs); // prettier-ignore
  const replayed = order(write.replayedAtMs, write.replayedEndMs, other.replayedAtMs, other.replayedEndMs); // prettier-ignore
  return recorded === "open" || replayed !== recorded;
}

function order(
  start: number,
  end: number,
  otherStart: number,
  otherEnd: number,
): "before" | "behind" | "open" {
  if (end <= otherStart) return "before";
  return otherEnd <= start ? "behind" : "open";
}
