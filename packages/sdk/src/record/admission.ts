/**
 * Which requests a mirror records. In: requests, before anything is allocated for them. Out: yes or no, asked in this order:
 *
 * 1. the sample; what falls outside is skipped;
 * 2. the breaker, then a suspension; what they hold back is lost, and counted by that reason;
 * 3. the user's filter; what it sorts out is skipped, and when it has no answer `onCallbackError` decides.
 */
import type { IncomingMessage } from "node:http";
import type { Breaker } from "../guard/breaker.ts";
import { verdictOf } from "../guard/callbacks.ts";
import type { Settings } from "../options.ts";
import type { DropReason } from "../stats/stats.ts";
import { isSampled } from "./sampling.ts";

export class Admission {
  /** Requests that were left out on purpose. */
  skipped = 0;
  /** Calls of the filter that threw, or answered anything but true or false. */
  filterErrors = 0;
  readonly #settings: Settings;
  readonly #breaker: Breaker;
  readonly #refuse: (reason: DropReason) => void;

  /** `refuse` is called for each request that is lost. */
  constructor(settings: Settings, breaker: Breaker, refuse: (reason: DropReason) => void) {
    this.#settings = settings;
    this.#breaker = breaker;
    this.#refuse = refuse;
  }

  admits(req: IncomingMessage, isSuspended: boolean): boolean {
    const { sampleShare, sampleBy, filter } = this.#settings;
    if (
      sampleShare < 1 &&
      !isSampled(sampleShare, sampleBy, req.url ?? "", req.rawHeaders, Math.random())
    ) {
      this.skipped += 1;
      return false;
    }
    if (this.#breaker.refuses()) return this.#refused("breaker");
    if (isSuspended) return this.#refused("suspended");
    if (filter === undefined) return true;
    const verdict = verdictOf(filter, req);
    if (verdict === false) this.skipped += 1;
    if (verdict !== undefined) return verdict;
    this.filterErrors += 1;
    return this.#settings.onCallbackError === "keep" || this.#refused("filter-threw");
  }

  #refused(reason: DropReason): false {
    this.#refuse(reason);
    return false;
  }
}
