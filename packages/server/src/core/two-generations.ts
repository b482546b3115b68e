/**
 * A bounded map that forgets the oldest: two generations, the older one dropped when the newer is full. So between `size` and twice as many
 * keys are remembered, without a timer and without a walk. Sans-IO.
 */
export class TwoGenerations<T> {
  readonly #size: number;
  #newer: Map<string, T> = new Map();
  #older: Map<string, T> = new Map();

  /** `size`: keys of one generation. */
  constructor(size: number) {
    this.#size = size;
  }

  set(key: string, value: T): void {
    this.#newer.set(key, value);
    if (this.#newer.size < this.#size) return;
    this.#older = this.#newer;
    this.#newer = new Map();
  }

  get(key: string): T | undefined {
    return this.#newer.get(key) ?? this.#older.get(key);
  }

  has(key: string): boolean {
    return this.#newer.has(key) || this.#older.has(key);
  }

  /** True for a key that this generation does not hold yet: set again, it lives on. */
  isOld(key: string): boolean {
    return !this.#newer.has(key);
  }

  delete(key: string): void {
    this.#newer.delete(key);
    this.#older.delete(key);
  }

  get isEmpty(): boolean {
    return this.#newer.size === 0 && this.#older.size === 0;
  }
}
