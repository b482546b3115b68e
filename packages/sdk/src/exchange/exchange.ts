/**
 * One HTTP exchange while it is being recorded: plain data, one fixed shape, so that the taps that touch it stay fast.
 * What may be done with it is in `recorder.ts`; who fills it is in `tap.ts`.
 *
 * All that is needed of Node's request is read when it begins. Express then changes the prototypes of request and response,
 * for every request anew, which gives each a shape that V8 has never seen: from there on, every property read of them is a
 * call into its runtime (measured: 0.25 µs each, and Node and Express make a hundred).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { BodyState } from "@mirrorball/protocol/producing";
import { announcesBody, announcesChunks, charsIn, fieldIn } from "./header-summary.ts";
import type { HeaderSummary } from "./header-summary.ts";
import { headOf, trailersOf } from "../node/node-internals.ts";
import { bareCopyOf } from "./bare-request.ts";
import type { ServerState } from "../capture/ownership.ts";
import { BEGIN_BYTES } from "../redact/body.ts";
import type { BodyRedactor } from "../redact/body.ts";
import type { Recorder } from "../record/recorder.ts";

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

/** Shared by all bodies without bytes, most of all requests: never written to. */
const NO_CHUNKS: readonly Uint8Array[] = Object.freeze([]);

const NO_BYTES: Uint8Array = new Uint8Array();

/** The recorded part of a body. */
export class BodyTrack {
  chunks: readonly Uint8Array[] = NO_CHUNKS;
  /** The whole body, in place of `chunks`: see `Recorder.responseText`. */
  text: string | undefined = undefined;
  /** Bytes in `chunks`; of `text`, the most that it can be. */
  heldBytes = 0;
  /** Bytes seen, recorded or not. */
  seenBytes = 0;
  /** Longer than what may be recorded, or dropped because it could not be redacted. */
  cut = false;
  /** How to redact it. Then it must be whole before anything of it may leave. */
  redactor: BodyRedactor | undefined = undefined;
  ended = false;

  /** Its beginning was looked at: what is held back now stays so. */
  isJudged = false;

  /** Lets a body go that need not be whole, as soon as enough of it is here to tell; `coming` are bytes that follow. */
  judge(coming: Uint8Array = NO_BYTES): void {
    const { redactor } = this;
    if (redactor === undefined || this.isJudged) return;
    if (this.heldBytes + coming.length < BEGIN_BYTES) return;
    this.isJudged = true;
    if (redactor.passes(Buffer.concat([...this.chunks, coming], BEGIN_BYTES))) this.redactor = undefined; // prettier-ignore
  }

  get heldBack(): boolean {
    return this.redactor !== undefined;
  }

  add(bytes: Uint8Array): void {
    // A new list for every chunk would cost long bodies their square; a list of one is the common case.
    if (this.chunks.length === 0) this.chunks = [bytes];
    else (this.chunks as Uint8Array[]).push(bytes);
    this.heldBytes += bytes.length;
  }

  /** Makes bytes of a body that was kept as text. */
  settle(): void {
    if (this.text === undefined) return;
    this.chunks = [Buffer.from(this.text)];
    this.text = undefined;
  }

  /** Lets go of the bytes. */
  clear(): void {
    this.text = undefined;
    this.chunks = NO_CHUNKS;
    this.heldBytes = 0;
  }
}

/** The body of all requests that announce none: never written to. */
const NO_BODY: BodyTrack = new BodyTrack();

/** What of an exchange that travels in pieces has left, beside its head and chunks. */
export interface StreamProgress {
  requestEndSent: boolean;
  responseHeadSent: boolean;
}

export class Exchange {
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
  /** Undefined while nobody has claimed it. */
  recorder: Recorder | undefined = undefined;
  /** Number within its producer; 0 until something of it is sent in pieces. */
  number = 0;
  /** Bytes of the head, for the budget; 0 while it is not in its recorder's books. */
  headBytes = 0;
  requestEndedUs = 0;
  responseStartedUs = 0;
  /** The response's head as Node rendered it; empty while it did not. */
  responseHead = "";
  /** `end` was called. */
  responseEnded = false;
  /** `addTrailers` was called. */
  hasResponseTrailers = false;
  /** When it was over; 0 before. */
  endedUs = 0;
  /** The response's trailers, once it is detached. */
  responseTrailers = "";
  /** Its head has left, chunks follow as they come: how far that is. */
  progress: StreamProgress | undefined = undefined;
  /** Nothing more is recorded: finished, dropped or given up. */
  closed = false;
  /** All of the response was handed to the system. */
  finished = false;
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

  /** Its recorder has it among the open ones, and its bytes in the budget. */
  get isOnBooks(): boolean {
    return this.headBytes > 0;
  }

  get streaming(): boolean {
    return this.progress !== undefined;
  }

  get heldBytes(): number {
    return this.headBytes + this.request.heldBytes + this.response.heldBytes;
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

  /** Lets go of everything that weighs. */
  release(): void {
    this.request.clear();
    this.response.clear();
    this.headBytes = 0;
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

export function responseStateOf({ finished, response }: Exchange): BodyState {
  if (response.cut) return BodyState.truncated;
  return finished ? BodyState.complete : BodyState.aborted;
}
