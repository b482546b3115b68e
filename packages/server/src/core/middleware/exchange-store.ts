/**
 * What a plugin keeps for an exchange, by id, from its request to its replayed response. Bounded: two generations, the
 * older one forgotten when the newer is full, so that nobody has to clean up after exchanges that never end.
 */

/** Exchanges of one generation: between this many and twice as many are remembered. */
const GENERATION_EXCHANGES: number = 65_536;

export class ExchangeStore {
  readonly #generation: number;
  #newer: Map<string, object> = new Map();
  #older: Map<string, object> = new Map();

  constructor(generation: number = GENERATION_EXCHANGES) {
    this.#generation = generation;
  }

  /** The object of this exchange; an empty one when nothing was kept for it. */
  of(id: string): object {
    const known = this.#newer.get(id);
    if (known !== undefined) return known;
    const kept = this.#older.get(id) ?? {};
    this.#newer.set(id, kept);
    if (this.#newer.size >= this.#generation) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    return kept;
  }
}
