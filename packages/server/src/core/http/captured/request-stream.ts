/**
 * What the client of a captured connection sends: headers of the PROXY protocol version 2, one for each load balancer in the
 * way, then requests. Sans-IO.
 *
 * In and out as `StreamParser`, which gets what is not such a header, at the place in the stream where it was. A header is
 * looked for at the connection's first byte only: in the middle of a connection it would be somebody's body.
 */
import { PROXY_HEADER, ProxyHeader } from "./proxy-header.ts";
import type { StreamEvents } from "./stream-events.ts";
import type { StreamLimits, StreamTally } from "./stream-limits.ts";
import { StreamParser } from "./stream-parser.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

export class RequestStream {
  readonly #parser: StreamParser;
  readonly #tally: StreamTally;
  /** The header that is being read or may begin here. */
  #header: ProxyHeader | undefined;

  constructor(midstream: boolean, events: StreamEvents, tally: StreamTally, limits?: StreamLimits) {
    this.#parser = new StreamParser("request", midstream, events, tally, limits);
    this.#tally = tally;
    this.#header = midstream ? undefined : new ProxyHeader();
  }

  /** Bytes of which it is not known yet what they belong to, or whose message is not done. */
  get pendingBytes(): number {
    return this.#parser.pendingBytes + (this.#header?.doubtful.length ?? 0);
  }

  get isBetween(): boolean {
    return this.#parser.isBetween;
  }

  push(chunk: Uint8Array, start: number, end: number, seconds: number, nanoseconds: number): void {
    let at = start;
    while (this.#header !== undefined && at < end) {
      at = this.#stepHeader(this.#header, chunk, at, end, seconds, nanoseconds);
    }
    if (at < end) this.#parser.push(chunk, at, end, seconds, nanoseconds);
  }

  /** Whether a hole of `bytes` lies inside a header: it hides no request then, and is passed. */
  passHole(bytes: number): boolean {
    if (this.#header?.skip(bytes) !== true) return false;
    this.#parser.passOver(bytes);
    if (this.#header.isWhole) this.#header = new ProxyHeader();
    return true;
  }

  gap(bytes: number): void {
    this.#leaveHeader();
    this.#parser.gap(bytes);
  }

  end(orderly: boolean): void {
    this.#leaveHeader();
    this.#parser.end(orderly);
  }

  becomeForeign(reason: string): void {
    this.#leaveHeader();
    this.#parser.becomeForeign(reason);
  }

  #stepHeader(
    header: ProxyHeader,
    chunk: Uint8Array,
    at: number,
    end: number,
    seconds: number,
    nanoseconds: number,
  ): number {
    const doubtfulBytes = header.doubtful.length;
    const stop = header.take(chunk, at, end);
    this.#tally.pushedBytes += stop - at;
    if (header.isOther) {
      this.#leaveHeader(seconds, nanoseconds);
    } else if (header.doubtful.length === 0) {
      const bytes = doubtfulBytes + stop - at;
      this.#tally.skipped(PROXY_HEADER, bytes);
      this.#parser.passOver(bytes);
      if (header.isWhole) this.#header = new ProxyHeader();
    }
    return stop;
  }

  /** There is no header, or no more of it: what was taken for one and is none is read as what it is. */
  #leaveHeader(seconds = 0, nanoseconds = 0): void {
    const bytes = this.#header?.doubtful ?? NOTHING;
    this.#header = undefined;
    if (bytes.length === 0) return;
    this.#tally.pushedBytes -= bytes.length;
    this.#parser.push(bytes, 0, bytes.length, seconds, nanoseconds);
  }
}
