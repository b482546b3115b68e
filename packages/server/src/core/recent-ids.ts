/**
 * Remembers the ids of requests that were left out, so that their responses can be left out too. Bounded: two
 * generations, the older one forgotten when the newer is full (gor kept them for 60 s, in up to 200 MB).
 */
import { TwoGenerations } from "./two-generations.ts";

/** Ids of one generation: between this many and twice as many are remembered, a minute of a thousand a second. */
const GENERATION_IDS: number = 65_536;

export class RecentIds {
  readonly #ids: TwoGenerations<true>;

  constructor(generationIds: number = GENERATION_IDS) {
    this.#ids = new TwoGenerations(generationIds);
  }

  add(id: string): void {
    this.#ids.set(id, true);
  }

  /** An id that is used again for a request that is not left out. */
  forget(id: string): void {
    this.#ids.delete(id);
  }

  /** True while there is nothing to remember: asking for an id then costs a hash for nothing. */
  get empty(): boolean {
    return this.#ids.isEmpty;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }
}
