/**
 * What a plugin keeps for an exchange, by id, from its request to its replayed response. Bounded: two generations, the
 * older one forgotten when the newer is full, so that exchanges that never end need no cleaning up.
 */
import { TwoGenerations } from "../two-generations.ts";

/** Exchanges of one generation: between this many and twice as many are remembered. */
const GENERATION_EXCHANGES: number = 65_536;

export class ExchangeStore {
  readonly #kept: TwoGenerations<object>;

  constructor(generation: number = GENERATION_EXCHANGES) {
    this.#kept = new TwoGenerations(generation);
  }

  /** The object of this exchange; an empty one when nothing was kept for it. */
  of(id: string): object {
    const kept = this.#kept.get(id) ?? {};
    if (this.#kept.isOld(id)) this.#kept.set(id, kept);
    return kept;
  }
}
