/**
 * Puts records in order of time, within a window: so many are held, and the oldest goes first. Records of equal times keep
 * the order in which they came (gor's heap did not). Nearly sorted input costs next to nothing a record.
 */
import type { Message } from "@mirrorball/protocol";
import { isLater } from "./earlier.ts";

/** Taken places are cut off the front in steps of this many, so that taking stays O(1). */
const COMPACT_STEP = 1024;

export class SortWindow {
  #messages: (Message | undefined)[] = [];
  #timesNs: number[] = [];
  #head = 0;

  get length(): number {
    return this.#messages.length - this.#head;
  }

  /** The time of the oldest; infinite when there is none. */
  get headNs(): number {
    return this.#timesNs[this.#head] ?? Number.POSITIVE_INFINITY;
  }

  get head(): Message | undefined {
    return this.#messages[this.#head];
  }

  add(message: Message, timeNs: number): void {
    const times = this.#timesNs;
    const messages = this.#messages;
    let at = times.length;
    messages.push(message);
    times.push(timeNs);
    while (at > this.#head && isLater(times[at - 1] ?? 0, messages[at - 1], timeNs, message)) {
      times[at] = times[at - 1] ?? 0;
      messages[at] = messages[at - 1];
      at -= 1;
    }
    times[at] = timeNs;
    messages[at] = message;
  }

  take(): Message | undefined {
    const message = this.#messages[this.#head];
    if (message === undefined) return undefined;
    this.#messages[this.#head] = undefined;
    this.#head += 1;
    if (this.#head >= COMPACT_STEP && this.#head * 2 > this.#messages.length) {
      this.#messages.splice(0, this.#head);
      this.#timesNs.splice(0, this.#head);
      this.#head = 0;
    }
    return message;
  }
}
