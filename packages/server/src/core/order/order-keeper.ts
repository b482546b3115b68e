/**
 * Keeps recorded order within sequences: a follower waits until its predecessor is settled, everything else goes on.
 * Sans-IO. In: messages in recorded order, and which of them are settled. Out: the next one that may go.
 *
 * Bounded: when too many followers wait, nothing more is taken until one of them went.
 */
import type { Message } from "@mirrorball/protocol";
import type { OrderKey } from "./order-key.ts";

/** Followers that may wait: enough that one slow sequence does not stop the others soon. */
const WAITING_MAX: number = 10_000;
/** Bytes of them, as in an output's queue. */
const WAITING_BYTES_MAX: number = 64 * 1024 * 1024;

export interface Source {
  readonly length: number;
  take(): Message | undefined;
}

export class OrderKeeper {
  readonly #keyOf: OrderKey;
  readonly #waitingMax: number;
  /** For every sequence with a message under way: those that wait for it. */
  readonly #sequences: Map<string, Message[]> = new Map();
  readonly #ready: Message[] = [];
  #waiting = 0;
  #waitingBytes = 0;

  constructor(keyOf: OrderKey, waitingMax: number = WAITING_MAX) {
    this.#keyOf = keyOf;
    this.#waitingMax = waitingMax;
  }

  /** True when `next` may find something in `source` or among those that waited. */
  hasNext(source: Source): boolean {
    return this.#ready.length > 0 || (source.length > 0 && !this.#full);
  }

  /** A message that may go now. It is under way until it is given to `settled`. */
  next(source: Source): Message | undefined {
    const ready = this.#ready.shift();
    if (ready !== undefined) return ready;
    while (!this.#full) {
      const message = source.take();
      if (message === undefined) return undefined;
      const key = this.#keyOf(message);
      if (key === undefined) return message;
      const followers = this.#sequences.get(key);
      if (followers === undefined) {
        this.#sequences.set(key, []);
        return message;
      }
      followers.push(message);
      this.#waiting += 1;
      this.#waitingBytes += message.http.byteLength;
    }
    return undefined;
  }

  /** Lets the follower of `message` go, if there is one. */
  settled(message: Message): void {
    const key = this.#keyOf(message);
    if (key === undefined) return;
    const follower = this.#sequences.get(key)?.shift();
    if (follower === undefined) {
      this.#sequences.delete(key);
      return;
    }
    this.#waiting -= 1;
    this.#waitingBytes -= follower.http.byteLength;
    this.#ready.push(follower);
  }

  get #full(): boolean {
    return this.#waiting >= this.#waitingMax || this.#waitingBytes >= WAITING_BYTES_MAX;
  }
}
