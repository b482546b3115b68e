/**
 * Messages that wait, first in first out, with the bytes of all of them. Taking is O(1). It bounds nothing: who fills it does. Sans-IO.
 */
import type { Message } from "@mirrorball/protocol";

/** Taken places are cut off the array's front in steps of this many. */
const COMPACT_STEP = 1024;

export class MessageFifo {
  #items: (Message | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(message: Message): void {
    this.#items.push(message);
    this.#bytes += message.http.byteLength;
  }

  /** In front of all that wait, in this order. */
  pushFront(messages: readonly Message[]): void {
    this.#items = [...messages, ...this.#items.slice(this.#head)];
    this.#head = 0;
    for (const { http } of messages) this.#bytes += http.byteLength;
  }

  /** The message `ahead` places behind the front, left where it is. */
  peek(ahead: number): Message | undefined {
    return this.#items[this.#head + ahead];
  }

  take(): Message | undefined {
    const message = this.#items[this.#head];
    if (message === undefined) return undefined;
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= COMPACT_STEP && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    this.#bytes -= message.http.byteLength;
    return message;
  }

  /** Takes out everything. */
  clear(): Message[] {
    const rest = this.#items.slice(this.#head).filter((message) => message !== undefined);
    this.#items = [];
    this.#head = 0;
    this.#bytes = 0;
    return rest;
  }
}
