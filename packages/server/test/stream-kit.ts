// Feeds a stream parser in every way that must not matter, and writes down what comes out.
import type { MethodKind } from "../src/core/http/scan-head.ts";
import { StreamParser } from "../src/core/http/stream-parser.ts";
import type { StreamSide } from "../src/core/http/stream-parser.ts";
import { STREAM_LIMITS, StreamTally } from "../src/core/http/stream-limits.ts";
import type { StreamLimits } from "../src/core/http/stream-limits.ts";
import type { StreamMessage } from "../src/core/http/stream-message.ts";

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
  const parser = new StreamParser(
    side,
    midstream,
    {
      head: (message) => {
        heads += 1;
        return methods[message.isInterim ? answered : answered++] ?? 0;
      },
      done: (message) => messages.push(message),
      lostSync: () => (lostSync += 1),
      foreign: (reason) => (foreign = reason),
    },
    tally,
    { ...STREAM_LIMITS, ...limits },
  );
  let seconds = 0;
  for (const piece of pieces) {
    seconds += 1;
    if (typeof piece === "number") {
      parser.gap(piece);
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
