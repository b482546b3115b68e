/**
 * The answer to one request on a kept connection, sans-IO. In: the bytes as they come, in any split, and the end of
 * the stream. Out: status, head as text when asked, body bytes to `onBody`, `done`, whether the connection may be
 * used again; or a `fault`, after which it must not.
 *
 * Strict: what two readers could understand differently is a fault, not a guess. Bounded: head, chunk lines and
 * trailers together, interim responses. Bytes given to `push` and `onBody` are the caller's and are not kept.
 */
import { CR, LF, SPACE, TAB } from "../head/bytes.ts";
import { readResponseHead, startsWithHttp } from "./response-head.ts";
import type { ResponseHeadFacts } from "./response-head.ts";

/** Bytes of a head, and of a trailer section; Node itself stops at 16 KiB for a head. */
export const RESPONSE_HEAD_BYTES_MAX: number = 64 * 1024;
/** Hex digits of a chunk's size: more than this many cannot be exact in a double. */
const CHUNK_SIZE_DIGITS_MAX = 13;
/** Bytes of one chunk's extension; nobody uses them. */
const CHUNK_EXTENSION_BYTES_MAX = 1024;
/** Interim responses (100 to 199) before the real one. */
const INTERIM_MAX = 16;
/** What `end` says when the stream stops before the answer does. */
export const CUT_SHORT = "the connection was closed before the answer was whole";

const TOO_LONG = "the head is too long";
const SEMICOLON = 0x3b;
const NO_BYTES: Uint8Array = new Uint8Array(0);

const State = {
  head: 0,
  length: 1,
  chunkSize: 2,
  chunkExtension: 3,
  chunkLineEnd: 4,
  chunkData: 5,
  chunkEnd: 6,
  trailers: 7,
  untilClose: 8,
} as const;
type State = (typeof State)[keyof typeof State];

/** More fields than a class should have: one object a connection, made ready again for each answer, so that an answer makes none. */
export class ResponseParser {
  readonly facts: ResponseHeadFacts = {
    status: 0,
    length: -1,
    chunked: false,
    closes: false,
    keepAliveSeconds: -1,
  };
  /** The head with its blank line, one byte a character; "" unless `reset` asked for it. */
  headText = "";
  /** Trailer lines, likewise. */
  trailerText = "";
  /** True once a byte came. */
  begun = false;
  done = false;
  /** When done: nothing speaks against another request on this connection. */
  reusable = false;
  fault: string | undefined;
  /** Takes the body's bytes; undefined when nobody wants them. */
  onBody: ((bytes: Uint8Array) => void) | undefined;
  #state: State = State.head;
  #bodyless = false;
  #keepsHead = false;
  #left = 0;
  #interim = 0;
  /** A head, or a trailer section, that came in pieces. */
  #partial: Buffer | undefined;
  #partialBytes = 0;
  #digits = 0;
  #extensionBytes = 0;
  /** Of the trailer line so far. */
  #lineBytes = 0;
  #lastWasCr = false;

  /** Makes ready for the next answer. `bodyless`: the request was HEAD. */
  reset(bodyless: boolean, keepsHead: boolean): void {
    this.headText = "";
    this.trailerText = "";
    this.begun = false;
    this.done = false;
    this.reusable = false;
    this.fault = undefined;
    this.#state = State.head;
    this.#bodyless = bodyless;
    this.#keepsHead = keepsHead;
    this.#interim = 0;
    this.#partial = undefined;
    this.#partialBytes = 0;
  }

  /** Takes `bytes[0..end)`. */
  push(bytes: Uint8Array, end: number = bytes.length): void {
    let at = 0;
    if (end > 0) this.begun = true;
    while (at < end && !this.done && this.fault === undefined) at = this.#step(bytes, at, end);
    // Nobody asked for more than one answer: what is behind it belongs to nothing.
    if (this.done && at < end) this.reusable = false;
  }

  /** The stream has ended. */
  end(): void {
    if (this.done || this.fault !== undefined) return;
    if (this.#state === State.untilClose) this.#finish(false);
    else this.fault = CUT_SHORT;
  }

  #step(bytes: Uint8Array, at: number, end: number): number {
    switch (this.#state) {
      case State.head:
        return this.#takeHead(bytes, at, end);
      case State.length:
      case State.chunkData:
        return this.#takeContent(bytes, at, end);
      case State.chunkSize:
        return this.#takeChunkSize(bytes[at] ?? 0, at + 1);
      case State.chunkExtension:
        return this.#takeChunkExtension(bytes[at] ?? 0, at + 1);
      case State.chunkLineEnd:
        if (bytes[at] === LF) this.#startContent();
        else this.fault = "malformed chunk size";
        return at + 1;
      case State.chunkEnd:
        return this.#takeChunkEnd(bytes[at] ?? 0, at + 1);
      case State.trailers:
        return this.#takeTrailers(bytes, at, end);
      case State.untilClose:
        break;
    }
    this.onBody?.(bytes.subarray(at, end));
    return end;
  }

  #takeHead(bytes: Uint8Array, at: number, end: number): number {
    if (this.#partialBytes === 0) {
      const headEnd = blankLineEnd(bytes, at, end);
      if (headEnd > 0) {
        this.#readHead(bytes, at, headEnd);
        return headEnd;
      }
    }
    const taken = this.#gather(bytes, at, end);
    const held = this.#partial ?? NO_BYTES;
    // Only what is new can complete the blank line; three bytes of it may have come before.
    const from = Math.max(0, this.#partialBytes - (taken - at) - 3);
    const headEnd = blankLineEnd(held, from, this.#partialBytes);
    if (headEnd < 0) {
      // A peer that speaks something else must not be waited for until it has said a blank line.
      if (!startsWithHttp(held, 0, this.#partialBytes)) this.fault = "no HTTP/1 status line";
      else if (this.#partialBytes > RESPONSE_HEAD_BYTES_MAX) this.fault = TOO_LONG;
      return taken;
    }
    const extra = this.#partialBytes - headEnd;
    this.#partialBytes = 0;
    this.#readHead(held, 0, headEnd);
    return taken - extra;
  }

  /** Appends to what is held; returns where it stopped. */
  #gather(bytes: Uint8Array, at: number, end: number): number {
    const wanted = this.#partialBytes + end - at;
    const room = Math.min(wanted, RESPONSE_HEAD_BYTES_MAX + 1);
    if (this.#partial === undefined || this.#partial.length < room) {
      const grown = Buffer.allocUnsafe(Math.min(room * 2, RESPONSE_HEAD_BYTES_MAX + 1));
      if (this.#partial !== undefined) grown.set(this.#partial.subarray(0, this.#partialBytes));
      this.#partial = grown;
    }
    const taken = room - this.#partialBytes;
    this.#partial.set(bytes.subarray(at, at + taken), this.#partialBytes);
    this.#partialBytes += taken;
    return at + taken;
  }

  #readHead(bytes: Uint8Array, start: number, end: number): void {
    const { facts } = this;
    this.fault =
      end - start > RESPONSE_HEAD_BYTES_MAX ? TOO_LONG : readResponseHead(bytes, start, end, facts);
    if (this.fault !== undefined) return;
    if (facts.status < 200) {
      this.#interim += 1;
      // An upgrade was never asked for.
      if (facts.status === 101 || this.#interim > INTERIM_MAX)
        this.fault = "unasked interim responses";
      return;
    }
    if (this.#keepsHead) this.headText = latin1(bytes, start, end);
    if (this.#bodyless || facts.status === 204 || facts.status === 304) this.#finish(!facts.closes);
    else if (facts.chunked) this.#startChunk();
    else if (facts.length > 0) this.#expect(State.length, facts.length);
    else if (facts.length === 0) this.#finish(!facts.closes);
    else this.#state = State.untilClose;
  }

  #expect(state: State, bytes: number): void {
    this.#state = state;
    this.#left = bytes;
  }

  #takeContent(bytes: Uint8Array, at: number, end: number): number {
    const stop = Math.min(end, at + this.#left);
    this.onBody?.(bytes.subarray(at, stop));
    this.#left -= stop - at;
    if (this.#left > 0) return stop;
    if (this.#state === State.length) this.#finish(!this.facts.closes);
    else this.#expect(State.chunkEnd, 0);
    return stop;
  }

  #startChunk(): void {
    this.#expect(State.chunkSize, 0);
    this.#digits = 0;
    this.#extensionBytes = 0;
  }

  #takeChunkSize(byte: number, next: number): number {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#digits += 1;
      this.#left = this.#left * 16 + digit;
      if (this.#digits > CHUNK_SIZE_DIGITS_MAX) this.fault = "a chunk is too long";
    } else if (this.#digits === 0) this.fault = "malformed chunk size";
    else if (byte === LF) this.#startContent();
    else if (byte === CR) this.#state = State.chunkLineEnd;
    else if (byte === SEMICOLON || byte === SPACE || byte === TAB)
      this.#state = State.chunkExtension;
    else this.fault = "malformed chunk size";
    return next;
  }

  #takeChunkExtension(byte: number, next: number): number {
    this.#extensionBytes += 1;
    if (byte === LF) this.#startContent();
    else if (byte === CR) this.#state = State.chunkLineEnd;
    else if (this.#extensionBytes > CHUNK_EXTENSION_BYTES_MAX)
      this.fault = "a chunk extension is too long";
    return next;
  }

  #startContent(): void {
    this.#state = this.#left === 0 ? State.trailers : State.chunkData;
    this.#lineBytes = 0;
  }

  #takeChunkEnd(byte: number, next: number): number {
    if (byte === LF) this.#startChunk();
    else if (byte === CR && this.#left === 0) this.#left = 1;
    else this.fault = "bytes behind a chunk";
    return next;
  }

  /** Trailer lines up to an empty one. They are kept, not read: nothing here depends on them. */
  #takeTrailers(bytes: Uint8Array, at: number, end: number): number {
    let stop = at;
    let isEmptyLine = false;
    while (stop < end && !isEmptyLine) {
      const byte = bytes[stop] ?? 0;
      stop += 1;
      if (byte === LF) {
        isEmptyLine = this.#lineBytes === 0 || (this.#lineBytes === 1 && this.#lastWasCr);
        this.#lineBytes = 0;
      } else this.#lineBytes += 1;
      this.#lastWasCr = byte === CR;
    }
    const taken = this.#gather(bytes, at, stop);
    if (this.#partialBytes > RESPONSE_HEAD_BYTES_MAX) this.fault = TOO_LONG;
    else if (isEmptyLine) {
      if (this.#keepsHead)
        this.trailerText = latin1(this.#partial ?? NO_BYTES, 0, this.#partialBytes);
      this.#partialBytes = 0;
      this.#finish(!this.facts.closes);
    }
    return taken;
  }

  #finish(reusable: boolean): void {
    this.done = true;
    this.reusable = reusable;
  }
}

/** Index behind the first empty line that follows another line, or -1. */
function blankLineEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at += 1) {
    if (bytes[at] !== LF) continue;
    if (at + 1 < end && bytes[at + 1] === LF) return at + 2;
    if (at + 2 < end && bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return -1;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}
