/**
 * The queue in front of an output: first in, first out, bounded in messages and in bytes. It turns "full" into a
 * promise that inputs wait on, or into a refusal, as its policy says. It decides nothing about single messages: what is to be put in
 * was chosen before (`output-branch.ts`).
 *
 * A batch is taken whole as long as there is room for its first message, so the bound may be overshot by
 * one batch; cutting batches would cost every message to spare a few.
 */
import type { Message } from "@mirrorball/protocol";
import { scaledBytes } from "../../core/memory/process-memory.ts";
import type { Accepted, OutputQueue } from "../../component/types.ts";
import { MessageFifo } from "../../core/message-fifo.ts";
import type { QueueStats } from "../../core/queue-stats.ts";
import { Waiters } from "../../core/waiters.ts";
import type { OutputAccount } from "../accounting/ledger.ts";

/** Bytes that may wait for one output, so that queues of large bodies stay bounded too. */
const QUEUE_BYTES_MAX: number = scaledBytes(64 * 1024 * 1024);

/** Why nothing can be put in. */
export type Refusal = "queue-full" | "shutdown";

export class BoundedQueue implements OutputQueue {
  onReadable: () => void = () => {};
  readonly #account: OutputAccount;
  readonly #lengthMax: number;
  readonly #dropsWhenFull: boolean;
  readonly #stats: QueueStats | undefined;
  readonly #items: MessageFifo = new MessageFifo();
  readonly #room: Waiters = new Waiters();
  #closed = false;

  /** `stats` is told of every message that is put in, for gor's queue figures. */
  constructor(
    account: OutputAccount,
    lengthMax: number,
    policy: "wait" | "drop",
    stats?: QueueStats,
  ) {
    this.#account = account;
    this.#lengthMax = lengthMax;
    this.#dropsWhenFull = policy === "drop";
    this.#stats = stats;
  }

  get length(): number {
    return this.#items.length;
  }

  get bytes(): number {
    return this.#items.bytes;
  }

  /** Why a batch cannot be put in now; undefined when it can, which holds for all of the batch. */
  get refusal(): Refusal | undefined {
    if (this.#closed) return "shutdown";
    return this.#dropsWhenFull && this.#full ? "queue-full" : undefined;
  }

  /** Appends the messages. Ask `refusal` before. */
  put(batch: readonly Message[]): void {
    const wasEmpty = this.length === 0;
    for (const message of batch) {
      this.#items.push(message);
      this.#stats?.wrote(this.length);
    }
    this.#account.enqueued(batch.length);
    if (wasEmpty && batch.length > 0) this.onReadable();
  }

  /** Undefined while there is room, or when being full makes nobody wait. */
  get room(): Accepted {
    if (this.#dropsWhenFull || this.#closed || !this.#full) return undefined;
    return this.#room.wait();
  }

  /** The message `ahead` places behind the front, left where it is. */
  peek(ahead: number): Message | undefined {
    return this.#items.peek(ahead);
  }

  take(): Message | undefined {
    const message = this.#items.take();
    if (message === undefined) return undefined;
    this.#account.dequeued();
    if (this.#room.any && this.#halfEmpty) this.#room.release();
    return message;
  }

  takeBatch(max: number): Message[] {
    return takeUpTo(this, max);
  }

  /** Nothing more is taken in; who waits for room may go. */
  close(): void {
    this.#closed = true;
    this.#items.clear();
    this.#room.release();
  }

  get #full(): boolean {
    return this.length >= this.#lengthMax || this.#items.bytes >= QUEUE_BYTES_MAX;
  }

  /** Waking inputs at the half, not at the first free place, lets them work in batches. */
  get #halfEmpty(): boolean {
    return this.length * 2 <= this.#lengthMax && this.#items.bytes * 2 <= QUEUE_BYTES_MAX;
  }
}

/** Messages of any queue that gives one at a time. */
export function takeUpTo(queue: Pick<OutputQueue, "take">, max: number): Message[] {
  const batch: Message[] = [];
  while (batch.length < max) {
    const message = queue.take();
    if (message === undefined) break;
    batch.push(message);
  }
  return batch;
}
