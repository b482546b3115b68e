/**
 * Remembers the ids of requests that were left out, so that their responses can be left out too. Bounded: two
 * generations, the older one forgotten when the newer is full (gor kept them for 60 s, in up to 200 MB).
 */

/** Ids of one generation: between this many and twice as many are remembered, a minute of a thousand a second. */
const GENERATION_IDS: number = 65_536;

export class RecentIds {
  readonly #generationIds: number;
  #newer: Set<string> = new Set();
  #older: Set<string> = new Set();

  constructor(generationIds: number = GENERATION_IDS) {
    this.#generationIds = generationIds;
  }

  add(id: string): void {
    this.#newer.add(id);
    if (this.#newer.size < this.#generationIds) return;
    this.#older = this.#newer;
    this.#newer = new Set();
  }

  /** An id that is used again for a request that is not left out. */
  forget(id: string): void {
    this.#newer.delete(id);
    this.#older.delete(id);
  }

  /** True while there is nothing to remember: asking for an id then costs a hash for nothing. */
  get empty(): boolean {
    return this.#newer.size === 0 && this.#older.size === 0;
  }

  has(id: string): boolean {
    return this.#newer.has(id) || this.#older.has(id);
  }
}
