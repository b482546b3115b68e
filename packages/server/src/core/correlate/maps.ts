/**
 * All maps of one target: one a session, and one of what every session may use. In: pairs of values, by session. Out: images. Bounded in
 * sessions and in bytes.
 *
 * What a session learned is used by that session alone. A value that it never saw itself (the number of somebody else's account) is looked up
 * among all, where it means one thing only.
 */
import type { LearnedPair } from "./pairs.ts";
import { SessionMap } from "./session-map.ts";

export const SESSIONS_MAX = 50_000;
export const BYTES_MAX: number = 64 * 1024 * 1024;
const COMMON_MAX = 200_000;

export class CorrelationMaps {
  readonly #sessions: Map<number, SessionMap> = new Map();
  /** `undefined`: several images. */
  readonly #common: Map<string, string | undefined> = new Map();
  #bytes = 0;
  learned = 0;
  contradictions = 0;
  evicted = 0;

  learn(session: number, { namespace, a, b, replaces }: LearnedPair): void {
    const map = this.#mapOf(session);
    const [bytes, evicted] = [map.bytes, map.evicted];
    if (replaces) map.replace(namespace, a, b);
    else {
      const outcome = map.learn(namespace, a, b);
      if (outcome === "contradiction") this.contradictions += 1;
      if (outcome === "new" && a !== b) this.learned += 1;
      if (outcome !== "contradiction" && !namespace.startsWith("cookie:"))
        this.#share(namespace, a, b);
    }
    this.#bytes += map.bytes - bytes;
    this.evicted += map.evicted - evicted;
    this.#bound();
  }

  image(session: number, namespace: string, value: string): string | undefined {
    const own = this.#sessions.get(session)?.image(namespace, value);
    return own ?? this.#common.get(`${namespace}\u0000${value}`);
  }

  /** The image of a value within a session, whatever it counts: for pairing the elements of lists. */
  strongImage(session: number, value: string): string | undefined {
    return this.#sessions.get(session)?.image("", value);
  }

  join(older: number, younger: number): void {
    const map = this.#sessions.get(younger);
    if (map === undefined) return;
    this.#sessions.delete(younger);
    this.#bytes -= map.bytes;
    const into = this.#mapOf(older);
    const bytes = into.bytes;
    into.absorb(map);
    this.#bytes += into.bytes - bytes;
  }

  #share(namespace: string, a: string, b: string): void {
    const key = `${namespace}\u0000${a}`;
    if (!this.#common.has(key)) {
      if (this.#common.size < COMMON_MAX) this.#common.set(key, b);
    } else if (this.#common.get(key) !== b) this.#common.set(key, undefined);
  }

  #mapOf(session: number): SessionMap {
    const known = this.#sessions.get(session);
    if (known !== undefined) {
      // Used: now the youngest.
      this.#sessions.delete(session);
      this.#sessions.set(session, known);
      return known;
    }
    const map = new SessionMap();
    this.#sessions.set(session, map);
    return map;
  }

  #bound(): void {
    while (this.#sessions.size > SESSIONS_MAX || this.#bytes > BYTES_MAX) {
      const [oldest] = this.#sessions;
      if (oldest === undefined) return;
      this.#sessions.delete(oldest[0]);
      this.#bytes -= oldest[1].bytes;
      this.evicted += 1;
    }
  }
}
