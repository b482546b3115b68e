/**
 * Whose the values of one place are. In: the values of the original with the session that was shown each, and all sessions that had a value. Out:
 * whether the place shows each caller things of his own, and whether a value is of another caller.
 *
 * A caller may have several sessions: sessions that were shown the same thing at this place are his. Where that makes one caller of most sessions
 * the place shows what is everybody's, and nothing of it is private.
 */
import type { Occurrence } from "../differences/place.ts";
import type { Values } from "../differences/values.ts";

/** So many of a place's values must be somebody's. */
const OWNED_SHARE_MIN = 0.8;
/** A caller with a larger share of the sessions is everybody. */
const CALLER_SHARE_MAX = 2 / 3;

export class Privacy {
  readonly isPrivate: boolean;
  readonly #values: Values;
  readonly #session: (session: number) => number;
  /** A session to another one of the same caller; the last of such a way names him. */
  readonly #callers: Map<number, number> = new Map();

  constructor(stored: readonly Occurrence[], values: Values, session: (session: number) => number) {
    this.#values = values;
    this.#session = session;
    const owned = stored.filter(({ a }) => this.#ownersOf(a).length > 0);
    for (const { a } of owned) this.#join(this.#ownersOf(a));
    const sizes = new Map<number, number>();
    const sessions = new Set(owned.flatMap(({ a }) => this.#ownersOf(a)));
    for (const each of sessions) {
      const caller = this.#callerOf(each);
      sizes.set(caller, (sizes.get(caller) ?? 0) + 1);
    }
    const largest = [...sizes.values()].reduce((x, y) => Math.max(x, y), 0);
    this.isPrivate =
      owned.length >= stored.length * OWNED_SHARE_MIN &&
      sizes.size > 1 &&
      largest <= Math.max(1, sessions.size * CALLER_SHARE_MAX);
  }

  /** True when a is of the caller of `session`, and `other`, a value of the original, is of somebody else. */
  isOfAnother(session: number, a: string, other: string): boolean {
    const own = this.#callerOf(this.#session(session));
    const owners = this.#ownersOf(other);
    const isOwn = this.#ownersOf(a).some((each) => this.#callerOf(each) === own);
    return isOwn && owners.length > 0 && owners.every((each) => this.#callerOf(each) !== own);
  }

  #ownersOf(value: string): number[] {
    return this.#values.ownersOf(value).map(this.#session);
  }

  #join([first, ...others]: readonly number[]): void {
    if (first === undefined) return;
    const caller = this.#callerOf(first);
    for (const each of others) {
      const other = this.#callerOf(each);
      if (other !== caller) this.#callers.set(other, caller);
    }
  }

  #callerOf(session: number): number {
    let at = session;
    for (let next = this.#callers.get(at); next !== undefined; next = this.#callers.get(at))
      at = next;
    return at;
  }
}
