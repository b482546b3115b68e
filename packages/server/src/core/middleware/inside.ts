/**
 * What is with a middleware program that cannot say "dropped": messages by kind and id, until they come back, are too
 * old or too many. In: messages, ids, the time. Out: what they were. Bodies are not kept.
 */
import type { Message, MessageContext, MessageKind } from "@mirrorball/protocol";

export interface Held {
  readonly kind: MessageKind;
  readonly id: string;
  readonly context: MessageContext | undefined;
  readonly sinceMs: number;
  /** A later message of the same kind and id: replayed by two outputs, or read twice. */
  next: Held | undefined;
  /** On the first of several of one id: the last, so that adding one more is not a walk. */
  last: Held | undefined;
}

/** Held beyond the bound before the oldest are given up, so that giving up costs one walk for many. */
const EVICT_STEP = 1024;

export class Inside {
  readonly #graceMs: number;
  readonly #countMax: number;
  readonly #byKind: readonly Map<string, Held>[] = [new Map(), new Map(), new Map()];
  #count = 0;

  constructor(graceMs: number, countMax: number) {
    this.#graceMs = graceMs;
    this.#countMax = countMax;
  }

  get count(): number {
    return this.#count;
  }

  add(batch: readonly Message[], nowMs: number): void {
    for (const { kind, id, context } of batch) {
      const held: Held = { kind, id, context, sinceMs: nowMs, next: undefined, last: undefined };
      const map = this.#mapOf(kind);
      const first = map.get(id);
      if (first === undefined) {
        map.set(id, held);
      } else {
        (first.last ?? first).next = held;
        first.last = held;
      }
    }
    this.#count += batch.length;
  }

  /** Takes out the oldest of this kind and id. */
  take(kind: MessageKind, id: string): Held | undefined {
    const map = this.#mapOf(kind);
    const held = map.get(id);
    if (held === undefined) return undefined;
    map.delete(id);
    if (held.next !== undefined) {
      held.next.last = held.last;
      map.set(id, held.next);
    }
    this.#count -= 1;
    return held;
  }

  /** Takes out what was held for the whole grace time. */
  expire(nowMs: number): Held[] {
    const out: Held[] = [];
    for (const map of this.#byKind) {
      for (const held of map.values()) {
        if (nowMs - held.sinceMs < this.#graceMs) break;
        out.push(held);
        this.take(held.kind, held.id);
      }
    }
    return out;
  }

  /** Takes out the oldest when there are more than the bound. */
  evict(): Held[] {
    const out: Held[] = [];
    if (this.#count < this.#countMax + EVICT_STEP) return out;
    while (this.#count > this.#countMax) {
      // The kind that holds most gives most: its oldest are the least likely to come back.
      const [largest] = this.#byKind.toSorted((a, b) => b.size - a.size);
      for (const held of largest?.values() ?? []) {
        out.push(held);
        this.take(held.kind, held.id);
        if (this.#count <= this.#countMax || out.length % EVICT_STEP === 0) break;
      }
    }
    return out;
  }

  /** Takes out everything. */
  clear(): Held[] {
    const out: Held[] = [];
    for (const map of this.#byKind) {
      for (const first of map.values()) {
        for (let held: Held | undefined = first; held !== undefined; held = held.next) {
          out.push(held);
        }
      }
      map.clear();
    }
    this.#count = 0;
    return out;
  }

  #mapOf(kind: MessageKind): Map<string, Held> {
    const map = this.#byKind[kind - 1];
    if (map === undefined) throw new Error(`no message has kind ${String(kind)}`);
    return map;
  }
}
