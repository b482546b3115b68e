/**
 * Where the body of a captured message ends, by its framing: a length, chunks, the end of the stream. Sans-IO; its bytes go to
 * the builder, and what contradicts the framing marks the message as ambiguous. Knows nothing of what comes before or behind.
 */
import { ChunkScanner } from "./chunk-scanner.ts";
import { Body } from "./framing.ts";
import type { MessageBuilder } from "./message-builder.ts";
import type { StreamLimits } from "./stream-limits.ts";
import { End } from "./stream-state.ts";

/** How the next response begins. Where a body may begin, it says that there is none: this one answers a HEAD that was not seen. */
const NEXT_RESPONSE: Uint8Array = Buffer.from("HTTP/1.");

export class BodyReader {
  /** Bytes to come of a body with a length. */
  remaining = 0;
  /** Where the end of the message got lost. */
  lost: End = End.known;
  #body: Body = Body.none;
  #chunks: ChunkScanner | undefined = undefined;
  /** Bytes in front of the body that are those of a next response so far; undefined when nothing is to be found out. */
  #alike: number | undefined = undefined;
  readonly #builder: MessageBuilder;
  readonly #limits: StreamLimits;

  constructor(builder: MessageBuilder, limits: StreamLimits) {
    this.#builder = builder;
    this.#limits = limits;
  }

  /** `length`: what the head says, for a body that has one. `mayBeNone`: it may answer a HEAD, which only what follows tells. */
  begin(body: Body, length: number, mayBeNone: boolean): void {
    this.#body = body;
    this.remaining = body === Body.length ? length : 0;
    this.lost = body === Body.unknown ? End.lostInHead : End.known;
    this.#chunks = body === Body.chunked ? new ChunkScanner(this.#limits) : undefined;
    this.#alike = mayBeNone && body !== Body.none ? 0 : undefined;
  }

  /** The message is over. */
  reset(): void {
    this.#body = Body.none;
    this.remaining = 0;
    this.lost = End.known;
    this.#chunks = undefined;
    this.#alike = undefined;
  }

  /** It ends where the sender ends. */
  get isUntilClose(): boolean {
    return this.#body === Body.untilClose;
  }

  /** The number of its bytes is known. */
  get hasLength(): boolean {
    if (this.#alike !== undefined) return false;
    return this.#body !== Body.chunked && this.#body !== Body.untilClose;
  }

  /** There was no body: these bytes, which were taken, begin the next message. */
  get ofNext(): Uint8Array | undefined {
    return this.#alike === NEXT_RESPONSE.length ? NEXT_RESPONSE : undefined;
  }

  /** Nothing more of it comes. */
  get isWhole(): boolean {
    if (this.#alike !== undefined) return this.#alike === NEXT_RESPONSE.length;
    const chunks = this.#chunks;
    if (chunks !== undefined) return chunks.done || chunks.fault !== "";
    return this.remaining === 0 && !this.isUntilClose;
  }

  /** Takes what is of the body, and returns the place behind it. */
  read(chunk: Uint8Array, at: number, end: number, seconds: number, nanoseconds: number): number {
    if (this.#alike !== undefined) return this.#compare(chunk, at, end, seconds, nanoseconds);
    const chunks = this.#chunks;
    if (chunks !== undefined) {
      const stop = chunks.scan(chunk, at, end);
      this.#builder.addBody(chunk, at, stop, seconds, nanoseconds);
      if (chunks.fault !== "" || chunks.done) this.#endChunks(chunks);
      return stop;
    }
    const stop = this.isUntilClose ? end : Math.min(end, at + this.remaining);
    this.#builder.addBody(chunk, at, stop, seconds, nanoseconds);
    this.remaining = this.isUntilClose ? 0 : this.remaining - (stop - at);
    return stop;
  }

  /** Compares with the beginning of a next response, and returns the place behind what is alike. */
  #compare(chunk: Uint8Array, from: number, end: number, seconds: number, ns: number): number {
    const most = this.#body === Body.length ? this.remaining : NEXT_RESPONSE.length;
    let alike = this.#alike ?? 0;
    let at = from;
    while (at < end && alike < most && chunk[at] === NEXT_RESPONSE[alike]) {
      at += 1;
      alike += 1;
      if (alike === NEXT_RESPONSE.length) break;
    }
    this.#alike = alike;
    if (alike < NEXT_RESPONSE.length && (at < end || alike === most)) this.decide(seconds, ns);
    return at;
  }

  /** Nothing more can be found out: what was alike is of the body. */
  decide(seconds: number, nanoseconds: number): void {
    const alike = this.#alike ?? 0;
    this.#alike = undefined;
    if (alike > 0) this.read(NEXT_RESPONSE, 0, alike, seconds, nanoseconds);
  }

  /** Passes over `bytes` that are missing. False when the framing does not outlive such a hole. */
  skip(bytes: number): boolean {
    const chunks = this.#chunks;
    if (this.isUntilClose) return true;
    if (chunks === undefined) {
      if (bytes > this.remaining) return false;
      this.remaining -= bytes;
      return true;
    }
    if (bytes > chunks.skippable) return false;
    chunks.skip(bytes);
    return true;
  }

  #endChunks(chunks: ChunkScanner): void {
    const { message } = this.#builder;
    if (chunks.fault === "") {
      message?.markAmbiguous(chunks.ambiguity);
      return;
    }
    // As with a length that is none: what can be told of it is kept, and not trusted.
    message?.markAmbiguous(chunks.fault);
    this.lost = End.lostInBody;
  }
}
