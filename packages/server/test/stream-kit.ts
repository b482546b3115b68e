// Feeds a stream parser in every way that must not matter, and writes down what comes out.
import type { MethodKind } from "../src/core/http/head/head-scan.ts";
import { RequestStream } from "../src/core/http/captured/request-stream.ts";
import { StreamParser } from "../src/core/http/captured/stream-parser.ts";
import type { StreamEvents, StreamSide } from "../src/core/http/captured/stream-events.ts";
import { STREAM_LIMITS, StreamTally } from "../src/core/http/captured/stream-limits.ts";
import type { StreamLimits } from "../src/core/http/captured/stream-limits.ts";
import type { StreamMessage } from "../src/core/http/captured/stream-message.ts";

export interface Parsed {
  readonly messages: StreamMessage[];
  readonly heads: number;
  readonly foreign: string;
  readonly lostSync: number;
  readonly tally: StreamTally;
  readonly pendingBytes: number;
}

export type Feed = "fin" | "rst" | "open";

export interface FeedOptions {
  readonly side?: StreamSide;
  /** Of the requests that the responses answer, in order; 0 when there are no more. */
  readonly methods?: readonly MethodKind[];
  readonly midstream?: boolean;
  readonly limits?: Partial<StreamLimits>;
  readonly heldBytesMax?: number;
  readonly keepsIncomplete?: boolean;
  readonly end?: Feed;
}

/** `pieces`: bytes, or a number for so many missing ones. */
export function feed(
  pieces: readonly (Uint8Array | number)[],
  {
    side = "request",
    methods = [],
    midstream = false,
    limits = {},
    heldBytesMax,
    keepsIncomplete = true,
    end = "fin",
  }: FeedOptions = {},
): Parsed {
  const tally = new StreamTally(heldBytesMax, keepsIncomplete);
  const messages: StreamMessage[] = [];
  let heads = 0;
  let foreign = "";
  let lostSync = 0;
  let answered = 0;
  const events: StreamEvents = {
    head: (message) => {
      heads += 1;
      return methods[message.isInterim ? answered : answered++] ?? 0;
    },
    done: (message) => messages.push(message),
    lostSync: () => (lostSync += 1),
    foreign: (reason) => (foreign = reason),
  };
  const all = { ...STREAM_LIMITS, ...limits };
  const parser =
    side === "request"
      ? new RequestStream(midstream, events, tally, all)
      : new StreamParser(side, midstream, events, tally, all);
  let seconds = 0;
  for (const piece of pieces) {
    seconds += 1;
    if (typeof piece === "number") {
      if (parser instanceof StreamParser || !parser.passHole(piece)) parser.gap(piece);
      continue;
    }
    // In the middle of a larger buffer that is overwritten at once, as captures do it.
    const chunk = Buffer.concat([Buffer.from("GET / HT"), piece, Buffer.from("\r\n\r\nGET")]);
    parser.push(chunk, 8, 8 + piece.length, seconds, 5);
    chunk.fill(0x2a);
  }
  const { pendingBytes } = parser;
  if (end !== "open") parser.end(end === "fin");
  return { messages, heads, foreign, lostSync, tally, pendingBytes };
}

export function bytesOf(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** What must be the same whatever the splits. */
export function digest({ messages, heads, foreign, tally, pendingBytes }: Parsed): unknown {
  return {
    messages: messages.map(
      ({ raw, status, ambiguity, incomplete, truncated, upgrade, streamOffset, isReplay }) => ({
        raw: Buffer.from(raw).toString("latin1"),
        status,
        ambiguity,
        incomplete,
        truncated,
        upgrade,
        streamOffset,
        isReplay,
      }),
    ),
    heads,
    foreign,
    pendingBytes,
    skipped: Object.fromEntries(tally.skippedBytesBy),
    messageBytes: tally.messageBytes,
    incompleteBytes: tally.incompleteBytes,
    heldBytes: tally.heldBytes,
  };
}

export function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
}

/** A header of the PROXY protocol version 2, for TCP over IPv4 unless it is the load balancer's own, with `more` bytes of extensions. */
export function proxyHeader(more = 0, command = 0x21): Buffer {
  const isLocal = command === 0x20;
  const addresses = isLocal ? "" : "\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x00\x50";
  const length = addresses.length + more;
  const fixed = [command, isLocal ? 0 : 0x11, length >> 8, length & 0xff];
  // Extensions that look like the end of a head and like a request.
  const extensions = bytesOf("\r\n\r\nGET /no HTTP/1.1\r\n\r\n".repeat(more / 20 + 1)).subarray(
    0,
    more,
  );
  return Buffer.concat([bytesOf("\r\n\r\n\0\r\nQUIT\n"), Buffer.from(fixed), bytesOf(addresses), extensions]); // prettier-ignore
}
