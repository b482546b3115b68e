/**
 * What is with a middleware program that cannot say "dropped": messages by kind and id, until they come back, are too
 * old or too many. In: messages, ids, the time. Out: what they were. Whole messages are kept only when they may have to be
 * given again; then their bytes are bounded too.
 */
import type { Message, MessageContext, MessageKind } from "@mirrorball/protocol";

export interface Held {
  readonly kind: MessageKind;
  readonly id: string;
  readonly context: MessageContext | undefined;
  readonly sinceMs: number;
  /** Counts what was given. */
  readonly place: number;
  /** Undefined when messages are not kept. */
  readonly message: Message | undefined;
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
  readonly #bytesMax: number | undefined;
  readonly #byKind: readonly Map<string, Held>[] = [new Map(), new Map(), new Map()];
  #count = 0;
  #places = 0;
  #bytes = 0;

  /** With `bytesMax` messages are kept. */
  constructor(graceMs: number, countMax: number, bytesMax?: number) {
    this.#graceMs = graceMs;
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#count;
  }

  add(batch: readonly Message[], nowMs: number): void {
    for (const given of batch) {
      const { kind, id, context } = given;
      const message = this.#bytesMax === undefined ? undefined : given;
      this.#bytes += message?.http.byteLength ?? 0;
      const place = this.#places;
      this.#places += 1;
      const held: Held = { kind, id, context, sinceMs: nowMs, place, message, next: undefined, last: undefined }; // prettier-ignore
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
    this.#bytes -= held.message?.http.byteLength ?? 0;
    return held;
  }

  /** Takes out what was held for the whole grace time. */
  expire(nowMs: number): Held[] {
    return this.#takeWhile(({ sinceMs }) => nowMs - sinceMs >= this.#graceMs);
  }

  /** Takes out what was held for a shorter grace time, and given before something that came back. */
  overtaken(nowMs: number, graceMs: number, byMs: number): Held[] {
    return this.#takeWhile(({ sinceMs }) => sinceMs < byMs && nowMs - sinceMs >= graceMs);
  }

  #takeWhile(due: (held: Held) => boolean): Held[] {
    const out: Held[] = [];
    for (const map of this.#byKind) {
      for (const held of map.values()) {
        if (!due(held)) break;
        out.push(held);
        this.take(held.kind, held.id);
      }
    }
    return out;
  }

  /** Takes out the oldest when there are more than the bounds. */
  evict(): Held[] {
    const out: Held[] = [];
    if (this.#count < this.#countMax + EVICT_STEP && !this.#tooLarge) return out;
    while (this.#count > this.#countMax || this.#tooLarge) {
      // The kind that holds most gives most: its oldest are the least likely to come back.
      const [largest] = this.#byKind.toSorted((a, b) => b.size - a.size);
      for (const held of largest?.values() ?? []) {
        out.push(held);
        this.take(held.kind, held.id);
        const within = this.#count <= this.#countMax && !this.#tooLarge;
        if (within || out.length % EVICT_STEP === 0) break;
      }
    }
    return out;
  }

  /** A single message is never too large. */
  get #tooLarge(): boolean {
    return this.#count > 1 && this.#bytes > (this.#bytesMax ?? Infinity);
  }

  /** Takes out everything, in the order in which it was given. */
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
    this.#bytes = 0;
    return out.toSorted((a, b) => a.place - b.place);
  }

  #mapOf(kind: MessageKind): Map<string, Held> {
    const map = this.#byKind[kind - 1];
    if (map === undefined) throw new Error(`no message has kind ${String(kind)}`);
    return map;
  }
}
