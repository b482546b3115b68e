/**
 * How many messages are open of each entry of the journal, and which is the oldest entry that has any. Entries come in
 * any order, as a middleware may give back what it was given last first. Sans-IO.
 */
export class EntryCounts {
  /** Zero: nothing is open any more, and the heap still holds the entry. */
  readonly #counts: Map<number, number> = new Map();
  /** A binary heap, smallest first, each entry once. */
  readonly #heap: number[] = [];

  add(entry: number): void {
    const count = this.#counts.get(entry);
    this.#counts.set(entry, (count ?? 0) + 1);
    if (count === undefined) this.#push(entry);
  }

  remove(entry: number): void {
    const count = this.#counts.get(entry) ?? 0;
    if (count > 0) this.#counts.set(entry, count - 1);
  }

  /** Undefined when nothing is open. */
  get oldest(): number | undefined {
    for (;;) {
      const [entry] = this.#heap;
      if (entry === undefined || (this.#counts.get(entry) ?? 0) > 0) return entry;
      this.#counts.delete(entry);
      this.#pop();
    }
  }

  #push(entry: number): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] ?? 0;
      if (above <= entry) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if ((heap[child + 1] ?? Infinity) < (heap[child] ?? Infinity)) child += 1;
      const below = heap[child];
      if (below === undefined || below >= last) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}
