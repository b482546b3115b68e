/**
 * What a mirror had to drop, by reason, and the two lines of log that begin and end a time of a full buffer. And how many
 * errors of its own were contained, with a line for the first.
 */
import { printable } from "@mirrorball/protocol/producing";
import type { DropReason } from "./stats.ts";

/** Of a stack, as much as a report needs. */
const FAULT_CHARS_MAX = 2000;

export class Losses {
  readonly #log: (line: string) => void;
  readonly #drops: Map<DropReason, number> = new Map();
  #dropping = false;
  /** Errors of our own that were contained. */
  faults = 0;

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

  /** The server would not have what a frame held. */
  refused(count: number, reason: string): void {
    if (this.of("refused") === 0)
      this.#log(
        `mirrorball: the server refuses what a frame holds (${printable(reason)}); its exchanges are counted as refused`,
      );
    this.count("refused", count);
  }

  fault(error: unknown): void {
    this.faults += 1;
    if (this.faults > 1) return;
    this.#log(
      `mirrorball: an error of its own; the service goes on, this and all that follow are counted: ${textOf(error)}`,
    );
  }

  endDropping(): void {
    this.#dropping = false;
    const count = this.of("buffer-full");
    this.#log(`mirrorball: the buffer has room again; ${count} exchanges were dropped so far`);
  }
}

/** Whatever was thrown: a stack that the host makes, a thing without a text. */
function textOf(error: unknown): string {
  try {
    const stack = error instanceof Error ? error.stack : undefined;
    // One line of log: its control characters are taken out.
    const lines = (stack ?? String(error)).slice(0, FAULT_CHARS_MAX).split("\n");
    return lines.map((line) => line.trim()).join(" ");
  } catch {
    return "nothing that can be told";
  }
}
