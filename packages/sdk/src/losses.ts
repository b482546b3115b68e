/** What a mirror had to drop, by reason, and the two lines of log that begin and end a time of a full buffer. */
import type { DropReason } from "./stats.ts";

export class Losses {
  readonly #log: (line: string) => void;
  readonly #drops: Map<DropReason, number> = new Map();
  #dropping = false;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** The buffer was full and has not been said to have room again. */
  get dropping(): boolean {
    return this.#dropping;
  }

  of(reason: DropReason): number {
    return this.#drops.get(reason) ?? 0;
  }

  all(): Partial<Record<DropReason, number>> {
    return Object.fromEntries(this.#drops);
  }

  count(reason: DropReason, count = 1): void {
    this.#drops.set(reason, this.of(reason) + count);
    if (reason !== "buffer-full" || this.#dropping) return;
    this.#dropping = true;
    this.#log("mirrorball: the buffer is full, exchanges are being dropped and counted");
  }

  endDropping(): void {
    this.#dropping = false;
    const count = this.of("buffer-full");
    this.#log(`mirrorball: the buffer has room again; ${count} exchanges were dropped so far`);
  }
}
