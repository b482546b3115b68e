/**
 * The reader of one captured connection: two byte streams in, messages out, requests before their responses, both under
 * one id. Sans-IO; times come from packets, so that the same packets always give the same messages.
 *
 * Interim responses, replays of our own and messages that are not whole are counted and left out; the latter can be
 * asked for. Without tracking, the server's bytes are counted and not read.
 */
import { BodyState, HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message, MessageContext } from "@mirrorball/protocol";
import { MethodKind } from "../http/head/head-scan.ts";
import { RequestStream } from "../http/captured/request-stream.ts";
import { StreamParser } from "../http/captured/stream-parser.ts";
import type { StreamTally } from "../http/captured/stream-limits.ts";
import type { StreamMessage } from "../http/captured/stream-message.ts";
import { timestampOf } from "../tcp/types.ts";
import type { ConnectionHandler, ConnectionInfo, Direction, EndReason } from "../tcp/types.ts";
import type { CaptureCounters } from "./capture-counters.ts";
import { ExchangeQueue } from "./exchange-queue.ts";
import type { Exchange } from "./exchange-queue.ts";
import { idBase, idPrefix, messageId } from "./message-id.ts";

/** What all connections of a capture share. */
export interface CaptureContext {
  readonly trackResponses: boolean;
  readonly allowIncomplete: boolean;
  /** Leaves out requests that carry the mark of a replay, and their responses. */
  readonly skipReplays: boolean;
  readonly tally: StreamTally;
  readonly counters: CaptureCounters;
  /** A message is there; `client` is the address of the connection's client. */
  emit(message: Message, client: string): void;
  /** A message was lost to the capture. */
  lost(reason: string): void;
}

export class HttpConnection implements ConnectionHandler {
  readonly #context: CaptureContext;
  readonly #info: ConnectionInfo;
  readonly #peer: string;
  readonly #idPrefix: string;
  readonly #idBase: number;
  readonly #queue: ExchangeQueue;
  readonly #requests: RequestStream;
  readonly #responses: StreamParser | undefined;
  /** What the request that is being read belongs to, and the response. */
  #asking: Exchange | undefined;
  #answering: Exchange | undefined;
  #sequence = 0;
  /** Why messages that end now are not whole. */
  #brokenBy = "fault";
  #directionsOpen = 2;

  constructor(info: ConnectionInfo, context: CaptureContext) {
    this.#info = info;
    this.#queue = new ExchangeQueue(context.counters);
    this.#context = context;
    const { address, port } = info.client;
    this.#peer = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
    this.#idPrefix = idPrefix(info);
    this.#idBase = idBase(info);
    this.#requests = new RequestStream(
      info.midstream,
      {
        head: (message) => this.#requestHead(message),
        done: (message) => this.#requestDone(message),
        lostSync: () => this.#queue.requestsMissed(),
        foreign: (reason) => this.#responses?.becomeForeign(reason),
      },
      context.tally,
    );
    if (!context.trackResponses) return;
    this.#responses = new StreamParser(
      "response",
      info.midstream,
      {
        head: (message) => this.#responseHead(message),
        done: (message) => this.#responseDone(message),
        lostSync: () => this.#queue.responsesMissed(),
        foreign: (reason) => this.#requests.becomeForeign(reason),
      },
      context.tally,
    );
  }

  /** Bytes of messages that are not done. */
  get pendingBytes(): number {
    return this.#requests.pendingBytes + (this.#responses?.pendingBytes ?? 0);
  }

  data(
    direction: Direction,
    chunk: Uint8Array,
    start: number,
    end: number,
    seconds: number,
    nanoseconds: number,
  ): void {
    if (direction === 0) {
      this.#requests.push(chunk, start, end, seconds, nanoseconds);
    } else if (this.#responses === undefined) {
      this.#context.tally.pushedBytes += end - start;
      this.#context.tally.skipped("responses-not-tracked", end - start);
    } else {
      this.#queue.serverSpoke();
      this.#responses.push(chunk, start, end, seconds, nanoseconds);
    }
  }

  gap(direction: Direction, bytes: number, _seconds: number, _nanoseconds: number): void {
    if (direction === 0 && this.#requests.passHole(bytes)) return;
    this.#brokenBy = "hole";
    const parser = direction === 0 ? this.#requests : this.#responses;
    // Nobody will miss a message of which nothing was seen; how many there were cannot be told.
    if (parser?.isBetween === true) this.#context.lost("hole");
    if (direction === 1) this.#queue.serverSpoke();
    parser?.gap(bytes);
    if (direction === 0) this.#queue.requestsMissed();
    this.#brokenBy = "fault";
  }

  end(direction: Direction, how: EndReason, _seconds: number, _nanoseconds: number): void {
    this.#brokenBy = how;
    if (direction === 0) this.#requests.end(how === "fin");
    else this.#responses?.end(how === "fin");
    this.#directionsOpen -= 1;
    if (this.#directionsOpen > 0) return;
    this.#queue.dropAll();
    this.#context.counters.unanswered += this.#queue.unanswered;
    this.#queue.unanswered = 0;
  }

  #requestHead(message: StreamMessage): MethodKind {
    const { trackResponses, skipReplays } = this.#context;
    const context: MessageContext = {
      connection: this.#info.number,
      connectionSeq: this.#sequence,
      peer: this.#peer,
    };
    this.#sequence += 1;
    const id = messageId(this.#idPrefix, this.#idBase, message.streamOffset);
    const isReplay = skipReplays && message.isReplay;
    this.#asking = trackResponses
      ? this.#queue.add(id, message.method, context, isReplay)
      : { id, method: message.method, context, isReplay, burst: 0, isUncertain: false, requestDone: false, isRecorded: false, response: undefined }; // prettier-ignore
    return message.method;
  }

  #requestDone(message: StreamMessage): void {
    const exchange = this.#asking;
    if (exchange === undefined) return;
    this.#asking = undefined;
    exchange.requestDone = true;
    const { counters } = this.#context;
    if (exchange.isReplay) {
      counters.replays += 1;
    } else if (this.#isWanted(message)) {
      exchange.isRecorded = true;
      counters.requests += 1;
      this.#context.emit(
        toMessage(MessageKind.request, exchange, message),
        this.#info.client.address,
      );
    }
    const { response } = exchange;
    if (response === undefined) return;
    exchange.response = undefined;
    this.#context.tally.heldBytes -= response.http.byteLength;
    this.#emitResponse(exchange, response);
  }

  #responseHead(message: StreamMessage): MethodKind {
    const exchange = message.isInterim ? this.#queue.peek() : this.#queue.take();
    this.#answering = exchange;
    return exchange?.method ?? MethodKind.unknown;
  }

  #responseDone(message: StreamMessage): void {
    const exchange = this.#answering;
    this.#answering = undefined;
    const { counters } = this.#context;
    if (message.isInterim) {
      counters.interim += 1;
    } else if (exchange === undefined) {
      counters.unrequested += 1;
    } else if (!exchange.isReplay && this.#isWanted(message)) {
      const response = toMessage(MessageKind.response, exchange, message);
      if (exchange.requestDone) this.#emitResponse(exchange, response);
      else this.#holdEarly(exchange, response);
    }
  }

  /** An early answer: the request must come out first, and may take its time. */
  #holdEarly(exchange: Exchange, response: Message): void {
    const { tally, counters } = this.#context;
    const bytes = response.http.byteLength;
    if (tally.heldBytes + bytes > tally.heldBytesMax) {
      counters.incomplete("evicted");
      this.#context.lost("evicted");
      return;
    }
    tally.heldBytes += bytes;
    exchange.response = response;
  }

  /** A response to a request that was left out would be one to nothing. */
  #emitResponse(exchange: Exchange, response: Message): void {
    const { counters } = this.#context;
    if (!exchange.isRecorded) {
      counters.unrequested += 1;
      return;
    }
    counters.responses += 1;
    this.#context.emit(response, this.#info.client.address);
  }

  #isWanted(message: StreamMessage): boolean {
    if (!message.incomplete) return true;
    const reason = message.hasHole ? "hole" : this.#brokenBy;
    this.#context.counters.incomplete(reason);
    if (this.#context.allowIncomplete) return true;
    // The rest was the peers' doing, or ours when we were told to stop.
    if (reason === "hole" || reason === "evicted") this.#context.lost(reason);
    return false;
  }
}

function toMessage(kind: MessageKind, exchange: Exchange, message: StreamMessage): Message {
  const { incomplete, truncated, ambiguity } = message;
  const isPlain = !incomplete && !truncated && ambiguity === "";
  return {
    kind,
    id: exchange.id,
    startedAt: timestampOf(message.startSeconds, message.startNanoseconds),
    latencyNs: message.latencyNs,
    http: HttpMessage.fromRaw(message.raw),
    context: isPlain
      ? exchange.context
      : {
          ...exchange.context,
          bodyState: incomplete
            ? BodyState.aborted
            : truncated
              ? BodyState.truncated
              : BodyState.complete,
          framing: ambiguity === "" ? undefined : "ambiguous",
        },
  };
}
