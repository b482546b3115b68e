/**
 * The queue of one side of a pairing, target or control: what is free to go waits until the other side may send it, too. In: the queue behind
 * it. Out: messages, released together with the other side's. What it holds was taken and is not settled: the books call it in flight.
 */
import type { Message } from "@mirrorball/protocol";
import type { OutputObserver, OutputQueue } from "../../../component/types.ts";
import type { PairedPlace, PairedSide } from "../../../core/order/paired.ts";
import type { CorrelatedQueue } from "./correlated-queue.ts";

/** Pairs that wait for room on either side; more stay in the queues and hold the inputs back. */
const PAIRS_MAX = 64;

export class PairedQueue implements OutputQueue, OutputObserver, PairedSide {
  onReadable: () => void = () => {};
  /** Requests that could be sent at once; the pool knows. */
  capacity: () => number = () => 0;
  readonly scanned: ((batch: readonly Message[]) => void) | undefined;
  readonly #inner: OutputQueue;
  readonly #correlation: CorrelatedQueue | undefined;
  readonly #place: PairedPlace;
  readonly #released: Message[] = [];
  /** Given to the pairing, and not released. */
  #held = 0;

  constructor(queue: OutputQueue, correlation: CorrelatedQueue | undefined, place: PairedPlace) {
    this.#inner = correlation ?? queue;
    this.#correlation = correlation;
    this.#place = place;
    this.scanned = correlation?.scanned;
    this.#inner.onReadable = () => this.#pull();
    place.release.join(place.side, this);
  }

  scanEnded(): void {
    this.#correlation?.scanEnded();
  }

  seen(batch: readonly Message[]): void {
    this.#correlation?.seen(batch);
  }

  gone(message: Message, why: "refused" | "before a crash"): void {
    this.#correlation?.gone(message, why);
    this.#place.release.gone(message.id);
  }

  get room(): number {
    return this.capacity() - this.#released.length;
  }

  release(message: Message): void {
    this.#held -= 1;
    this.#released.push(message);
    this.onReadable();
  }

  get length(): number {
    return this.#inner.length + this.#held + this.#released.length;
  }

  get hasNext(): boolean {
    if (this.#released.length === 0) this.#pull();
    return this.#released.length > 0;
  }

  take(): Message | undefined {
    if (this.#released.length === 0) this.#pull();
    return this.#released.shift();
  }

  takeBatch(max: number): Message[] {
    return this.#released.splice(0, max);
  }

  #pull(): void {
    const { side, release } = this.#place;
    while (release.waiting < PAIRS_MAX) {
      const message = this.#inner.take();
      if (message === undefined) break;
      this.#held += 1;
      release.ready(side, message);
    }
    release.pumpSoon();
  }
}
