/** Values that originals gave out: one without an image at the target is a miss. In: values. Out: whether one was given. Bounded. */

const VALUES_MAX = 500_000;
const CHARS_MAX: number = 32 * 1024 * 1024;

export class GivenValues {
  readonly #values: Set<string> = new Set();
  #chars = 0;

  add(value: string): void {
    if (this.#values.size >= VALUES_MAX || this.#chars >= CHARS_MAX) return;
    if (this.#values.has(value)) return;
    this.#values.add(value);
    this.#chars += value.length;
  }

  has(value: string): boolean {
    return this.#values.has(value);
  }
}
