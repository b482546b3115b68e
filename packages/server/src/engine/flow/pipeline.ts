/**
 * The way of a batch: comparer, stages in order, fan-out to the outputs' queues. Synchronous; the only thing that
 * can wait is the caller, on the promise that a full queue gives. With a relay the way has two halves: a batch enters
 * it, and what comes out of it goes on.
 *
 * Knows no component by name. A stage that throws loses the batch it was given, counted, and nothing else.
 */
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import type { Accepted, Fate, OutputObserver, Relay, Stage } from "../../component/types.ts";
import type { LaneTracker } from "../../core/journal/lane-tracker.ts";
import type { JournalLane } from "../../journal/lane.ts";
import type { StatusComparer } from "../accounting/status-comparer.ts";
import type { GatedQueue } from "./intent-queue.ts";
import type { OutputAccount, RelayAccount } from "../accounting/ledger.ts";
import type { BoundedQueue } from "./queue.ts";
import { Splitter } from "./split.ts";

const NO_WAIT: { readonly room: Accepted } = { room: undefined };

export interface Lane {
  readonly account: OutputAccount;
  readonly queue: BoundedQueue;
  readonly accepts: ReadonlySet<MessageKind>;
  /** For an output that must know what passes; see `OutputObserver`. */
  readonly observer?: OutputObserver | undefined;
  /** The output's own `|LIMIT`. */
  readonly limits?: ((message: Message) => boolean) | undefined;
  readonly journal?: JournalLane | undefined;
  /** Between the queue and an output that must not send twice; only with a journal. */
  readonly gate?: GatedQueue | undefined;
}

/** The part of the way in front of the stages, when there is a relay. */
export interface Entrance {
  readonly stages: readonly Stage[];
  readonly relay: Relay;
  readonly account: RelayAccount;
}

export class Pipeline {
  readonly #entrance: Entrance | undefined;
  readonly #stages: readonly Stage[];
  readonly #lanes: readonly Lane[];
  readonly #filters: readonly ((message: Message) => boolean)[];
  readonly #comparer: StatusComparer | undefined;
  readonly #splitter: Splitter | undefined;
  readonly #onError: (error: unknown) => void;
  readonly #removed: (message: Message, fate: Fate, reason: string) => void;

  constructor(
    entrance: Entrance | undefined,
    stages: readonly Stage[],
    lanes: readonly Lane[],
    comparer: StatusComparer | undefined,
    onError: (error: unknown) => void,
    splits: "no" | "in-turn" | "by-id" = "no",
  ) {
    this.#entrance = entrance;
    this.#stages = stages;
    this.#lanes = lanes;
    this.#filters = lanes.map(filterOf);
    this.#comparer = comparer;
    const shares = lanes.map(({ accepts }) => accepts.has(MessageKind.request));
    this.#splitter = splits === "no" ? undefined : new Splitter(shares, splits === "by-id");
    this.#onError = onError;
    this.#removed = (message, fate, reason) => this.#countRemoved(message, fate, reason);
  }

  /** Takes a batch; the array is changed. A promise asks the caller to wait before the next one. */
  emit(batch: Message[]): Accepted {
    this.#comparer?.observe(batch);
    return this.#entrance === undefined ? this.forward(batch) : this.#enter(this.#entrance, batch);
  }

  /** For outputs: with a relay they must not wait for it, because it may be waiting for them. */
  reenter(batch: Message[]): Accepted {
    const wait = this.emit(batch);
    return this.#entrance === undefined ? wait : undefined;
  }

  /** The way behind the relay. */
  forward(batch: Message[]): Accepted {
    for (const stage of this.#stages) {
      if (!this.#apply(stage, batch)) return undefined;
    }
    const parts = this.#splitter?.split(batch);
    let wait: Accepted;
    for (let i = 0; i < this.#lanes.length; i += 1) {
      const lane = this.#lanes[i];
      const filter = this.#filters[i];
      if (lane === undefined || filter === undefined) continue;
      lane.observer?.seen(parts?.[i] ?? batch);
      // Only who had something put in a full queue waits for it: an output that hands its answers on would else wait for
      // its own queue, which only it can empty.
      const { room } = lane.queue.offer(parts?.[i] ?? batch, filter) > 0 ? lane.queue : NO_WAIT;
      if (room !== undefined) wait = wait === undefined ? room : both(wait, room);
    }
    return wait;
  }

  #enter({ stages, relay, account }: Entrance, batch: Message[]): Accepted {
    for (const stage of stages) {
      if (!this.#apply(stage, batch)) return undefined;
    }
    account.take(batch);
    return relay.take(batch);
  }

  #apply(stage: Stage, batch: Message[]): boolean {
    try {
      batch.length = stage.process(batch, this.#removed);
      return true;
    } catch (error) {
      this.#onError(error);
      for (const lane of this.#lanes) {
        const count = batch.filter(({ kind }) => lane.accepts.has(kind)).length;
        lane.account.removed("dropped", "internal-error", count);
      }
      return false;
    }
  }

  #countRemoved(message: Message, fate: Fate, reason: string): void {
    for (const lane of this.#lanes) {
      if (lane.accepts.has(message.kind)) lane.account.removed(fate, reason, 1);
    }
  }
}

/** What of a batch an output is offered; its own limit comes last, as it counts what would really be sent. */
function filterOf({
  accepts,
  account,
  limits,
  journal,
  observer,
}: Lane): (message: Message) => boolean {
  if (limits === undefined && journal === undefined) return ({ kind }) => accepts.has(kind);
  return (message) => {
    if (!accepts.has(message.kind)) return false;
    if (limits !== undefined && !limits(message)) {
      account.removed("limited", "rate-limit", 1);
      observer?.gone(message);
      return false;
    }
    return journal === undefined || isNew(message, account, journal.tracker);
  };
}

/** What was dealt with before a crash is not queued again. */
function isNew(message: Message, account: OutputAccount, tracker: LaneTracker): boolean {
  const admission = tracker.admission(message);
  if (admission === "uncertain") account.removed("dropped", "uncertain", 1);
  if (admission !== "new") return false;
  tracker.queued(message);
  return true;
}

async function both(a: Promise<void>, b: Promise<void>): Promise<void> {
  await a;
  await b;
}
