/**
 * Takes batches from an output's queue and has them consumed one after the other: what the file and the stdout outputs
 * have in common. While a batch is being consumed nothing is taken, which is how a slow disk pushes back.
 */
import type { Message } from "@mirrorball/protocol";
import type { OutputContext } from "../component/types.ts";
import { Waiters } from "../core/waiters.ts";

/** Bytes that make a batch large enough to write. */
const WRITE_BYTES_TARGET = 256 * 1024;
const TAKE_STEP = 64;

export interface BatchWriterOptions {
  readonly context: OutputContext;
  /** Resolves when the next batch may come; settles the messages, then or later, and never rejects. */
  readonly consume: (batch: Message[]) => Promise<void>;
}

export class BatchWriter {
  readonly #options: BatchWriterOptions;
  #writing = false;
  #closed = false;
  readonly #idle: Waiters = new Waiters();

  constructor(options: BatchWriterOptions) {
    this.#options = options;
    options.context.queue.onReadable = () => this.#wake();
  }

  /** Resolves when the queue is empty and nothing is being written. */
  async drained(): Promise<void> {
    if (!this.#writing && this.#options.context.queue.length === 0) return;
    const idle = this.#idle.wait();
    this.#wake();
    await idle;
  }

  close(): void {
    this.#closed = true;
    this.#idle.release();
  }

  #wake(): void {
    if (this.#writing || this.#closed) return;
    this.#writing = true;
    // `#run` handles every failure itself.
    void this.#run();
  }

  async #run(): Promise<void> {
    // Messages that arrive in the same turn of the event loop go into the same write.
    await Promise.resolve();
    const { queue } = this.#options.context;
    while (!this.#closed && queue.length > 0) await this.#options.consume(this.#takeBatch());
    this.#writing = false;
    this.#idle.release();
  }

  #takeBatch(): Message[] {
    const { queue } = this.#options.context;
    const batch: Message[] = [];
    let bytes = 0;
    while (bytes < WRITE_BYTES_TARGET) {
      const step = queue.takeBatch(TAKE_STEP);
      if (step.length === 0) break;
      for (const message of step) {
        bytes += message.http.byteLength;
        batch.push(message);
      }
    }
    return batch;
  }
}
