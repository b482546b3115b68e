/**
 * Which messages of a middleware that died are given to the next one, and which are lost because every middleware may die of them. Sans-IO.
 *
 * In: what the dead one held, in the order in which it was given. Out: what is given again, in that order, and what is lost.
 *
 * The rules:
 * 1. Only a message that is kept whole can be given again.
 * 2. A middleware dies of what it came to last. So the first ones that it held and had not overtaken are suspects: `SUSPECTS_MIN` at a
 *    first death, twice as many at each further one in a row.
 * 3. A suspect is blamed with `BLAME_OF_SUSPECTS`, any other message with `BLAME_OF_OTHERS`.
 * 4. A message that was overtaken once is never a suspect again: it is known not to be what a middleware died of.
 * 5. A message with a blame of `BLAME_MAX` is lost.
 */

/** Three deaths that a message is suspected of: it may be what kills every middleware, and then nothing behind it would come through. */
const BLAME_MAX = 24;
const BLAME_OF_SUSPECTS = 8;
/** So that after two dozen deaths nothing is given again, whatever the suspicion. */
const BLAME_OF_OTHERS = 1;
/** Those that it was most likely working on. */
const SUSPECTS_MIN = 4;

/** What a middleware held of one message. */
export interface HeldMessage<M extends object> {
  /** Undefined when it is not kept whole. */
  readonly message: M | undefined;
  /** Something that was given later has come back. */
  readonly overtaken: boolean;
}

export interface Judgement<M extends object, H extends HeldMessage<M>> {
  readonly again: M[];
  readonly lost: H[];
}

export class Blame<M extends object> {
  /** Weak: a message that came back is forgotten with it. */
  readonly #blame: WeakMap<M, number> = new WeakMap();
  readonly #unsuspected: WeakSet<M> = new WeakSet();

  /** `deathsInARow` counts this one. */
  died<H extends HeldMessage<M>>(held: readonly H[], deathsInARow: number): Judgement<M, H> {
    const again: M[] = [];
    const lost: H[] = [];
    let suspects = SUSPECTS_MIN * 2 ** (deathsInARow - 1);
    for (const each of held) {
      const { message, overtaken } = each;
      if (message === undefined) {
        lost.push(each);
        continue;
      }
      if (overtaken) this.#unsuspected.add(message);
      const isSuspect = suspects > 0 && !this.#unsuspected.has(message);
      if (isSuspect) suspects -= 1;
      const blame = this.#add(message, isSuspect ? BLAME_OF_SUSPECTS : BLAME_OF_OTHERS);
      if (blame >= BLAME_MAX) lost.push(each);
      else again.push(message);
    }
    return { again, lost };
  }

  #add(message: M, added: number): number {
    const blame = (this.#blame.get(message) ?? 0) + added;
    this.#blame.set(message, blame);
    return blame;
  }
}
