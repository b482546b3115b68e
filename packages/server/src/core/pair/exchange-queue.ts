/**
 * Which request a response answers: the oldest that has none, in order (RFC 9112 9.3). Where bytes are missing that order
 * is not known any more, and then no answer is better than a wrong one. Sans-IO.
 */
import type { MethodKind } from "../http/head/head-scan.ts";
import type { Message, MessageContext } from "@mirrorball/protocol";

/** Requests of one connection that may wait for their answers: beyond it nobody answers, or the answers are not captured. */
const WAITING_MAX = 1024;
/** Requests of all connections, half a kilobyte each; beyond it each connection keeps its last one. */
const ALL_WAITING_MAX = 262_144;

export interface Exchange {
  readonly id: string;
  readonly method: MethodKind;
  readonly context: MessageContext;
  /** The request itself is not to be recorded, hence its response neither. */
  readonly isReplay: boolean;
  /** Requests that were sent without hearing from the server in between share one. */
  readonly burst: number;
  /** Others before it may have been missed. */
  readonly isUncertain: boolean;
  /** The request is done, emitted or not. */
  requestDone: boolean;
  /** The request was emitted. */
  isRecorded: boolean;
  /** An answer that came before the request was whole waits for it. */
  response: Message | undefined;
}

/** What the queues of a capture share. */
interface AllQueues {
  requestsWaiting: number;
}

export class ExchangeQueue {
  /** Requests that will not be paired with an answer. */
  unanswered = 0;
  #waiting: Exchange[] = [];
  /** Of requests that are not kept any more: so many answers come before those of the others. */
  #answersOfDropped = 0;
  #burst = 0;
  #serverSpoke = false;
  #requestsMissed = false;
  #spokeSinceMiss = false;
  #responsesMissed = false;
  readonly #all: AllQueues;

  constructor(all: AllQueues) {
    this.#all = all;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** The server sent something, or something of it is missing. */
  serverSpoke(): void {
    this.#serverSpoke = true;
    this.#spokeSinceMiss = true;
  }

  /** What the server said so far, it said before it had them. */
  requestsMissed(): void {
    this.#requestsMissed = true;
    this.#spokeSinceMiss = false;
  }

  responsesMissed(): void {
    this.#responsesMissed = true;
  }

  add(id: string, method: MethodKind, context: MessageContext, isReplay: boolean): Exchange {
    // Who waits for each answer had them all, the missing ones among them.
    const isSerial = this.#waiting.at(-1)?.burst !== this.#waiting.at(-2)?.burst;
    if (this.#responsesMissed && this.#serverSpoke && isSerial) this.dropAll();
    if (this.#serverSpoke) this.#burst += 1;
    this.#serverSpoke = false;
    const isEmpty = this.#waiting.length === 0;
    // With nothing under way before it, what was missed has been answered, unless it was sent together with this one.
    if (isEmpty && this.#spokeSinceMiss) this.#requestsMissed = false;
    const isTooMany = this.#waiting.length >= WAITING_MAX;
    if (isTooMany || (!isEmpty && this.#all.requestsWaiting >= ALL_WAITING_MAX)) {
      this.#answersOfDropped += this.#waiting.length;
      this.dropAll();
    }
    const exchange: Exchange = {
      id,
      method,
      context,
      isReplay,
      burst: this.#burst,
      isUncertain: this.#requestsMissed,
      requestDone: false,
      isRecorded: false,
      response: undefined,
    };
    this.#waiting.push(exchange);
    this.#all.requestsWaiting += 1;
    return exchange;
  }

  /** The one that the next final response answers, without taking it. */
  peek(): Exchange | undefined {
    if (this.#responsesMissed) this.#realign();
    return this.#answersOfDropped > 0 ? undefined : this.#waiting[0];
  }

  take(): Exchange | undefined {
    if (this.#responsesMissed) this.#realign();
    if (this.#answersOfDropped > 0) {
      this.#answersOfDropped -= 1;
      return undefined;
    }
    const exchange = this.#waiting.shift();
    if (exchange !== undefined) this.#all.requestsWaiting -= 1;
    if (exchange?.isUncertain !== true) return exchange;
    this.unanswered += 1;
    return undefined;
  }

  dropAll(): void {
    this.unanswered += this.#waiting.length;
    this.#all.requestsWaiting -= this.#waiting.length;
    this.#waiting = [];
  }

  /**
   * An unknown number of answers is missing. A client that waits for each answer has only its last request open; of
   * requests that were sent together nobody can say which one is answered now, nor whether it is one that was missed.
   */
  #realign(): void {
    const last = this.#waiting.at(-1);
    const beforeLast = this.#waiting.at(-2);
    const isLast = last !== undefined && beforeLast?.burst !== last.burst;
    const isAlone = isLast && !this.#requestsMissed;
    const dropped = this.#waiting.length - (isAlone ? 1 : 0);
    this.unanswered += dropped;
    this.#all.requestsWaiting -= dropped;
    this.#waiting = isAlone ? [last] : [];
    this.#responsesMissed = false;
    this.#answersOfDropped = 0;
  }
}
