/**
 * What one session learned: how each value of the recording is called at the target. In: pairs, with the name of what they count. Out: the
 * image of a value. The first mapping stays, unless it is held: then it gives no image, and a later one takes its place. Bounded, the least
 * recently used forgotten first.
 */

/** Mappings of one session: a list of a thousand rows gives three or four each. */
export const ENTRIES_MAX = 4096;
/** Longer values are not learned: a token may be a JWT, not a document. */
const VALUE_CHARS_MAX = 4096;
/** What an entry costs beside its characters. */
const ENTRY_BYTES = 160;

export class SessionMap {
  readonly #entries: Map<string, string> = new Map();
  /** Those whose image is contested. */
  readonly #held: Set<string> = new Set();
  bytes = 0;
  evicted = 0;

  /** `namespace` "" for values that carry 64 bits or more of their own. Gives false for a contradiction, which is not learned. */
  learn(namespace: string, a: string, b: string): "new" | "known" | "contradiction" {
    if (a.length > VALUE_CHARS_MAX || b.length > VALUE_CHARS_MAX) return "known";
    const key = keyOf(namespace, a);
    const known = this.#entries.get(key);
    if (known !== undefined && !this.#held.has(key)) return known === b ? "known" : "contradiction";
    this.#held.delete(key);
    this.replace(namespace, a, b);
    return "new";
  }

  /** What a is called is contested: no image until something better is learned. An entry that is trusted stays. */
  contest(namespace: string, a: string, b: string): "held" | "trusted" {
    const key = keyOf(namespace, a);
    const known = this.#entries.get(key);
    if (known !== undefined && known !== b) return this.#held.has(key) ? "held" : "trusted";
    if (known === undefined) this.replace(namespace, a, b);
    if (this.#entries.has(key)) this.#held.add(key);
    return "held";
  }

  /** Somebody else knows better what b is. */
  hold(namespace: string, a: string, b: string): void {
    const key = keyOf(namespace, a);
    if (this.#entries.get(key) === b) this.#held.add(key);
  }

  /** A later value under the same name takes the place of the earlier: cookies are replaced, not collected. */
  replace(namespace: string, a: string, b: string): void {
    this.#put(keyOf(namespace, a), b);
    if (this.#entries.size > ENTRIES_MAX) this.#forgetOldest();
  }

  #put(key: string, b: string): void {
    const known = this.#entries.get(key);
    if (known !== undefined) this.bytes -= costOf(key, known);
    this.#entries.delete(key);
    this.#entries.set(key, b);
    this.bytes += costOf(key, b);
  }

  image(namespace: string, a: string): string | undefined {
    const key = keyOf(namespace, a);
    const found = this.#entries.get(key);
    if (found === undefined || this.#held.has(key)) return undefined;
    // Used: now the youngest.
    this.#entries.delete(key);
    this.#entries.set(key, found);
    return found;
  }

  /** Joins another session's map, which turned out to be this one's. */
  absorb(other: SessionMap): void {
    for (const [key, b] of other.#entries) {
      const isBetter = this.#held.has(key) && !other.#held.has(key);
      if (this.#entries.has(key) && !isBetter) continue;
      if (other.#held.has(key)) this.#held.add(key);
      else this.#held.delete(key);
      this.#put(key, b);
    }
    while (this.#entries.size > ENTRIES_MAX) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const [key, b] of this.#entries) {
      this.#entries.delete(key);
      this.#held.delete(key);
      this.bytes -= costOf(key, b);
      this.evicted += 1;
      return;
    }
  }
}

function keyOf(namespace: string, value: string): string {
  return namespace === "" ? value : `${namespace}\u0000${value}`;
}

function costOf(key: string, b: string): number {
  return (key.length + b.length) * 2 + ENTRY_BYTES;
}
