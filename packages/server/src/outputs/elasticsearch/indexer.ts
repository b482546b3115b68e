/**
 * Documents to a server, in bulks, until each is stored or refused for good. One bulk at a time; a server that is busy or
 * down is tried again after a growing, jittered pause, and meanwhile this holds so many documents and then says that it
 * is full. Knows nothing of messages.
 */
import { Backoff } from "@mirrorball/protocol";
import type { BulkItem, BulkOutcome, Verdict } from "./bulk.ts";

/** Documents and bytes of one bulk: some milliseconds of a server's time. */
const BULK_DOCUMENTS_MAX = 1000;
const BULK_BYTES_MAX = 4 * 1024 * 1024;
/** Milliseconds that a bulk waits for company. */
const FLUSH_MS = 1000;
/** Documents held at most: ten bulks. */
const HELD_MAX = 10_000;
/** A busy server gets at least a tenth of the pause. */
const BACKOFF = { firstMs: 200, longestMs: 30_000, leastShare: 0.1 };
/** A document that makes the server fail so often is the fault itself; a busy server (429, 503) is not. */
const ATTEMPTS_MAX = 12;
const LOG_INTERVAL_MS = 10_000;

/** What is asked of a server. Neither may reject. */
export interface DocumentStore {
  /** Undefined when there is an index to store in; else the trouble. */
  ensureIndex(): Promise<string | undefined>;
  store(items: readonly BulkItem[]): Promise<BulkOutcome>;
}

export interface Pending extends BulkItem {
  attempts: number;
}

export interface IndexerEvents<T extends Pending> {
  readonly stored: (documents: readonly T[]) => void;
  readonly rejected: (documents: readonly T[]) => void;
  readonly say: (line: string) => void;
}

export class Indexer<T extends Pending> {
  /** Documents that were sent more than once. */
  retried = 0;
  /** Why the server stores nothing; undefined when it last did. */
  trouble: string | undefined;
  readonly #server: DocumentStore;
  readonly #events: IndexerEvents<T>;
  #held: T[] = [];
  #sizeMax = BULK_DOCUMENTS_MAX;
  #sending = 0;
  #indexReady = false;
  readonly #backoff: Backoff = new Backoff(BACKOFF);
  #timer: NodeJS.Timeout | undefined;
  #paused = false;
  #hurry = false;
  #closed = false;
  #saidAtMs = -LOG_INTERVAL_MS;
  #troubled = false;

  constructor(server: DocumentStore, events: IndexerEvents<T>) {
    this.#server = server;
    this.#events = events;
  }

  get isFull(): boolean {
    return this.#held.length >= HELD_MAX;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0 && this.#sending === 0;
  }

  push(document: T): void {
    this.#held.push(document);
    this.#schedule();
  }

  /** From now on nothing waits for company. */
  hurry(): void {
    this.#hurry = true;
    this.#schedule();
  }

  /** Sends nothing more, and takes no notice of what is under way. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#closed || this.#paused || this.#sending > 0 || this.#held.length === 0) return;
    if (this.#hurry || this.#held.length >= this.#sizeMax) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      // Handles every failure itself.
      void this.#send();
    } else {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        void this.#send();
      }, FLUSH_MS);
    }
  }

  async #send(): Promise<void> {
    const bulk = this.#takeBulk();
    this.#sending = bulk.length;
    const outcome = await this.#deliver(bulk);
    this.#sending = 0;
    if (this.#closed) return;
    this.#settle(bulk, outcome);
    this.#schedule();
  }

  async #deliver(bulk: readonly T[]): Promise<BulkOutcome> {
    if (!this.#indexReady) {
      const trouble = await this.#server.ensureIndex();
      if (trouble !== undefined) return { kind: "trouble", reason: trouble, waitMs: 0 };
      this.#indexReady = true;
    }
    return this.#server.store(bulk);
  }

  #takeBulk(): T[] {
    let bytes = 0;
    let count = 0;
    for (const { source } of this.#held) {
      bytes += source.length;
      if (count > 0 && (count >= this.#sizeMax || bytes > BULK_BYTES_MAX)) break;
      count += 1;
    }
    return this.#held.splice(0, count);
  }

  #settle(bulk: readonly T[], outcome: BulkOutcome): void {
    switch (outcome.kind) {
      case "answered":
        this.#settleItems(bulk, outcome.verdicts, outcome.reason);
        return;
      case "too-large":
        this.#shrink(bulk, outcome.reason);
        return;
      case "trouble":
        this.trouble = outcome.reason;
        this.#say(`cannot store: ${outcome.reason}; trying again`);
        this.#held.unshift(...bulk);
        this.retried += bulk.length;
        this.#pause(outcome.waitMs);
        return;
    }
  }

  #settleItems(bulk: readonly T[], verdicts: readonly Verdict[], reason: string | undefined): void {
    const by: Record<Verdict, T[]> = { stored: [], busy: [], again: [], rejected: [] };
    for (const [i, document] of bulk.entries()) {
      const verdict = verdicts[i] ?? "again";
      document.attempts += verdict === "again" ? 1 : 0;
      by[document.attempts >= ATTEMPTS_MAX ? "rejected" : verdict].push(document);
    }
    if (by.rejected.length > 0) {
      this.#say(`${by.rejected.length} documents were refused, the first with ${reason}`);
    }
    if (by.stored.length > 0) {
      this.#recovered();
      this.#sizeMax = Math.min(BULK_DOCUMENTS_MAX, this.#sizeMax * 2);
    }
    const again = [...by.busy, ...by.again];
    if (again.length > 0) {
      this.#held.unshift(...again);
      this.retried += again.length;
      this.#pause(0);
    }
    // Last: who is told brings more, or takes it for the end when nothing is held.
    if (by.rejected.length > 0) this.#events.rejected(by.rejected);
    if (by.stored.length > 0) this.#events.stored(by.stored);
  }

  /** Halves, until a document that is refused alone is known. */
  #shrink(bulk: readonly T[], reason: string): void {
    if (bulk.length === 1) {
      this.#say(`a document was refused with ${reason}`);
      this.#events.rejected(bulk);
      return;
    }
    this.#sizeMax = Math.ceil(bulk.length / 2);
    this.#held.unshift(...bulk);
    this.retried += bulk.length;
  }

  #pause(atLeastMs: number): void {
    const jitterMs = this.#backoff.next(Math.random());
    this.#paused = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#paused = false;
        this.#timer = undefined;
        void this.#send();
      },
      Math.max(atLeastMs, jitterMs),
    );
  }

  #recovered(): void {
    this.trouble = undefined;
    this.#backoff.reset();
    if (!this.#troubled) return;
    this.#troubled = false;
    this.#saidAtMs = -LOG_INTERVAL_MS;
    this.#events.say("storing works again");
  }

  #say(line: string): void {
    const nowMs = performance.now();
    if (nowMs - this.#saidAtMs < LOG_INTERVAL_MS) return;
    this.#saidAtMs = nowMs;
    this.#troubled = true;
    this.#events.say(line);
  }
}
