/**
 * The queue in front of an output: first in, first out, bounded in messages and in bytes. It turns "full" into a
 * promise that inputs wait on, or into counted drops, as its policy says.
 *
 * A batch is taken whole as long as there is room for its first message, so the bound may be overshot by
 * one batch; cutting batches would cost every message to spare a few.
 */
import type { Message } from "@mirrorball/protocol";
import { scaledBytes } from "../../core/memory/process-memory.ts";
import type { Accepted, OutputQueue } from "../../component/types.ts";
import type { QueueStats } from "../../core/queue-stats.ts";
import type { OutputAccount } from "../accounting/ledger.ts";

/** Bytes that may wait for one output, so that queues of large bodies stay bounded too. */
const QUEUE_BYTES_MAX: number = scaledBytes(64 * 1024 * 1024);

/** Taken places are cut off the array's front in steps of this many, so that taking stays O(1). */
const COMPACT_STEP = 1024;

export class BoundedQueue implements OutputQueue {
  onReadable: () => void = () => {};
  /** Told of messages that were offered and dropped; not once it is closed, when what a journal holds is not lost. */
  onDropped: ((message: Message) => void) | undefined;
  /** Told of every message that is put in, when somebody wants gor's queue figures. */
  stats: QueueStats | undefined;
  readonly #account: OutputAccount;
  readonly #lengthMax: number;
  readonly #dropsWhenFull: boolean;
  #items: (Message | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  #closed = false;
  #room: Promise<void> | undefined;
  #openRoom: () => void = () => {};

  constructor(account: OutputAccount, lengthMax: number, policy: "wait" | "drop") {
    this.#account = account;
    this.#lengthMax = lengthMax;
    this.#dropsWhenFull = policy === "drop";
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Appends the messages of `batch` that `accepts` allows; returns how many were put in. */
  offer(batch: readonly Message[], accepts: (message: Message) => boolean): number {
    const wasEmpty = this.length === 0;
    const full = this.#full;
    let taken = 0;
    for (const message of batch) {
      if (!accepts(message)) continue;
      if (this.#closed || (full && this.#dropsWhenFull)) {
        this.#account.removed("dropped", this.#closed ? "shutdown" : "queue-full", 1);
        if (!this.#closed) this.onDropped?.(message);
        continue;
      }
      this.#items.push(message);
      this.stats?.wrote(this.length);
      this.#bytes += message.http.byteLength;
      taken += 1;
    }
    this.#account.received += taken;
    this.#account.queued += taken;
    if (wasEmpty && taken > 0) this.onReadable();
    return taken;
  }

  /** Undefined while there is room, or when being full is nobody else's business. */
  get room(): Accepted {
    if (this.#dropsWhenFull || this.#closed || !this.#full) return undefined;
    this.#room ??= new Promise((resolve) => {
      this.#openRoom = resolve;
    });
    return this.#room;
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
    this.#account.queued -= 1;
    this.#account.outstanding += 1;
    if (this.#room !== undefined && this.#halfEmpty) this.#release();
    return message;
  }

  takeBatch(max: number): Message[] {
    return takeUpTo(this, max);
  }

  /** Nothing more is taken in; who waits for room may go. */
  close(): void {
    this.#closed = true;
    this.#items = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#release();
  }

  get #full(): boolean {
    return this.length >= this.#lengthMax || this.#bytes >= QUEUE_BYTES_MAX;
  }

  /** Waking inputs at the half, not at the first free place, lets them work in batches. */
  get #halfEmpty(): boolean {
    return this.length * 2 <= this.#lengthMax && this.#bytes * 2 <= QUEUE_BYTES_MAX;
  }

  #release(): void {
    const open = this.#openRoom;
    this.#room = undefined;
    this.#openRoom = () => {};
    open();
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
