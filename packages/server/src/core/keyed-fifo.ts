/**
 * A map of queues: several items under one key, of which the oldest is taken first. Adding and taking are O(1), and an item costs no object
 * beside itself: it carries its own links. Sans-IO.
 */
export interface Chained<T> {
  /** The next one of the same key. */
  next: T | undefined;
  /** On the first of several: the last. */
  last: T | undefined;
}

export class KeyedFifo<T extends Chained<T>> {
  readonly #firsts: Map<string, T> = new Map();

  /** Keys that have any. */
  get keys(): number {
    return this.#firsts.size;
  }

  has(key: string): boolean {
    return this.#firsts.has(key);
  }

  /** The item must be in no other queue. */
  add(key: string, item: T): void {
    const first = this.#firsts.get(key);
    if (first === undefined) {
      this.#firsts.set(key, item);
    } else {
      (first.last ?? first).next = item;
      first.last = item;
    }
  }

  /** Takes out the oldest of this key. */
  take(key: string): T | undefined {
    const first = this.#firsts.get(key);
    if (first === undefined) return undefined;
    // Deleted even when there is a next one, which is younger: keys stay in the order of their oldest, as nearly as a Map can.
    this.#firsts.delete(key);
    const { next } = first;
    if (next !== undefined) {
      next.last = first.last === next ? undefined : first.last;
      this.#firsts.set(key, next);
    }
    return first;
  }

  /** The oldest of each key. */
  firsts(): IterableIterator<T> {
    return this.#firsts.values();
  }

  /** Takes out everything, key by key. */
  clear(): T[] {
    const all: T[] = [];
    for (const first of this.#firsts.values()) {
      for (let item: T | undefined = first; item !== undefined; item = item.next) all.push(item);
    }
    this.#firsts.clear();
    return all;
  }
}
