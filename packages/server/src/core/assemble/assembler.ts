/**
 * From wire records to messages, for one producer. Sans-IO.
 *
 * In: the records of a producer in order. Out: requests as soon as they are whole, responses when they end,
 * and counts of what never became a message. Bodies that travel in chunks are put together here within
 * two bounds, one a body and what its producer may hold; heads that wait are charged too. What does not fit is cut and
 * marked, or counted, never lost silently. It lives across the connections of its producer and knows nothing of frames and sockets.
 */
import {
  ABANDON_AT,
  BodyState,
  HttpMessage,
  LOSS_AT,
  MessageKind,
  REQUEST_CHUNK_AT,
  REQUEST_END_AT,
  REQUEST_HEAD_AT,
  RESPONSE_CHUNK_AT,
  RESPONSE_END_AT,
  RESPONSE_HEAD_AT,
  RecordType,
} from "@mirrorball/protocol";
import type {
  ExchangeRecord,
  Message,
  MessageContext,
  MessageMoreRecord,
  MessageRecord,
  LossRecord,
  RequestHeadRecord,
  ResponseEndRecord,
  ResponseHeadRecord,
  WireRecord,
} from "@mirrorball/protocol";
import { ExchangeMessages, NS_PER_US, withState } from "./exchange-messages.ts";
import { MessageAssembler } from "./message-assembler.ts";
import { PartialBody } from "./partial-body.ts";
import { costOf } from "../memory/cost.ts";
import type { MemoryAccount } from "../memory/budget.ts";

/**
 * Exchanges of one producer that may be under way at once. A Node process serves tens of thousands of
 * connections at most; the bound is there for hostile producers.
 */
const OPEN_EXCHANGES_MAX: number = 65_536;

/** Reasons come from the network: only words like ours become names of counters. */
const REASON = /^[a-z][a-z0-9-]{0,31}$/;
/** Distinct reasons of a producer; more is noise or an attack. */
const REASONS_MAX = 32;

/** What an exchange under way takes beside its records: two bodies, a context, its place in a map. */
const EXCHANGE_OVERHEAD_BYTES = 1024;

type ExchangePart = Exclude<WireRecord, ExchangeRecord | MessageRecord | MessageMoreRecord>;
/** The parts of an exchange that has begun; they all name it in their first field. */
type LaterPart = Exclude<ExchangePart, RequestHeadRecord | LossRecord>;

interface OpenExchange {
  readonly id: string;
  readonly head: RequestHeadRecord;
  /** What it takes beside its bodies. */
  costBytes: number;
  readonly context: MessageContext;
  readonly request: PartialBody;
  readonly response: PartialBody;
  requestSent: boolean;
  responseStartedUs: number;
  responseHead: string | undefined;
  /** `position` when it began. */
  readonly since: number;
}

export interface AssemblerOptions {
  /** The first 12 hex digits of ids; the exchange's number is the rest. */
  readonly idPrefix: string;
  readonly service: string;
  /** What is under way of this producer is charged here. */
  readonly memory: MemoryAccount;
  /** Counts exchanges that the producer or this assembler had to give up. */
  readonly dropped: (reason: string, count: number) => void;
}

export class Assembler {
  /** Set by a caller that keeps the records: where the next ones come from. */
  position = 0;
  readonly #options: AssemblerOptions;
  readonly #open: Map<number, OpenExchange> = new Map();
  readonly #reasons: Set<string> = new Set();
  readonly #messages: MessageAssembler;
  readonly #exchanges: ExchangeMessages;

  constructor(options: AssemblerOptions) {
    this.#options = options;
    this.#exchanges = new ExchangeMessages(options.idPrefix, options.service);
    this.#messages = new MessageAssembler(options.memory, (reason) => this.#count(reason, 1));
  }

  /** True between the pieces of a large message: what has come of it is not safe yet. */
  get midMessage(): boolean {
    return this.#messages.midMessage;
  }

  /** The producer is here anew: it sends a message that was under way again, from its beginning. */
  resumed(): void {
    this.#messages.restart();
  }

  /** A frame was refused, with whatever it held. */
  refused(): void {
    this.#messages.refused();
  }

  /** The position at which the oldest exchange or message under way began, of those from `floor` on; undefined when there is none. */
  oldestPosition(floor: number): number | undefined {
    const started = this.#messages.oldestPosition;
    const message = started !== undefined && started >= floor ? started : undefined;
    // A Map iterates in the order of insertion.
    for (const { since } of this.#open.values()) {
      if (since >= floor) return Math.min(since, message ?? since);
    }
    return message;
  }

  /** Exchanges that have begun and not ended, and a message between its pieces. */
  get openExchanges(): number {
    return this.#open.size + (this.#messages.midMessage ? 1 : 0);
  }

  /** Appends the messages that `records` complete to `out`. */
  take(records: readonly WireRecord[], out: Message[]): void {
    for (const record of records) {
      if (record[0] === RecordType.exchange) this.#exchanges.whole(record, out);
      else if (record[0] === RecordType.message || record[0] === RecordType.messageMore) {
        this.#messages.take(record, this.position, out);
      } else this.#partial(record, out);
    }
  }

  /** The producer is gone for good: what was under way is emitted as aborted; an unacknowledged message stays its own. */
  end(out: Message[]): void {
    this.#messages.restart();
    for (const exchange of this.#open.values()) {
      if (!exchange.requestSent) this.#emitRequest(exchange, 0, BodyState.aborted, [], out);
      this.#emitResponse(exchange, 0, BodyState.aborted, [], out);
      this.#release(exchange);
    }
    this.#open.clear();
  }

  #partial(record: ExchangePart, out: Message[]): void {
    if (record[0] === RecordType.requestHead) {
      this.#begin(record);
      return;
    }
    if (record[0] === RecordType.loss) {
      this.#count(record[LOSS_AT.reason], record[LOSS_AT.count]);
      return;
    }
    const number = record[ABANDON_AT.exchange];
    const exchange = this.#open.get(number);
    if (exchange === undefined) {
      // Its head was lost with an earlier server, or refused; only its end is worth a count.
      if (record[0] === RecordType.responseEnd) this.#count("orphan", 1);
      return;
    }
    this.#continue(record, number, exchange, out);
  }

  #continue(record: LaterPart, number: number, exchange: OpenExchange, out: Message[]): void {
    switch (record[0]) {
      case RecordType.requestChunk:
        exchange.request.push(record[REQUEST_CHUNK_AT.bytes]);
        return;
      case RecordType.requestEnd:
        this.#emitRequest(
          exchange,
          record[REQUEST_END_AT.requestUs],
          record[REQUEST_END_AT.state],
          record[REQUEST_END_AT.trailers] ?? [],
          out,
        );
        return;
      case RecordType.responseHead:
        this.#takeResponseHead(record, exchange);
        return;
      case RecordType.responseChunk:
        exchange.response.push(record[RESPONSE_CHUNK_AT.bytes]);
        return;
      case RecordType.responseEnd:
        this.#endResponse(record, exchange, out);
        this.#forget(number, exchange);
        return;
      case RecordType.abandon:
        this.#count(record[ABANDON_AT.reason], 1);
        this.#forget(number, exchange);
        return;
    }
  }

  #endResponse(record: ResponseEndRecord, exchange: OpenExchange, out: Message[]): void {
    if (!exchange.requestSent) this.#emitRequest(exchange, 0, BodyState.aborted, [], out);
    this.#emitResponse(
      exchange,
      record[RESPONSE_END_AT.responseUs],
      record[RESPONSE_END_AT.state],
      record[RESPONSE_END_AT.trailers] ?? [],
      out,
    );
  }

  #begin(record: RequestHeadRecord): void {
    const number = record[REQUEST_HEAD_AT.exchange];
    if (this.#open.size >= OPEN_EXCHANGES_MAX || this.#open.has(number)) {
      this.#count("too-many-open", 1);
      return;
    }
    const { memory } = this.#options;
    const costBytes = EXCHANGE_OVERHEAD_BYTES + costOf(record);
    if (!memory.charge(costBytes)) {
      this.#count("out-of-memory", 1);
      return;
    }
    this.#open.set(number, {
      costBytes,
      id: this.#exchanges.idOf(number),
      head: record,
      context: this.#exchanges.contextOf(
        record[REQUEST_HEAD_AT.connection],
        record[REQUEST_HEAD_AT.connectionSeq],
        record[REQUEST_HEAD_AT.peer],
        record[REQUEST_HEAD_AT.route],
        record[REQUEST_HEAD_AT.tags],
      ),
      request: new PartialBody(memory),
      response: new PartialBody(memory),
      requestSent: false,
      responseStartedUs: 0,
      responseHead: undefined,
      since: this.position,
    });
  }

  #forget(number: number, exchange: OpenExchange): void {
    this.#release(exchange);
    this.#open.delete(number);
  }

  #release(exchange: OpenExchange): void {
    exchange.request.release();
    exchange.response.release();
    this.#options.memory.free(exchange.costBytes);
    exchange.costBytes = 0;
  }

  #takeResponseHead(record: ResponseHeadRecord, exchange: OpenExchange): void {
    const costBytes = costOf(record);
    // One that replaces another is charged all the same: nobody honest sends it.
    if (!this.#options.memory.charge(costBytes)) {
      this.#count("out-of-memory", 1);
      this.#forget(record[RESPONSE_HEAD_AT.exchange], exchange);
      return;
    }
    exchange.costBytes += costBytes;
    exchange.responseStartedUs = record[RESPONSE_HEAD_AT.responseStartedUs];
    exchange.responseHead = record[RESPONSE_HEAD_AT.head];
  }

  #emitRequest(
    exchange: OpenExchange,
    durationUs: number,
    state: BodyState,
    trailers: readonly string[],
    out: Message[],
  ): void {
    if (exchange.requestSent) return;
    exchange.requestSent = true;
    const { head, request } = exchange;
    const parts = {
      method: head[REQUEST_HEAD_AT.method],
      target: head[REQUEST_HEAD_AT.target],
      version: head[REQUEST_HEAD_AT.version],
      headers: head[REQUEST_HEAD_AT.headers],
    };
    out.push({
      kind: MessageKind.request,
      id: exchange.id,
      startedAt: head[REQUEST_HEAD_AT.startedUs],
      latencyNs: durationUs * NS_PER_US,
      context: withState(exchange.context, request.cut ? BodyState.truncated : state),
      http: HttpMessage.fromParts(parts, request.take(), trailers),
    });
  }

  #emitResponse(
    exchange: OpenExchange,
    durationUs: number,
    state: BodyState,
    trailers: readonly string[],
    out: Message[],
  ): void {
    const { responseHead, response } = exchange;
    if (responseHead === undefined) return;
    out.push({
      kind: MessageKind.response,
      id: exchange.id,
      startedAt: exchange.responseStartedUs,
      latencyNs: durationUs * NS_PER_US,
      context: withState(exchange.context, response.cut ? BodyState.truncated : state),
      http: HttpMessage.fromHeadText(responseHead, response.take(), trailers),
    });
  }

  #count(reason: string, count: number): void {
    const known = this.#reasons.has(reason);
    const usable = known || (REASON.test(reason) && this.#reasons.size < REASONS_MAX);
    if (usable && !known) this.#reasons.add(reason);
    this.#options.dropped(usable ? reason : "other", count);
  }
}
