/**
 * The limit behind `ADDRESS|N` and `ADDRESS|N%`: which requests go on. Sans-IO: messages and monotonic milliseconds in,
 * a verdict out.
 *
 * `N` is absolute, as in gor: a window opens at the first request more than a second after the last window opened, and
 * what comes after N requests in it is left out. `N%` is a share, drawn from the id and a salt, so that it is even, and
 * independent of other limits. Only requests are counted; responses share their request's fate (gor drew lots for
 * them too, which tore pairs apart).
 */
import { MessageKind, fnv1a32 } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { RecentIds } from "../recent-ids.ts";

export type Limit =
  | { readonly kind: "absolute"; readonly perSecond: number }
  | { readonly kind: "percent"; readonly percent: number };

/** gor's window. */
const WINDOW_MS = 1000;
/** Steps of a percentage: two decimals. */
const STEPS_PER_PERCENT = 100;

export interface Limiter {
  admits(message: Message, nowMs: number): boolean;
}

/** `salt` is random, one a limiter: two shares of the same traffic must not be the same share. */
export function createLimiter(limit: Limit, salt: string): Limiter {
  return limit.kind === "absolute"
    ? new WindowLimiter(limit.perSecond)
    : new ShareLimiter(limit.percent, salt);
}

class WindowLimiter implements Limiter {
  readonly #perSecond: number;
  readonly #left: RecentIds = new RecentIds();
  #openedMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  admits({ kind, id }: Message, nowMs: number): boolean {
    if (kind !== MessageKind.request) return !this.#left.has(id);
    if (nowMs - this.#openedMs > WINDOW_MS) {
      this.#openedMs = nowMs;
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#count <= this.#perSecond) return true;
    this.#left.add(id);
    return false;
  }
}

class ShareLimiter implements Limiter {
  readonly #steps: number;
  readonly #salt: string;

  constructor(percent: number, salt: string) {
    this.#steps = Math.round(percent * STEPS_PER_PERCENT);
    this.#salt = salt;
  }

  admits({ id }: Message): boolean {
    // The salt goes last: FNV mixes what comes first best, and ids often differ only in their last digits.
    return fnv1a32(id + this.#salt) % (100 * STEPS_PER_PERCENT) < this.#steps;
  }
}
