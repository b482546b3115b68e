/**
 * One HTTP exchange while it is being recorded: plain data, one fixed shape, so that the taps that touch it stay fast.
 * What may be done with it is in `recorder.ts`; who fills it is in `tap.ts`.
 *
 * All that is needed of Node's request is read when it begins. Express then changes the prototypes of request and response,
 * for every request anew, which gives each a shape that V8 has never seen: from there on, every property read of them is a
 * call into its runtime (measured: 0.25 µs each, and Node and Express make a hundred).
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { BodyState } from "@mirrorball/protocol/producing";
import { bareCopyOf } from "./bare-request.ts";
import { BodyTrack } from "./body-track.ts";
import { announcesBody, announcesChunks, charsIn, fieldIn } from "./header-summary.ts";
import type { HeaderSummary } from "./header-summary.ts";
import { headOf, trailersOf } from "../node/node-internals.ts";
import type { DropReason } from "../stats/stats.ts";

/** Who records an exchange: a mirror's recorder, as the files that watch Node see it. */
export interface ExchangeOwner {
  /** It still takes exchanges. */
  readonly accepting: boolean;
  /** Whether a request is to be recorded, asked before anything is allocated for it. Counts those that are not. */
  wants(req: IncomingMessage): boolean;
  /** A request was left out on purpose. */
  skip(): void;
  /** An exchange that was to be recorded could not be, from its beginning. */
  refuse(reason: DropReason): void;
  /** Takes an exchange, with what was recorded of it so far. */
  adopt(exchange: Exchange): void;
  /** `bytes` are the owner's from here on. */
  requestChunk(exchange: Exchange, bytes: Uint8Array): void;
  requestEnded(exchange: Exchange): void;
  responseChunk(exchange: Exchange, bytes: Uint8Array): void;
  /** The whole response body as text; false when it must come as bytes. */
  responseText(exchange: Exchange, text: string): boolean;
  /** The exchange is under way: called ten times a second. */
  look(exchange: Exchange): void;
  /** The response is out, or the client is gone. Never throws. */
  finish(exchange: Exchange, endedUs: number): void;
  /** An error of our own, with the exchange of this owner that it costs, if any. Never throws. */
  fault(error: unknown, exchange?: Exchange): void;
  /** Too many errors of our own: until `resume` requests are counted and nothing else. */
  suspend(): void;
  resume(): void;
}

/** What is known of a server of the host's; one object a server. */
export interface ServerState {
  owner: ExchangeOwner | undefined;
  /** A mirror was reached on a path of this server: every exchange may be one of its. */
  scoped: boolean;
  /** Finished and unclaimed, oldest first; undefined once they were too many to go on guessing. */
  undecided: Exchange[] | undefined;
  /** The server itself, while it has exchanges that a mirror may yet claim. */
  unclaimedRef: WeakRef<Server> | undefined;
}

/** What is known of a client connection; one object a connection. */
export interface ConnectionInfo {
  readonly id: number;
  /** Place of the next exchange on it. */
  nextSeq: number;
  readonly peer: string | null;
  readonly server: ServerState;
  /** The youngest exchange that is not answered; older ones hang on it. */
  newest: Exchange | undefined;
}

/** Where the status stands in a head that Node rendered: behind `HTTP/1.1 `. */
const STATUS_AT = 9;
const DIGIT_0 = 0x30;
/** The last two digits of 204 and 304. */
const ZERO_FOUR = 0x30 * 256 + 0x34;

/** The body of all requests that announce none: never written to. */
const NO_BODY: BodyTrack = new BodyTrack();

/** What an exchange costs beside its bytes: its objects, strings and record. */
const EXCHANGE_BYTES_BASE = 1024;

/** Where an exchange stands. The steps follow in this order; some are left out, none comes twice. */
export const ExchangePhase = {
  /** Recorded, and no mirror has claimed it. */
  unclaimed: 0,
  /** Its owner records it, and will send it as one record. */
  whole: 1,
  /** Its owner records it; the head has left, and chunks leave as they come. */
  streamed: 2,
  /** The last of it is being written. Nothing more is taken. */
  ending: 3,
  /** Sent, dropped or forgotten: nothing of it is held. */
  over: 4,
} as const;
export type ExchangePhase = (typeof ExchangePhase)[keyof typeof ExchangePhase];

/** Where the host's response stands, recorded or not. */
export const ResponsePhase = {
  open: 0,
  /** `end` was called. */
  ended: 1,
  /** The system has all of it. */
  sent: 2,
  /** The client left, or the host gave it up, before all of it was out. */
  cutOff: 3,
} as const;
export type ResponsePhase = (typeof ResponsePhase)[keyof typeof ResponsePhase];

/** What of an exchange that travels in pieces has left, beside its head and chunks. */
export interface StreamProgress {
  requestEndSent: boolean;
  responseHeadSent: boolean;
}

/** More fields than a class should have: one object of one shape a request is what keeps the taps cheap. */
export class Exchange {
  /** Changed by `ownership.ts`, `recorder.ts` and `streaming.ts`, which do what the step means. */
  phase: ExchangePhase = ExchangePhase.unclaimed;
  responsePhase: ResponsePhase = ResponsePhase.open;
  /** The host's; one of our own once it is detached. */
  req: IncomingMessage;
  /** These two are undefined once it is detached. */
  res: ServerResponse | undefined;
  socket: Socket | undefined;
  readonly connection: ConnectionInfo;
  readonly connectionSeq: number;
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** Trailers may follow the request's body. */
  readonly chunked: boolean;
  readonly startedUs: number;
  /** Characters of target and fields. */
  readonly headChars: number;
  readonly request: BodyTrack;
  readonly response: BodyTrack = new BodyTrack();
  /** Undefined while it is unclaimed, and if it never was claimed. */
  owner: ExchangeOwner | undefined = undefined;
  /** Number within its producer; 0 until something of it is sent in pieces. */
  number = 0;
  requestEndedUs = 0;
  responseStartedUs = 0;
  /** The response's head as Node rendered it; empty while it did not. */
  responseHead = "";
  /** `addTrailers` was called. */
  hasResponseTrailers = false;
  /** When it was over; 0 before. */
  endedUs = 0;
  /** The response's trailers, once it is detached. */
  responseTrailers = "";
  /** Since it is streamed: how far that is. */
  progress: StreamProgress | undefined = undefined;
  /** What `tags(req)` gave, once it was asked. */
  tags: readonly string[] | null = null;
  /** Koa's context, when its middleware was reached. */
  context: unknown = undefined;
  /** The exchange before on the same connection, while that is not answered. */
  earlier: Exchange | undefined;
  /** Neighbours in the recorder's list of open exchanges. */
  previous: Exchange | undefined = undefined;
  next: Exchange | undefined = undefined;

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    socket: Socket,
    connection: ConnectionInfo,
    summary: HeaderSummary,
    startedUs: number,
  ) {
    this.req = req;
    this.res = res;
    this.socket = socket;
    this.connection = connection;
    this.connectionSeq = connection.nextSeq;
    this.method = req.method ?? "GET";
    // Express rewrites it below a mount point.
    this.target = req.url ?? "/";
    this.httpVersion = req.httpVersion;
    this.rawHeaders = req.rawHeaders;
    this.chunked = announcesChunks(summary);
    this.headChars = this.target.length + charsIn(summary);
    this.request = announcesBody(summary) ? new BodyTrack() : NO_BODY;
    this.earlier = connection.newest;
    this.startedUs = startedUs;
  }

  get hasRequestBody(): boolean {
    return this.request !== NO_BODY;
  }

  /** Nothing of the request is still to come. */
  get requestIsWhole(): boolean {
    return this.request === NO_BODY || this.request.ended;
  }

  /** What comes is recorded. */
  get isOpen(): boolean {
    return this.phase < ExchangePhase.ending;
  }

  /** Its owner has it among the open ones, and its bytes in the budget. */
  get isOnBooks(): boolean {
    return this.phase !== ExchangePhase.unclaimed && this.phase !== ExchangePhase.over;
  }

  /** Something of it has left. */
  get isStreamed(): boolean {
    return this.progress !== undefined;
  }

  /** What it costs its owner beside its bodies. */
  get headBytes(): number {
    return EXCHANGE_BYTES_BASE + this.headChars;
  }

  get bodyBytes(): number {
    return this.request.heldBytes + this.response.heldBytes;
  }

  get heldBytes(): number {
    return this.headBytes + this.bodyBytes;
  }

  /** Keeps what is known of the host's objects, and lets go of them: what hangs on them is not ours to hold. */
  detach(): void {
    const { res } = this;
    if (res === undefined) return;
    responseHeadOf(this);
    if (this.hasResponseTrailers) this.responseTrailers = trailersOf(res);
    this.req = bareCopyOf(this.req);
    this.res = undefined;
    this.socket = undefined;
  }
}

/** The response's rendered head; empty while there is none. */
export function responseHeadOf(exchange: Exchange): string {
  if (exchange.responseHead === "" && exchange.res !== undefined)
    exchange.responseHead = headOf(exchange.res);
  return exchange.responseHead;
}

/** The response's rendered trailers; empty without any. */
export function responseTrailersOf({
  hasResponseTrailers,
  res,
  responseTrailers,
}: Exchange): string {
  return hasResponseTrailers && res !== undefined ? trailersOf(res) : responseTrailers;
}

/** Whether anything that is written to the response is a body: Node drops what the answers to HEAD, 204 and 304 are given. */
export function hasResponseBody(exchange: Exchange): boolean {
  if (exchange.method === "HEAD") return false;
  const head = responseHeadOf(exchange);
  const first = head.charCodeAt(STATUS_AT) - DIGIT_0;
  const rest = head.charCodeAt(STATUS_AT + 1) * 256 + head.charCodeAt(STATUS_AT + 2);
  return first !== 1 && !((first === 2 || first === 3) && rest === ZERO_FOUR);
}

/** How the request's body ended, as far as it is known now. */
export function requestStateOf(exchange: Exchange): BodyState {
  const { req, request } = exchange;
  if (request.cut) return BodyState.truncated;
  if (exchange.requestIsWhole || req.complete) return BodyState.complete;
  // An answer that does not wait for the upload is out before Node says "complete", though all its bytes are here.
  const length = fieldIn(exchange.rawHeaders, "content-length");
  return length !== undefined && Number(length) === request.seenBytes
    ? BodyState.complete
    : BodyState.aborted;
}

export function responseStateOf({ responsePhase, response }: Exchange): BodyState {
  if (response.cut) return BodyState.truncated;
  return responsePhase === ResponsePhase.sent ? BodyState.complete : BodyState.aborted;
}
