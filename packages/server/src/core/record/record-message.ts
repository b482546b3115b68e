/**
 * A record's bytes as a message. In: bytes, the first line that was read of them, and where the payload ends. Out: the message,
 * with the framing it had before it was recorded. Payloads are views on the bytes.
 */
import { HttpMessage } from "@mirrorball/protocol";
import type { Message, MessageContext, Timestamp } from "@mirrorball/protocol";
import { parseContextWord } from "./context-word.ts";
import { restoreHidden } from "./hide-separator.ts";
import type { MetaLine } from "./meta.ts";

/** From here on, microseconds are not exact in a double (the year 2255). */
const EXACT_SECONDS_MAX = 9_007_199_254;
const NS_PER_SECOND = 1_000_000_000n;
const AMBIGUOUS: MessageContext = { framing: "ambiguous" };

export class RecordMessages {
  #lastSeconds = 0;
  #lastNanoseconds = 0;
  #lastContextWord = "";
  #lastContext: MessageContext | undefined;

  /** `isExact`: the payload has the length that the line says, so it is as it was written. A line without a time is given one. */
  message(bytes: Buffer, meta: MetaLine, end: number, isExact: boolean): Message {
    if (meta.seconds < 0) {
      // A response of an old file tells only how long it took: it is as old as what came before it.
      meta.seconds = this.#lastSeconds;
      meta.nanoseconds = this.#lastNanoseconds;
    }
    const { seconds, nanoseconds } = meta;
    this.#lastSeconds = seconds;
    this.#lastNanoseconds = nanoseconds;
    return {
      kind: meta.kind,
      id: bytes.toString("latin1", meta.idStart, meta.idEnd),
      startedAt: timestamp(seconds, nanoseconds),
      latencyNs: meta.latencyNs,
      http: HttpMessage.fromRaw(payloadOf(bytes, meta, end, isExact)),
      context: this.#context(bytes, meta),
    };
  }

  #context(bytes: Buffer, { words }: MetaLine): MessageContext | undefined {
    const { ambiguous, contextStart, contextEnd } = words;
    if (contextStart < 0) return ambiguous ? AMBIGUOUS : undefined;
    const word = bytes.toString("latin1", contextStart, contextEnd);
    // A response mostly has what its request has.
    if (word !== this.#lastContextWord) {
      this.#lastContextWord = word;
      this.#lastContext = parseContextWord(word);
    }
    return ambiguous ? { ...this.#lastContext, ...AMBIGUOUS } : this.#lastContext;
  }
}

function payloadOf(bytes: Buffer, meta: MetaLine, end: number, isExact: boolean): Buffer {
  const payload = bytes.subarray(meta.end, end);
  const { restoreStart, restoreEnd } = meta.words;
  if (!isExact || restoreStart < 0) return payload;
  const word = bytes.toString("latin1", restoreStart, restoreEnd);
  const line = Buffer.from(word, "base64url").toString("latin1");
  return restoreHidden(payload, line) ?? payload;
}

/** Whole microseconds as a number, which is cheap; a bigint when there is more to keep. */
function timestamp(seconds: number, nanoseconds: number): Timestamp {
  return nanoseconds % 1000 === 0 && seconds < EXACT_SECONDS_MAX
    ? seconds * 1e6 + nanoseconds / 1000
    : BigInt(seconds) * NS_PER_SECOND + BigInt(nanoseconds);
}
