/**
 * The workers of one `--output-http`: takes messages from the queue as workers become free, keeps their number right,
 * ends exchanges that take too long, settles every message exactly once and hands replayed responses on.
 */
import type { Message } from "@mirrorball/protocol";
import type { OutputContext, OutputQueue, OutputStats } from "../../component/types.ts";
import { Histogram } from "../../core/histogram.ts";
import { RequestWriter } from "../../core/http/replayed/request-writer.ts";
import { OrderKeeper } from "../../core/order/order-keeper.ts";
import type { OrderKey } from "../../core/order/order-key.ts";
import { descriptorLimit } from "../../files/descriptors.ts";
import { DescriptorShortage } from "./descriptor-shortage.ts";
import type { CorrelatedQueue } from "./queues/correlated-queue.ts";
import type { PairedQueue } from "./queues/paired-queue.ts";
import type { Prober } from "./prober.ts";
import { SCALE_TICK_MS, Scaler } from "./scaler.ts";
import { Worker } from "./worker.ts";
import type { Outcome, WorkerEvents, WorkerSettings } from "./worker.ts";
import { Waiters } from "../../core/waiters.ts";

/** Messages of which one worker may dispose in a row without letting the event loop go on. */
const SYNC_SETTLEMENTS_MAX = 256;

export interface PoolSettings extends WorkerSettings {
  readonly timeoutMs: number;
  readonly workersMax: number;
  readonly workersMin: number;
  readonly workerIdleMs: number;
  /** What makes requests one sequence whose order is kept; undefined keeps none. */
  readonly orderKey: OrderKey | undefined;
  /** In front of the target; undefined without `--correlate`. */
  readonly correlation: CorrelatedQueue | undefined;
  /** With a control: what is sent waits until the other side may send it, too. */
  readonly paired: PairedQueue | undefined;
  /** Other outputs get the answers. */
  readonly emits: boolean;
  /** Which safe requests are asked twice. */
  readonly prober: Prober | undefined;
}

/**
 * More fields than a class should have: half of them are its parts, each with a state of its own, and the others say whether it is
 * blocked, waking, flushing or closed, which does not exclude one another.
 */
export class Pool {
  readonly #context: OutputContext;
  readonly #queue: OutputQueue;
  /** What in front of the target decides which request may go; undefined: all may. */
  readonly #front: PairedQueue | CorrelatedQueue | undefined;
  readonly #settings: PoolSettings;
  readonly #events: WorkerEvents;
  readonly #writer: RequestWriter = new RequestWriter();
  readonly #workers: Set<Worker> = new Set();
  /** Last in, first out, so that few connections stay warm and the rest can go. */
  readonly #idle: Worker[] = [];
  readonly #scaler: Scaler;
  readonly #order: OrderKeeper | undefined;
  readonly latency: Histogram = new Histogram();
  /** What became of the last request, if it failed. */
  trouble: string | undefined;
  readonly #statuses: number[] = [0, 0, 0, 0, 0, 0];
  #replayed: Message[] = [];
  /** The message being settled; the same array each time. */
  readonly #one: Message[] = [];
  #loop = performance.eventLoopUtilization();
  #blocked = false;
  #flushing = false;
  #waking = false;
  #completed = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Requests with bytes behind their end. */
  #surplus = 0;
  #closed = false;
  readonly #waiting: Waiters = new Waiters();
  readonly #descriptors: DescriptorShortage;
  /** What a person can do something about, by reason; each was logged once. */
  readonly #notes: Map<string, string> = new Map();

  constructor(context: OutputContext, settings: PoolSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#scaler = new Scaler(settings.workersMax);
    const { orderKey } = settings;
    this.#order = orderKey === undefined ? undefined : new OrderKeeper(orderKey);
    const { clock } = context;
    this.#events = {
      nowMs: () => clock.monotonicMs(),
      nowUs: () => clock.nowUs(),
      settled: (worker, outcome, reason) => this.#settled(worker, outcome, reason),
      starved: (worker) => this.#starved(worker),
      troubled: (reason, advice) => this.#note(reason, advice),
    };
    this.#descriptors = new DescriptorShortage(descriptorLimit());
    const { correlation, paired } = settings;
    this.#front = paired ?? correlation;
    this.#queue = this.#front ?? context.queue;
    this.#queue.onReadable = () => this.#wake();
    if (paired !== undefined) paired.capacity = () => this.#capacity;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), SCALE_TICK_MS);
  }

  /** Resolves when the queue is empty, no worker is busy and every replayed response was handed on. */
  async drained(): Promise<void> {
    if (this.#quiet) return;
    await this.#waiting.wait();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#settings.correlation?.close();
    this.#waiting.release();
    for (const worker of this.#workers) worker.destroy();
    this.#workers.clear();
  }

  stats(): OutputStats {
    const { p50, p90, p99 } = {
      p50: this.latency.percentile(0.5),
      p90: this.latency.percentile(0.9),
      p99: this.latency.percentile(0.99),
    };
    const statuses: Record<string, number> = {};
    this.#statuses.forEach((count, digit) => {
      if (digit > 0) statuses[`${digit}xx`] = count;
    });
    return {
      latencyMs: { p50, p90, p99, max: this.latency.maxMs },
      statuses,
      concurrency: this.#busy,
      notes: [...this.#notes.values()],
      ...(this.#surplus === 0 ? {} : { counts: { "bytes-past-length": this.#surplus } }),
      correlation: this.#settings.correlation?.figures(),
    };
  }

  /** Most likely somebody made a body longer, a middleware or an editor, and left its Content-Length. */
  #noteSurplus(bytes: number): void {
    if (bytes === 0) return;
    if (this.#surplus === 0) {
      this.#context.log.warn(
        `a request has ${bytes} bytes behind the end that its Content-Length gives; they are not sent (bytes-past-length counts such requests)`,
      );
    }
    this.#surplus += 1;
  }

  get #quiet(): boolean {
    return (
      this.#queue.length === 0 &&
      this.#descriptors.unsent.length === 0 &&
      this.#busy === 0 &&
      this.#replayed.length === 0 &&
      !this.#blocked
    );
  }

  /** Gives waiting messages to idle workers, then to new ones as far as the limit allows. */
  #wake(): void {
    while (!this.#closed && !this.#blocked && this.#hasNext) {
      if (this.#busy >= this.#limit) return;
      this.#feed(this.#idle.pop() ?? this.#grow());
    }
  }

  get #limit(): number {
    return Math.min(this.#scaler.limit, this.#descriptors.limit);
  }

  get #hasNext(): boolean {
    if (this.#descriptors.unsent.length > 0) return true;
    if (this.#order !== undefined) return this.#order.hasNext(this.#queue);
    return this.#front?.hasNext ?? this.#queue.length > 0;
  }

  /** Requests that it could send at once. */
  get #capacity(): number {
    if (this.#closed || this.#blocked) return 0;
    return Math.max(0, this.#limit - this.#busy - this.#descriptors.unsent.length);
  }

  #next(): Message | undefined {
    const unsent = this.#descriptors.unsent.shift();
    if (unsent !== undefined) return unsent;
    const queue = this.#queue;
    return this.#order === undefined ? queue.take() : this.#order.next(queue);
  }

  #wakeSoon(): void {
    if (this.#waking) return;
    this.#waking = true;
    setImmediate(() => {
      this.#waking = false;
      this.#wake();
    });
  }

  get #busy(): number {
    return this.#workers.size - this.#idle.length;
  }

  #grow(): Worker {
    this.#settings.dialer.prepare();
    const worker = new Worker(this.#settings, this.#writer, this.#events);
    this.#workers.add(worker);
    return worker;
  }

  /** Gives the worker messages until one is under way. A loop, because some settle at once. */
  #feed(worker: Worker): void {
    for (let i = 0; i < SYNC_SETTLEMENTS_MAX && !this.#closed && !this.#blocked; i += 1) {
      // The limit was lowered: this one is too many.
      if (this.#busy > this.#limit) break;
      const message = this.#next();
      if (message === undefined) break;
      worker.isProbing = this.#settings.prober?.chooses(message) === true;
      worker.send(message);
      if (worker.message !== undefined) return;
    }
    worker.idleSinceMs = this.#events.nowMs();
    this.#idle.push(worker);
    if (this.#hasNext) this.#wakeSoon();
    else if (this.#waiting.any && this.#quiet) this.#waiting.release();
  }

  #settled(worker: Worker, outcome: Outcome, reason: string): void {
    const { message } = worker;
    if (message === undefined || this.#closed) return;
    if (worker.isProbing) return this.#probed(worker, message, outcome, reason);
    const { ledger } = this.#context;
    const settled = this.#one;
    settled[0] = message;
    if (this.#settings.track) this.#answered(message, worker.replayed(outcome, reason));
    worker.message = undefined;
    this.#order?.settled(message);
    this.#completed += 1;
    if (outcome !== "skipped") this.#noteSurplus(message.http.surplusBytes);
    if (outcome === "ok") {
      ledger.delivered(settled);
      this.trouble = undefined;
      this.latency.record(this.#events.nowMs() - worker.startedMs);
      const digit = Math.floor(worker.status / 100);
      this.#statuses[digit] = (this.#statuses[digit] ?? 0) + 1;
    } else if (outcome === "failed") {
      ledger.failed(reason, settled);
      this.trouble = reason;
      this.#context.log.debug(1, `replay failed: ${reason}`);
    } else {
      ledger.filtered(reason, settled);
    }
    // Inside `send` the loop in `#feed` goes on; in a callback of the connection it starts anew.
    if (!worker.sending) this.#feed(worker);
  }

  /** Its message goes first to whoever has a connection, or gets one. */
  #starved(worker: Worker): void {
    const { message } = worker;
    if (message === undefined || this.#closed) return;
    worker.message = undefined;
    worker.destroy();
    this.#workers.delete(worker);
    this.#descriptors.starve(message, this.#busy, this.#events.nowMs());
    this.#note("descriptors", this.#descriptors.words);
    if (this.#idle.length > 0) this.#wakeSoon();
  }

  #note(reason: string, advice: string): void {
    if (!this.#notes.has(reason)) this.#context.log.warn(advice);
    this.#notes.set(reason, advice);
  }

  /** The answer of a probe goes to those who compare, and to nobody's books. */
  #probed(worker: Worker, message: Message, outcome: Outcome, reason: string): void {
    if (this.#settings.emits) this.#keepReplayed(worker.replayed(outcome, reason));
    worker.isProbing = false;
    worker.send(message);
  }

  #answered(request: Message, answer: Message | undefined): void {
    const { correlation, emits } = this.#settings;
    if (answer === undefined) correlation?.gone(request);
    else correlation?.answered(answer);
    if (emits) this.#keepReplayed(answer);
  }

  #keepReplayed(message: Message | undefined): void {
    if (message === undefined) return;
    this.#replayed.push(message);
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => this.#flushReplayed());
  }

  #flushReplayed(): void {
    this.#flushing = false;
    const batch = this.#replayed;
    this.#replayed = [];
    const wait = this.#context.emit(batch);
    if (wait === undefined) {
      if (this.#waiting.any && this.#quiet) this.#waiting.release();
      return;
    }
    this.#blocked = true;
    const resume = (): void => {
      this.#blocked = false;
      this.#wake();
      if (this.#waiting.any && this.#quiet) this.#waiting.release();
    };
    // The engine's promise never rejects.
    void wait.then(resume);
  }

  #tick(): void {
    const nowMs = this.#events.nowMs();
    const { timeoutMs, workersMin, workerIdleMs } = this.#settings;
    this.#descriptors.tick(nowMs);
    for (const worker of this.#workers) {
      if (worker.message !== undefined && nowMs - worker.startedMs > timeoutMs) worker.timeOut();
    }
    const saturated = this.#hasNext && this.#busy >= this.#limit;
    const loop = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(loop, this.#loop);
    this.#loop = loop;
    this.#scaler.tick(this.#completed, saturated, utilization);
    this.#completed = 0;
    while (this.#workers.size > workersMin) {
      const oldest = this.#idle[0];
      if (oldest === undefined || nowMs - oldest.idleSinceMs < workerIdleMs) break;
      this.#idle.shift();
      this.#workers.delete(oldest);
      oldest.destroy();
    }
    this.#wake();
  }
}
