/**
 * The counters behind the conservation law. For every output, at every moment:
 *
 *     received = delivered + filtered + limited + failed + dropped + queued + outstanding
 *
 * `queued` waits in the output's queue, `outstanding` was taken and is not settled. For the middleware, which stands
 * in front of them: taken = returned + withheld + lost + inside. Nothing else in the
 * server counts messages; the summary, the counters page and the tests all read these. Reasons are words of ours
 * or passed a check, so the maps stay small.
 */
import type { Message } from "@mirrorball/protocol";
import type { OutputLedger } from "../../component/types.ts";
import type { Origin, RelayLedger } from "../../component/relay.ts";

export type Reasons = Map<string, number>;

export class OutputAccount implements OutputLedger {
  readonly #onSettled: ((batch: readonly Message[]) => void) | undefined;
  // Read outside, written here only.
  received = 0;
  /** Delivered to where it should go. */
  deliveredCount = 0;
  readonly filteredBy: Reasons = new Map();
  readonly limitedBy: Reasons = new Map();
  readonly failedBy: Reasons = new Map();
  readonly droppedBy: Reasons = new Map();
  queued = 0;
  outstanding = 0;

  /** `onSettled`: a journal wants to know each message. */
  constructor(onSettled?: (batch: readonly Message[]) => void) {
    this.#onSettled = onSettled;
  }

  delivered(batch: readonly Message[]): void {
    this.deliveredCount += batch.length;
    this.outstanding -= batch.length;
    this.#onSettled?.(batch);
  }

  failed(reason: string, batch: readonly Message[]): void {
    this.#settle(this.failedBy, reason, batch);
  }

  dropped(reason: string, batch: readonly Message[]): void {
    this.#settle(this.droppedBy, reason, batch);
  }

  filtered(reason: string, batch: readonly Message[]): void {
    this.#settle(this.filteredBy, reason, batch);
  }

  /** The queue's: so many were put in. */
  enqueued(count: number): void {
    this.received += count;
    this.queued += count;
  }

  /** The queue's: the output took one. */
  dequeued(): void {
    this.queued -= 1;
    this.outstanding += 1;
  }

  /** The engine's: a message that never reached the queue. */
  removed(fate: "filtered" | "limited" | "dropped", reason: string, count: number): void {
    this.received += count;
    const reasons =
      fate === "filtered" ? this.filteredBy : fate === "limited" ? this.limitedBy : this.droppedBy;
    add(reasons, reason, count);
  }

  /** The engine's, at the very end: what will not be settled any more. */
  abandon(reason: string): void {
    const count = this.queued + this.outstanding;
    if (count === 0) return;
    add(this.droppedBy, reason, count);
    this.queued = 0;
    this.outstanding = 0;
  }

  #settle(reasons: Reasons, reason: string, batch: readonly Message[]): void {
    add(reasons, reason, batch.length);
    this.outstanding -= batch.length;
    this.#onSettled?.(batch);
  }

  get lost(): number {
    return sum(this.failedBy) + sum(this.droppedBy);
  }

  /** 0 when the law holds and nothing was settled twice. */
  get discrepancy(): number {
    const settled = this.deliveredCount + sum(this.filteredBy) + sum(this.limitedBy) + this.lost;
    return this.outstanding < 0
      ? this.outstanding
      : this.received - settled - this.queued - this.outstanding;
  }
}

/** Who wants to know of each message that goes into the relay and what becomes of it: a journal. */
export interface RelayWatcher {
  /** `entry`: of the journal, where the batch comes from. */
  entered(batch: readonly Origin[], entry: number): void;
  returned(batch: readonly Origin[]): void;
  gone(batch: readonly Origin[]): void;
}

export class RelayAccount implements RelayLedger {
  readonly #watcher: RelayWatcher | undefined;
  taken = 0;
  returnedCount = 0;
  readonly withheldBy: Reasons = new Map();
  readonly lostBy: Reasons = new Map();
  inside = 0;
  addedCount = 0;
  readonly refusedBy: Reasons = new Map();
  readonly events: Reasons = new Map();

  constructor(watcher?: RelayWatcher) {
    this.#watcher = watcher;
  }

  /** The engine's, before it hands a batch of this entry over. */
  take(batch: readonly Origin[], entry: number): void {
    this.taken += batch.length;
    this.inside += batch.length;
    this.#watcher?.entered(batch, entry);
  }

  returned(batch: readonly Origin[]): void {
    this.returnedCount += batch.length;
    this.inside -= batch.length;
    this.#watcher?.returned(batch);
  }

  withheld(reason: string, batch: readonly Origin[]): void {
    add(this.withheldBy, reason, batch.length);
    this.inside -= batch.length;
    this.#watcher?.gone(batch);
  }

  lost(reason: string, batch: readonly Origin[]): void {
    add(this.lostBy, reason, batch.length);
    this.inside -= batch.length;
    this.#watcher?.gone(batch);
  }

  added(count: number): void {
    this.addedCount += count;
  }

  refused(reason: string): void {
    add(this.refusedBy, reason, 1);
  }

  event(name: string, count = 1): void {
    add(this.events, name, count);
  }

  /** The engine's, at the very end: what will not come back any more, but for what a journal keeps. */
  abandon(reason: string, kept: number): void {
    add(this.lostBy, reason, this.inside - kept);
    this.inside = kept;
  }

  get lostCount(): number {
    return sum(this.lostBy);
  }

  /** 0 when the law holds and nothing was settled twice. */
  get discrepancy(): number {
    const settled = this.returnedCount + sum(this.withheldBy) + this.lostCount;
    return this.inside < 0 ? this.inside : this.taken - settled - this.inside;
  }
}

export class InputAccount {
  /** Handed to the pipeline. */
  emitted = 0;
  /** Records written to the journal, which hands them to the pipeline itself. */
  journalled = 0;
  /** Left out by the input's own `|LIMIT`. */
  limited = 0;
  readonly droppedBy: Reasons = new Map();
  /** Events, not messages: connections that were closed because of what they sent. */
  readonly refusedBy: Reasons = new Map();

  /** `kept` of `offered` messages are within the input's own limit, and are handed on. */
  passed(kept: number, offered: number): void {
    this.emitted += kept;
    this.limited += offered - kept;
  }

  stored(records: number): void {
    this.journalled += records;
  }

  dropped(reason: string, count: number): void {
    add(this.droppedBy, reason, count);
  }

  refused(reason: string): void {
    add(this.refusedBy, reason, 1);
  }

  get lost(): number {
    return sum(this.droppedBy);
  }
}

function add(reasons: Reasons, reason: string, count: number): void {
  if (count !== 0) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
}

function sum(reasons: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of reasons.values()) total += count;
  return total;
}
