/**
 * Waits for a file descriptor instead of failing what was never written. In: work that opens a file. Out: its result, or its error
 * when that is of another kind, or when there is no more time.
 */
import { setTimeout as elapsed } from "node:timers/promises";
import { descriptorLimit, limitWords } from "../../files/descriptors.ts";
import { codeOf } from "../../files/file-error.ts";

/** Milliseconds between two attempts. */
const WAIT_MS = 100;

export interface DescriptorWaitEvents {
  /** Told once for each shortage. */
  readonly short: (explanation: string) => void;
  /** Gives back what descriptors there are. */
  readonly release: () => Promise<void>;
}

export class DescriptorWait {
  readonly #events: DescriptorWaitEvents;
  readonly #closing: AbortController = new AbortController();
  /** Read in time: to read it takes a descriptor. */
  readonly #descriptorsMax: number | undefined = descriptorLimit();

  constructor(events: DescriptorWaitEvents) {
    this.#events = events;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        const code = codeOf(error);
        const { signal } = this.#closing;
        if ((code !== "EMFILE" && code !== "ENFILE") || signal.aborted) throw error;
        if (attempt === 0) this.#events.short(this.#words);
        await this.#events.release();
        await elapsed(WAIT_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** No more waiting. */
  close(): void {
    this.#closing.abort();
  }

  get #words(): string {
    return `no file descriptor is free to open a file: ${limitWords(this.#descriptorsMax)}; records wait for one, and nothing is lost`;
  }
}
