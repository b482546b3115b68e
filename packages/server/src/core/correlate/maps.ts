/**
 * All maps of one target: one a session, and one of what every session may use. In: pairs of values, by session. Out: images. Bounded in
 * sessions and in bytes.
 *
 * What a session learned is used by that session alone. A value that it never saw itself (the number of somebody else's account) is looked up
 * among all, where it means one thing only.
 */
import { Claims } from "./claims.ts";
import type { Claim } from "./claims.ts";
import type { LearnedPair } from "./pairs.ts";
import { SessionMap } from "./session-map.ts";

export const SESSIONS_MAX = 50_000;
export const BYTES_MAX: number = 64 * 1024 * 1024;
const COMMON_MAX = 200_000;

/** Names that do not say what a value counts: the same value may mean many things. */
function isLoose({ namespace }: LearnedPair): boolean {
  return /^(?:named|place|field|cookie):/.test(namespace);
}

export class CorrelationMaps {
  readonly #sessions: Map<number, SessionMap> = new Map();
  /** `undefined`: several images. */
  readonly #common: Map<string, string | undefined> = new Map();
  readonly #claims: Claims;
  readonly #session: (session: number) => number;
  #bytes = 0;
  learned = 0;
  contradictions = 0;
  /** Pairs that were not believed, because the value is the image of another session's. */
  contested = 0;
  evicted = 0;

  /** `session`: what a session is called now. */
  constructor(session: (session: number) => number = (own) => own) {
    this.#claims = new Claims(session);
    this.#session = session;
  }

  learn(session: number, pair: LearnedPair): void {
    const map = this.#mapOf(session);
    const [bytes, evicted] = [map.bytes, map.evicted];
    if (pair.replaces) map.replace(pair.namespace, pair.a, pair.b);
    else if (isLoose(pair)) this.#take(map, pair);
    else this.#judge(session, map, pair);
    this.#bytes += map.bytes - bytes;
    this.evicted += map.evicted - evicted;
    this.#bound();
  }

  #judge(session: number, map: SessionMap, pair: LearnedPair): void {
    const { namespace, a, b } = pair;
    const own = map.image(namespace, a);
    // What contradicts what the session knows takes nothing from others.
    if (own !== undefined && own !== b) {
      this.contradictions += 1;
      return;
    }
    const ruling = this.#claims.rule(session, pair);
    if (ruling.word === "contested") {
      if (map.contest(namespace, a, b) === "held") this.contested += 1;
      else this.contradictions += 1;
      return;
    }
    const { ousts } = ruling;
    if (ousts !== undefined) this.#hold(ousts, namespace, b);
    this.#take(map, pair);
  }

  /** It was believed before somebody knew better. */
  #hold({ session, a }: Claim, namespace: string, b: string): void {
    this.contested += 1;
    this.#sessions.get(this.#session(session))?.hold(namespace, a, b);
    const key = `${namespace}\u0000${a}`;
    if (this.#common.get(key) === b) this.#common.delete(key);
  }

  #take(map: SessionMap, { namespace, a, b }: LearnedPair): void {
    const outcome = map.learn(namespace, a, b);
    if (outcome === "contradiction") this.contradictions += 1;
    if (outcome === "new" && a !== b) this.learned += 1;
    if (outcome !== "contradiction" && !namespace.startsWith("cookie:"))
      this.#share(namespace, a, b);
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
