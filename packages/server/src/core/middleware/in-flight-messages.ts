/**
 * What is with a middleware program that cannot say "dropped": messages by kind and id, until they come back, are too
 * old or too many. In: messages, ids, the time. Out: what they were. Whole messages are kept only when they may have to be
 * given again; then their bytes are bounded too.
 */
import type { Chained } from "../keyed-fifo.ts";
import { ByMessage } from "../by-message.ts";
import type { MessageName } from "../by-message.ts";
import type { Message, MessageContext, MessageKind } from "@mirrorball/protocol";

export interface InFlight extends Chained<InFlight> {
  readonly kind: MessageKind;
  readonly id: string;
  readonly context: MessageContext | undefined;
  readonly sinceMs: number;
  /** Counts what was given. */
  readonly place: number;
  /** Undefined when messages are not kept. */
  readonly message: Message | undefined;
  // Several of one kind and id: replayed by two outputs, or read twice.
  next: InFlight | undefined;
  last: InFlight | undefined;
}

/** InFlight beyond the bound before the oldest are given up, so that giving up costs one walk for many. */
const EVICT_STEP = 1024;

export class InFlightMessages {
  readonly #graceMs: number;
  readonly #countMax: number;
  readonly #bytesMax: number | undefined;
  readonly #queues: ByMessage<InFlight> = new ByMessage();
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
      const held: InFlight = { kind, id, context, sinceMs: nowMs, place, message, next: undefined, last: undefined }; // prettier-ignore
      this.#queues.add(given, held);
    }
    this.#count += batch.length;
  }

  /** Takes out the oldest of this kind and id. */
  take(kind: MessageKind, id: string): InFlight | undefined {
    return this.#taken({ kind, id });
  }

  #taken(name: MessageName): InFlight | undefined {
    const held = this.#queues.take(name);
    if (held === undefined) return undefined;
    this.#count -= 1;
    this.#bytes -= held.message?.http.byteLength ?? 0;
    return held;
  }

  /** Takes out what was held for the whole grace time. */
  expire(nowMs: number): InFlight[] {
    return this.#takeWhile(({ sinceMs }) => nowMs - sinceMs >= this.#graceMs);
  }

  /** Takes out what was held for a shorter grace time, and given before something that came back. */
  overtaken(nowMs: number, graceMs: number, byMs: number): InFlight[] {
    return this.#takeWhile(({ sinceMs }) => sinceMs < byMs && nowMs - sinceMs >= graceMs);
  }

  #takeWhile(due: (held: InFlight) => boolean): InFlight[] {
    const out: InFlight[] = [];
    for (const queues of this.#queues.byKind) {
      for (const held of queues.firsts()) {
        if (!due(held)) break;
        out.push(held);
        this.#taken(held);
      }
    }
    return out;
  }

  /** Takes out the oldest when there are more than the bounds. */
  evict(): InFlight[] {
    const out: InFlight[] = [];
    if (this.#count < this.#countMax + EVICT_STEP && !this.#tooLarge) return out;
    while (this.#count > this.#countMax || this.#tooLarge) {
      // The kind that holds most gives most: its oldest are the least likely to come back.
      const [largest] = this.#queues.byKind.toSorted((a, b) => b.keys - a.keys);
      for (const held of largest?.firsts() ?? []) {
        out.push(held);
        this.#taken(held);
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
  clear(): InFlight[] {
    const out = this.#queues.clear();
    this.#count = 0;
    this.#bytes = 0;
    return out.toSorted((a, b) => a.place - b.place);
  }
}
