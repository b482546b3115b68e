/**
 * A message as a wire record and back: how servers pass on what did not come from an SDK as an exchange, and what
 * must arrive exactly as it was: kind, id, every digit of its times, its bytes in the form they were born in.
 *
 * In: a message, or a record that `unpackRecords` accepted. Out: the other. A body too large for one record is left to
 * the caller to send in `messageMore` records right behind. Knows no frames.
 */
import { HttpMessage } from "./http-message.ts";
import { HEAD_BYTES_MAX, WHOLE_EXCHANGE_BYTES_MAX } from "./limits.ts";
import { MessageKind } from "./message.ts";
import type { BodyState, Message, Timestamp } from "./message.ts";
import { RecordType } from "./record.ts";
import type { MessageRecord } from "./record.ts";

const US_PER_S = 1_000_000;
const NS_PER_US = 1000;
const NS_PER_S = 1_000_000_000n;

/** Bits of the record's `flags`. */
const LATENCY_NEGATIVE = 1;
const AMBIGUOUS = 2;

/** Trailer strings that travel apart; a message with more goes as raw bytes, which hold them too. */
const TRAILER_STRINGS_MAX = 64;

const KINDS: ReadonlySet<number> = new Set(Object.values(MessageKind));

export interface PackedMessage {
  readonly record: MessageRecord;
  /** Bytes to send behind the record, in order, as `messageMore`; undefined when the record holds all. */
  readonly rest: Uint8Array | undefined;
}

/** `number` names the message to its `messageMore` records; it counts up within a producer. */
export function packMessage(message: Message, number: number): PackedMessage {
  const { kind, id, startedAt, latencyNs, http, context } = message;
  const head = partsHead(http);
  const bytes = head === undefined ? http.raw : http.body;
  const trailers = head === undefined || http.trailers.length === 0 ? null : http.trailers;
  const whole = bytes.length + (head?.length ?? 0) <= WHOLE_EXCHANGE_BYTES_MAX;
  const [seconds, nanoseconds] = splitTime(startedAt);
  const record: MessageRecord = [
    RecordType.message,
    number,
    kind,
    id,
    seconds,
    nanoseconds,
    latencyNs === undefined ? null : Math.abs(latencyNs),
    (latencyNs !== undefined && latencyNs < 0 ? LATENCY_NEGATIVE : 0) |
      (context?.framing === "ambiguous" ? AMBIGUOUS : 0),
    head ?? null,
    whole ? asBuffer(bytes) : null,
    whole ? 0 : bytes.length,
    trailers,
    context?.service ?? null,
    context?.connection ?? null,
    context?.connectionSeq ?? null,
    context?.peer ?? null,
    context?.route ?? null,
    context?.tags ?? null,
    context?.bodyState ?? 0,
    context?.failure ?? null,
  ];
  return { record, rest: whole ? undefined : bytes };
}

/**
 * The message of a record and its bytes: the record's own, or those that came behind it. Undefined for kinds that this
 * version does not know. `state` overrides what the record says when the receiver had to cut.
 */
export function messageOf(
  record: MessageRecord,
  bytes: Uint8Array | undefined = record[9] ?? undefined,
  state: BodyState = record[18],
): Message | undefined {
  const kind = record[2];
  if (!KINDS.has(kind)) return undefined;
  const head = record[8];
  const latency = record[6];
  return {
    kind,
    id: record[3],
    startedAt: joinTime(record[4], record[5]),
    latencyNs:
      latency === null ? undefined : (record[7] & LATENCY_NEGATIVE) === 0 ? latency : -latency,
    http:
      head === null
        ? HttpMessage.fromRaw(bytes ?? NO_BYTES)
        : HttpMessage.fromHeadText(head, bytes, record[11] ?? undefined),
    context: contextOf(record, state),
  };
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

function contextOf(record: MessageRecord, state: BodyState): Message["context"] {
  return {
    service: record[12] ?? undefined,
    connection: record[13] ?? undefined,
    connectionSeq: record[14] ?? undefined,
    peer: record[15] ?? undefined,
    route: record[16] ?? undefined,
    tags: record[17] ?? undefined,
    bodyState: state === 0 ? undefined : state,
    failure: record[19] ?? undefined,
    framing: (record[7] & AMBIGUOUS) === 0 ? undefined : "ambiguous",
  };
}

/** The head of a message born in parts; undefined when raw bytes are the better form. */
function partsHead(http: HttpMessage): string | undefined {
  const head = http.headText;
  if (head === undefined || head.length > HEAD_BYTES_MAX) return undefined;
  return http.trailers.length > TRAILER_STRINGS_MAX ? undefined : head;
}

/** Seconds and nanoseconds: a double holds each exactly, for any time a file may tell. Before 1970 is 1970. */
function splitTime(at: Timestamp): [seconds: number, nanoseconds: number] {
  if (typeof at === "bigint") {
    return at < 0n ? [0, 0] : [Number(at / NS_PER_S), Number(at % NS_PER_S)];
  }
  const us = Math.max(0, Math.trunc(at));
  return [Math.floor(us / US_PER_S), (us % US_PER_S) * NS_PER_US];
}

/** A whole number of microseconds comes back as a number, which is cheaper and as exact. */
function joinTime(seconds: number, nanoseconds: number): Timestamp {
  const us = seconds * US_PER_S + nanoseconds / NS_PER_US;
  return nanoseconds % NS_PER_US === 0 && Number.isSafeInteger(us)
    ? us
    : BigInt(Math.trunc(seconds)) * NS_PER_S + BigInt(Math.trunc(nanoseconds));
}

/** msgpackr writes a Buffer as plain binary and a Uint8Array as an extension, which receivers refuse. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
