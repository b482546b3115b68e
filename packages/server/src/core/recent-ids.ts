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

  has(id: string): boolean {
    return this.#newer.has(id) || this.#older.has(id);
  }
}
