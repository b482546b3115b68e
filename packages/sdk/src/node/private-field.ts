/**
 * Hidden fields on objects that are Node's: what we know of a socket or server hangs on it, invisible to the host and at no
 * cost to it. A private class field is put on a foreign object by a constructor that returns it:
 *
 *     class Mark extends PrivateFieldHost {
 *       #mark: number;
 *       constructor(owner: object, mark: number) { super(owner); this.#mark = mark; }
 *       static of(owner: object): number | undefined { return #mark in owner ? owner.#mark : undefined; }
 *     }
 *
 * The obvious way, a symbol property, is a keyed store: it pushes these wide objects into V8's dictionary mode, and every
 * later access by Node and Express pays (measured: +30 µs CPU a request of Express's JSON hello, against less than
 * 1 µs this way). Each field is a class written out: classes made by a shared function share what V8 learns about them,
 * so that every look-up becomes a generic one.
 */
// oxlint-disable-next-line no-extraneous-class -- a class field needs a class to stand on
export class PrivateFieldHost {
  constructor(object: object) {
    // oxlint-disable-next-line no-constructor-return -- this is the point
    return object;
  }
}
