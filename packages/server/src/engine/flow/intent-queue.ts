/**
 * The queue that an output sees when a journal must know what it is about to send: messages that must not be sent
 * twice are held back until it is on disk that they may have been sent. The others pass by without waiting.
 *
 * In: a bounded queue, and how to write intents down. Out: the same messages in the same order. `length` is what may
 * be taken now, not what waits.
 */
import type { Message } from "@mirrorball/protocol";
import type { OutputQueue } from "../../component/types.ts";
import { Waiters } from "../../core/waiters.ts";
import { takeUpTo } from "./queue.ts";
import type { BoundedQueue } from "./queue.ts";

/**
 * Messages that may be written down ahead of being taken. After a crash those of them that were not settled are
 * uncertain, so no more than keep the output busy while the next ones are written: twice what it took during the last
 * write, or some more than before when that was not enough.
 */
const AHEAD_MIN = 4;
const AHEAD_MAX = 512;
/** Doubling would overshoot, and leave twice as many uncertain after a crash. */
const GROWTH = 1.25;

export interface IntentLog {
  needsIntent(message: Message): boolean;
  /** Resolves when the intents are on disk; never rejects. */
  intend(messages: readonly Message[]): Promise<void>;
}

export class IntentQueue implements OutputQueue {
  onReadable: () => void = () => {};
  readonly #inner: BoundedQueue;
  readonly #log: IntentLog;
  #ready = 0;
  #window = AHEAD_MIN;
  #takenWhileWriting = 0;
  #writing = false;
  readonly #drained: Waiters = new Waiters();

  constructor(inner: BoundedQueue, log: IntentLog) {
    this.#inner = inner;
    this.#log = log;
    inner.onReadable = () => this.#extend();
  }

  get length(): number {
    return this.#ready;
  }

  /** Resolves when nothing waits in it or behind it. */
  async drained(): Promise<void> {
    if (this.#inner.length === 0) return;
    const drained = this.#drained.wait();
    this.#extend();
    await drained;
  }

  take(): Message | undefined {
    if (this.#ready === 0) return undefined;
    const message = this.#inner.take();
    this.#ready -= 1;
    this.#takenWhileWriting += 1;
    if (this.#inner.length === 0) this.#drained.release();
    else if (this.#ready <= this.#window / 2) this.#extend();
    return message;
  }

  takeBatch(max: number): Message[] {
    return takeUpTo(this, max);
  }

  #extend(): void {
    if (this.#writing) return;
    const wasEmpty = this.#ready === 0;
    let ahead = this.#ready;
    let message = this.#inner.peek(ahead);
    while (message !== undefined && ahead < this.#window && !this.#log.needsIntent(message)) {
      ahead += 1;
      message = this.#inner.peek(ahead);
    }
    this.#ready = ahead;
    if (message !== undefined && ahead < this.#window) this.#write(ahead);
    if (wasEmpty && this.#ready > 0) this.onReadable();
  }

  /** Writes the intents of everything from place `ahead` to the end of the window. */
  #write(ahead: number): void {
    const intents: Message[] = [];
    let end = ahead;
    for (; end < this.#window; end += 1) {
      const message = this.#inner.peek(end);
      if (message === undefined) break;
      if (this.#log.needsIntent(message)) intents.push(message);
    }
    this.#writing = true;
    this.#takenWhileWriting = 0;
    const count = end - ahead;
    const full = end === this.#window;
    const written = (): void => {
      this.#writing = false;
      const wasEmpty = this.#ready === 0;
      // With nothing left to take it took no more than there was: that tells only that it could take more.
      const wanted =
        wasEmpty && full ? Math.ceil(this.#window * GROWTH) : this.#takenWhileWriting * 2;
      this.#window = Math.min(AHEAD_MAX, Math.max(AHEAD_MIN, wanted));
      this.#ready = Math.min(this.#ready + count, this.#inner.length);
      this.#extend();
      if (wasEmpty && this.#ready > 0) this.onReadable();
      if (this.#inner.length === 0) this.#drained.release();
    };
    void this.#log.intend(intents).then(written);
  }
}
