/**
 * What to do when no file descriptor is free for another connection: keep the message that was not sent, use no more connections than
 * there are, try for more from time to time. Sans-IO: time comes in as an argument.
 */
import type { Message } from "@mirrorball/protocol";
import { limitWords } from "../../files/descriptors.ts";

/** Milliseconds without a failure after which twice the connections are tried. */
const TRY_AGAIN_MS = 1000;

export class DescriptorShortage {
  /** Taken from the queue and not sent, in order. */
  readonly unsent: Message[] = [];
  /** Connections that may be used; no bound while there is no shortage. */
  limit: number = Number.POSITIVE_INFINITY;
  readonly #descriptorsMax: number | undefined;
  #changedAtMs = 0;

  constructor(descriptorsMax: number | undefined) {
    this.#descriptorsMax = descriptorsMax;
  }

  /** `message` found no descriptor while `busy` others had one. */
  starve(message: Message, busy: number, nowMs: number): void {
    this.unsent.push(message);
    // Somebody has to try again, also when others hold all descriptors.
    this.limit = Math.min(this.limit, Math.max(busy, 1));
    this.#changedAtMs = nowMs;
  }

  get words(): string {
    return `no file descriptor is free for another connection: ${limitWords(this.#descriptorsMax)}; requests wait for one, and nothing is lost`;
  }

  tick(nowMs: number): void {
    if (this.limit === Number.POSITIVE_INFINITY || nowMs - this.#changedAtMs < TRY_AGAIN_MS) return;
    this.limit *= 2;
    this.#changedAtMs = nowMs;
  }
}
