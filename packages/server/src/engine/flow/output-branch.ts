/**
 * One output's branch of the fan-out: which messages of a batch go into its queue, and what is counted for the others.
 *
 * Each message passes these questions in this order; the first "no" decides, and nothing behind it is asked:
 *
 * 1. Is it of a kind that the output takes? If not, it is none of this output's business and is not counted.
 * 2. Was it dealt with before a crash? Asked before the queue, as a message delivered then is not lost now.
 * 3. Has the queue room?
 * 4. Is it within the output's own limit? A message that the queue refuses does not spend it.
 *
 * In: batches, with the entry of the journal they come from. Out: messages in the queue, and a promise when it is full.
 */
import type { Message, MessageKind } from "@mirrorball/protocol";
import type { Accepted, OutputObserver } from "../../component/types.ts";
import type { OutputCursor } from "../../journal/outputs/output-cursor.ts";
import type { OutputAccount } from "../accounting/ledger.ts";
import type { IntentQueue } from "./intent-queue.ts";
import type { BoundedQueue, Refusal } from "./queue.ts";

export interface BranchParts {
  readonly account: OutputAccount;
  readonly queue: BoundedQueue;
  readonly accepts: ReadonlySet<MessageKind>;
  /** See `isAside`; others are not offered them. */
  readonly takesAsides: boolean;
  /** The output's own `|LIMIT`; true for a message that is within it. */
  readonly limits?: ((message: Message) => boolean) | undefined;
  /** With a journal: what the output has settled of it. */
  readonly cursor?: OutputCursor | undefined;
  /** Between the queue and an output that must not send twice; only with a journal. */
  readonly intents?: IntentQueue | undefined;
  /** For an output that must know what passes. */
  readonly observer?: OutputObserver | undefined;
}

/** A replayed answer that only a comparison looks at: of a control, or the first of two asks. To everybody else it never was. */
export function isAside({ context }: Message): boolean {
  return context?.isControl === true || context?.isProbe === true;
}

export class OutputBranch {
  readonly #parts: BranchParts;
  /** Only a message's kind decides, as long as there is room. */
  readonly #isPlain: boolean;

  constructor(parts: BranchParts) {
    this.#parts = parts;
    this.#isPlain = parts.limits === undefined && parts.cursor === undefined;
  }

  get account(): OutputAccount {
    return this.#parts.account;
  }

  get accepts(): ReadonlySet<MessageKind> {
    return this.#parts.accepts;
  }

  /** Whether a message is of a kind that the output takes; asked first. */
  wants(message: Message): boolean {
    return this.#parts.accepts.has(message.kind) && (this.#parts.takesAsides || !isAside(message));
  }

  /** True when a journal keeps what is not settled at the end. */
  get isKept(): boolean {
    return this.#parts.cursor !== undefined;
  }

  /** A promise asks the caller to wait; only who put something in a full queue is asked. */
  offer(batch: readonly Message[], entry: number): Accepted {
    const { queue, observer } = this.#parts;
    observer?.seen(batch);
    const admitted = this.#select(batch, entry);
    if (admitted.length === 0) return undefined;
    queue.put(admitted);
    return queue.room;
  }

  /** Resolves when nothing waits for its intent any more. */
  async drained(): Promise<void> {
    await this.#parts.intents?.drained();
  }

  /** Nothing more is taken in; who waits for room may go. */
  close(): void {
    this.#parts.queue.close();
  }

  #select(batch: readonly Message[], entry: number): readonly Message[] {
    const { queue } = this.#parts;
    const { refusal } = queue;
    if (this.#isPlain && refusal === undefined) {
      return batch.filter((message) => this.wants(message));
    }
    return batch.filter((message) => {
      return this.wants(message) && this.#admits(message, entry, refusal);
    });
  }

  #admits(message: Message, entry: number, refusal: Refusal | undefined): boolean {
    const { account, cursor, limits, observer } = this.#parts;
    const admission = cursor?.tracker.admission(message, entry) ?? "new";
    if (admission === "uncertain") account.removed("dropped", "uncertain", 1);
    if (admission !== "new") {
      observer?.gone(message, "before a crash");
      return false;
    }
    if (refusal !== undefined) {
      account.removed("dropped", refusal, 1);
      if (refusal === "queue-full") this.#settleDropped(message, entry);
      observer?.gone(message, "refused");
      return false;
    }
    if (limits?.(message) === false) {
      account.removed("limited", "rate-limit", 1);
      observer?.gone(message, "refused");
      return false;
    }
    cursor?.tracker.queued(message, entry);
    return true;
  }

  /** A drop is final: after a crash it is not tried again. At the end of a run that is left to the next one. */
  #settleDropped(message: Message, entry: number): void {
    const { cursor } = this.#parts;
    cursor?.tracker.queued(message, entry);
    cursor?.settled([message]);
  }
}
