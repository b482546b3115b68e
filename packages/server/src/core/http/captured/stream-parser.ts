/**
 * HTTP/1 framing for one direction of a captured connection, requests or responses. Sans-IO.
 *
 * In: `push` (bytes that are valid during the call only, at any split), `gap`, `end`, with packet times. Out: `head` when
 * a message's head is whole, `done` when the message is, or never will be. Splits never change what comes out.
 *
 * It observes and does not judge: what can be framed in two ways is framed as RFC 9112 section 6 tells a recipient to,
 * kept as it was, and flagged. Where the end of a message cannot be known, what follows is searched for the next start
 * line and flagged too. What is not HTTP is named and counted, never guessed at. Every byte ends in a count of the tally.
 */
import { BodyReader } from "./body-reader.ts";
import { isForeign, nameOf } from "./foreign.ts";
import { requestBody, responseBody, upgradeOf } from "./framing.ts";
import { HeadFinder } from "./head-finder.ts";
import { Resync, blankLinesEnd } from "./resync.ts";
import { MessageBuilder } from "./message-builder.ts";
import { copyOf } from "./message-bytes.ts";
import { PROXY_HEADER } from "./proxy-header.ts";
import { HeadScan, MethodKind, NOT_A_HEAD } from "../head/head-scan.ts";
import { scanHead } from "../head/scan-head.ts";
import { STREAM_LIMITS } from "./stream-limits.ts";
import type { StreamLimits, StreamTally } from "./stream-limits.ts";
import type { StreamMessage } from "./stream-message.ts";
import { AFTER_FAULT, End, State } from "./stream-state.ts";
import type { StreamEvents, StreamSide } from "./stream-events.ts";

/** One for all parsers: a scan never outlives the call that made it. */
const scan: HeadScan = new HeadScan();

export class StreamParser {
  readonly #isRequest: boolean;
  readonly #events: StreamEvents;
  readonly #tally: StreamTally;
  readonly #limits: StreamLimits;
  readonly #builder: MessageBuilder;
  #state: State;
  #finder: HeadFinder | undefined;
  readonly #body: BodyReader;
  /** Packet time of what is being read. */
  #seconds = 0;
  #nanoseconds = 0;
  /** Place in the stream, gaps included. */
  #offset = 0;
  readonly #search: Resync;
  /** What another protocol's bytes are counted under. */
  #protocol = "";
  /** Why the place where messages begin is not certain any more, or "". */
  #afterFault = "";

  constructor(
    side: StreamSide,
    midstream: boolean,
    events: StreamEvents,
    tally: StreamTally,
    limits: StreamLimits = STREAM_LIMITS,
  ) {
    this.#isRequest = side === "request";
    this.#events = events;
    this.#tally = tally;
    this.#limits = limits;
    this.#builder = new MessageBuilder(tally, limits);
    this.#body = new BodyReader(this.#builder, limits);
    this.#state = midstream ? State.resync : State.start;
    this.#search = new Resync(midstream);
  }

  /** Bytes of the message that is not done yet. */
  get pendingBytes(): number {
    return this.#builder.pending;
  }

  /** No message is under way or looked for: bytes that are missing here were one at least. */
  get isBetween(): boolean {
    return this.#state === State.start;
  }

  push(chunk: Uint8Array, start: number, end: number, seconds: number, nanoseconds: number): void {
    this.#tally.pushedBytes += end - start;
    if (this.#state === State.resync && this.#search.trustSegments) this.#search.atLine = true;
    this.#seconds = seconds;
    this.#nanoseconds = nanoseconds;
    this.#consume(chunk, start, end);
  }

  /** `bytes` bytes of the stream are missing here. */
  gap(bytes: number): void {
    const { message } = this.#builder;
    this.#body.decide(this.#seconds, this.#nanoseconds);
    if (this.#state === State.body && message !== undefined && this.#body.skip(bytes)) {
      // The framing outlives the hole.
      this.#builder.breakBody();
      if (this.#body.isWhole) this.#finish(message);
    } else if (this.#state !== State.foreign) {
      this.#breakOff();
      this.#resync("resync", true, false);
    }
    this.#offset += bytes;
  }

  /** Bytes that are not HTTP, and that another has counted, lie here. */
  passOver(bytes: number): void {
    this.#offset += bytes;
  }

  /** The stream is over; `orderly` when the sender had nothing more to say. */
  end(orderly: boolean): void {
    const { message } = this.#builder;
    this.#body.decide(this.#seconds, this.#nanoseconds);
    const isWhole = this.#state === State.body && this.#body.isUntilClose && orderly;
    if (isWhole && message !== undefined) this.#finish(message);
    this.becomeForeign("after-end");
  }

  /** The other direction has shown that this connection speaks something else from here on. */
  becomeForeign(reason: string): void {
    if (this.#state === State.foreign) return;
    this.#body.decide(this.#seconds, this.#nanoseconds);
    this.#breakOff();
    this.#state = State.foreign;
    this.#protocol = reason;
  }

  #consume(chunk: Uint8Array, start: number, end: number): void {
    const base = this.#offset - start;
    let at = start;
    while (at < end) {
      at = this.#step(chunk, at, end);
      this.#offset = base + at;
    }
  }

  /** Takes what it can and returns the place behind it. */
  #step(chunk: Uint8Array, at: number, end: number): number {
    switch (this.#state) {
      case State.start:
        return this.#stepStart(chunk, at, end);
      case State.head:
        return this.#stepHead(chunk, at, end);
      case State.body:
        return this.#stepBody(chunk, at, end);
      case State.resync:
        return this.#stepResync(chunk, at, end);
      case State.foreign:
        break;
    }
    this.#tally.skipped(this.#protocol, end - at);
    return end;
  }

  /** Where a message should begin. A message that is here whole is copied once and done. */
  #stepStart(chunk: Uint8Array, from: number, end: number): number {
    const at = blankLinesEnd(chunk, from, end);
    if (at > from) {
      // RFC 9112 2.2: empty lines before a message are noise of old clients.
      this.#tally.skipped("blank-lines", at - from);
      return at;
    }
    const builder = this.#builder;
    builder.startHead(this.#offset, this.#seconds, this.#nanoseconds);
    const headLimit = Math.min(end, at + this.#limits.headBytesMax);
    const headEnd = scanHead(chunk, at, headLimit, this.#isRequest, scan);
    if (headEnd <= 0) {
      this.#state = State.head;
      this.#finder = new HeadFinder();
      return at;
    }
    builder.pending = headEnd - at;
    const message = this.#open();
    if (message === undefined) return headEnd;
    const { remaining, hasLength } = this.#body;
    const stop = headEnd + remaining;
    if (hasLength && stop <= end && remaining <= this.#limits.bodyBytesMax) {
      builder.pending = stop - at;
      message.raw = copyOf(chunk, at, stop);
      this.#finish(message);
      return stop;
    }
    builder.bytes.add(chunk, at, headEnd);
    builder.startBody(remaining);
    return headEnd;
  }

  /** In a head that comes in several pieces. */
  #stepHead(chunk: Uint8Array, at: number, end: number): number {
    const builder = this.#builder;
    const finder = this.#finder ?? new HeadFinder();
    const room = this.#limits.headBytesMax - builder.pending;
    const stop = finder.find(chunk, at, Math.min(end, at + room));
    builder.addHead(chunk, at, stop);
    if (finder.shouldLook(builder.pending)) {
      const head = builder.bytes.flat();
      const headEnd = scanHead(head, 0, head.length, this.#isRequest, scan);
      if (headEnd === NOT_A_HEAD) {
        this.#notHttp(head);
        return stop;
      }
      if (headEnd > 0) {
        const message = this.#open();
        builder.startBody(this.#body.remaining);
        if (message !== undefined && this.#body.isWhole) this.#finish(message);
        return stop;
      }
    }
    if (builder.pending >= this.#limits.headBytesMax || this.#tally.isFull) {
      this.#breakHead("head-bytes");
      this.#resyncBehindFault(AFTER_FAULT, false);
    }
    return stop;
  }

  #stepBody(chunk: Uint8Array, at: number, end: number): number {
    const { message } = this.#builder;
    const stop = this.#body.read(chunk, at, end, this.#seconds, this.#nanoseconds);
    const next = this.#body.ofNext;
    if (this.#body.isWhole && message !== undefined) this.#finish(message);
    if (next === undefined) return stop;
    this.#offset += stop - at - next.length;
    this.#consume(next, 0, next.length);
    return stop;
  }

  /** Looks for the next start line; only at the beginnings of lines, and of segments where those can be trusted. */
  #stepResync(chunk: Uint8Array, at: number, end: number): number {
    const search = this.#search;
    if (!search.atLine) {
      const stop = search.skipLine(chunk, at, end);
      this.#tally.skipped(search.reason, stop - at);
      return stop;
    }
    search.atLine = false;
    const protocol = search.foreignAt(chunk, at, end);
    if (protocol !== "") {
      this.#turnForeign(protocol);
      return at;
    }
    const headLimit = Math.min(end, at + this.#limits.headBytesMax);
    if (search.startsAt(chunk, at, headLimit, this.#isRequest)) this.#state = State.start;
    return at;
  }

  /** A message begins, with the head that `scan` holds. Undefined when it is the preface of HTTP/2. */
  #open(): StreamMessage | undefined {
    if (scan.isPreface) {
      this.#builder.drop("unsupported:http2");
      this.#turnForeign("unsupported:http2");
      return undefined;
    }
    const message = this.#builder.begin(scan);
    message.endSeconds = this.#seconds;
    message.endNanoseconds = this.#nanoseconds;
    if (this.#isRequest) {
      this.#body.begin(requestBody(scan, this.#limits), scan.contentLength, false);
      message.markAmbiguous(scan.ambiguity);
      this.#events.head(message);
    } else {
      const method = this.#events.head(message);
      const body = responseBody(scan, method, this.#limits);
      this.#body.begin(body, scan.contentLength, method === MethodKind.unknown);
      message.markAmbiguous(scan.ambiguity);
      message.upgrade = upgradeOf(scan, method);
    }
    this.#state = State.body;
    return message;
  }

  /** The message is done; what follows is decided before anybody is told, because they may turn this stream foreign. */
  #finish(message: StreamMessage): void {
    if (this.#afterFault !== "") message.markAmbiguous(this.#afterFault);
    this.#builder.finish(message);
    const { lost } = this.#body;
    this.#body.reset();
    this.#state = State.start;
    this.#search.end();
    // Behind a head that ended the next message may begin, for servers that take it for one without a body.
    if (lost !== End.known) this.#resyncBehindFault(AFTER_FAULT, lost === End.lostInHead);
    message.done = true;
    this.#events.done(message);
    if (message.upgrade !== "") this.#turnForeign(message.upgrade);
  }

  /** What is unfinished stays so. */
  #breakOff(): void {
    const { message } = this.#builder;
    if (this.#state === State.head) {
      this.#breakHead("");
    } else if (message !== undefined) {
      message.incomplete = true;
      this.#body.lost = End.known;
      this.#finish(message);
    }
  }

  /** Ends an unfinished head: a message without an end when its start line is here, else bytes that were none. */
  #breakHead(doubt: string): void {
    this.#state = State.start;
    if (this.#finder?.hasStartLine !== true) {
      const { reason } = this.#search;
      this.#builder.drop(reason === "" ? "broken-start" : reason);
      return;
    }
    const head = this.#builder.bytes.flat();
    scanHead(head, 0, head.length, this.#isRequest, scan);
    const message = this.#builder.begin(scan);
    message.incomplete = true;
    message.truncated = doubt !== "";
    message.markAmbiguous(doubt);
    this.#events.head(message);
    this.#finish(message);
  }

  /** What was taken for the beginning of a head is none. */
  #notHttp(head: Uint8Array): void {
    const builder = this.#builder;
    const search = this.#search;
    const isOpening = builder.headOffset === 0 && search.reason === "";
    const name = nameOf(head, this.#isRequest, isOpening);
    if (name === undefined) return;
    if (isForeign(name)) {
      builder.drop(name);
      this.#turnForeign(name);
      return;
    }
    if (search.reason !== "") this.#resync(search.reason, search.trustSegments, false);
    else if (name === PROXY_HEADER) this.#resync(name, false, false);
    else this.#resyncBehindFault(name, false);
    this.#offset = builder.headOffset;
    const bytes = builder.giveBack();
    this.#consume(bytes, 0, bytes.length);
  }

  /** A server that took this would be a strange one: what is found from here on may never have been a message. */
  #resyncBehindFault(reason: string, atLine: boolean): void {
    this.#afterFault = AFTER_FAULT;
    this.#resync(reason, false, atLine);
  }

  #resync(reason: string, trustSegments: boolean, atLine: boolean): void {
    this.#state = State.resync;
    this.#search.begin(reason, trustSegments, atLine);
    // That it hides no message is known of this one.
    if (reason !== PROXY_HEADER) this.#events.lostSync();
  }

  #turnForeign(reason: string): void {
    if (this.#state === State.foreign) return;
    this.#state = State.foreign;
    this.#protocol = reason;
    this.#events.foreign(reason);
  }
}
