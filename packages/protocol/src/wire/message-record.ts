/**
 * A message as a wire record and back: how servers pass on what did not come from an SDK as an exchange, and what
 * must arrive exactly as it was: kind, id, every digit of its times, its bytes in the form they were born in.
 *
 * In: a message, or a record that `unpackRecords` accepted. Out: the other. A body too large for one record is left to
 * the caller to send in `messageMore` records right behind. Knows no frames.
 */
import { HttpMessage } from "../http/http-message.ts";
import { HEAD_BYTES_MAX, WHOLE_EXCHANGE_BYTES_MAX } from "../limits.ts";
import { MessageKind } from "../message.ts";
import type { BodyState, Message, Timestamp } from "../message.ts";
import type { MessageRecord } from "./record.ts";
import { MESSAGE, MESSAGE_AT, blankOf } from "./schema.ts";

const US_PER_S = 1_000_000;
const NS_PER_US = 1000;
const NS_PER_S = 1_000_000_000n;

/** Bits of the record's `flags`. */
const LATENCY_NEGATIVE = 1;
const AMBIGUOUS = 2;

/** Trailer strings that travel apart; a message with more goes as raw bytes, which hold them too. */
const TRAILER_STRINGS_MAX = 64;

/** What every record of a message is a copy of. */
const BLANK: readonly unknown[] = [MESSAGE.type, ...MESSAGE.fields.map(() => null)];

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
  const record = blankOf<typeof MESSAGE>(BLANK);
  record[MESSAGE_AT.number] = number;
  record[MESSAGE_AT.kind] = kind;
  record[MESSAGE_AT.id] = id;
  record[MESSAGE_AT.startedS] = seconds;
  record[MESSAGE_AT.startedNs] = nanoseconds;
  record[MESSAGE_AT.latencyNs] = latencyNs === undefined ? null : Math.abs(latencyNs);
  record[MESSAGE_AT.flags] =
    (latencyNs !== undefined && latencyNs < 0 ? LATENCY_NEGATIVE : 0) |
    (context?.framing === "ambiguous" ? AMBIGUOUS : 0);
  record[MESSAGE_AT.head] = head ?? null;
  record[MESSAGE_AT.bytes] = whole ? asBuffer(bytes) : null;
  record[MESSAGE_AT.restBytes] = whole ? 0 : bytes.length;
  record[MESSAGE_AT.trailers] = trailers;
  record[MESSAGE_AT.service] = context?.service ?? null;
  record[MESSAGE_AT.connection] = context?.connection ?? null;
  record[MESSAGE_AT.connectionSeq] = context?.connectionSeq ?? null;
  record[MESSAGE_AT.peer] = context?.peer ?? null;
  record[MESSAGE_AT.route] = context?.route ?? null;
  record[MESSAGE_AT.tags] = context?.tags ?? null;
  record[MESSAGE_AT.bodyState] = context?.bodyState ?? 0;
  record[MESSAGE_AT.failure] = context?.failure ?? null;
  return { record, rest: whole ? undefined : bytes };
}

/**
 * The message of a record and its bytes: the record's own, or those that came behind it. Undefined for kinds that this
 * version does not know. `state` overrides what the record says when the receiver had to cut.
 */
export function messageOf(
  record: MessageRecord,
  bytes: Uint8Array | undefined = record[MESSAGE_AT.bytes] ?? undefined,
  state: BodyState = record[MESSAGE_AT.bodyState],
): Message | undefined {
  const kind = record[MESSAGE_AT.kind];
  if (!KINDS.has(kind)) return undefined;
  const head = record[MESSAGE_AT.head];
  return {
    kind,
    id: record[MESSAGE_AT.id],
    startedAt: joinTime(record[MESSAGE_AT.startedS], record[MESSAGE_AT.startedNs]),
    latencyNs: latencyOf(record),
    http:
      head === null
        ? HttpMessage.fromRaw(bytes ?? NO_BYTES)
        : HttpMessage.fromHeadText(head, bytes, record[MESSAGE_AT.trailers] ?? undefined),
    context: contextOf(record, state),
  };
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

function latencyOf(record: MessageRecord): number | undefined {
  const latencyNs = record[MESSAGE_AT.latencyNs];
  if (latencyNs === null) return undefined;
  return (record[MESSAGE_AT.flags] & LATENCY_NEGATIVE) === 0 ? latencyNs : -latencyNs;
}

function contextOf(record: MessageRecord, state: BodyState): Message["context"] {
  return {
    service: record[MESSAGE_AT.service] ?? undefined,
    connection: record[MESSAGE_AT.connection] ?? undefined,
    connectionSeq: record[MESSAGE_AT.connectionSeq] ?? undefined,
    peer: record[MESSAGE_AT.peer] ?? undefined,
    route: record[MESSAGE_AT.route] ?? undefined,
    tags: record[MESSAGE_AT.tags] ?? undefined,
    bodyState: state === 0 ? undefined : state,
    failure: record[MESSAGE_AT.failure] ?? undefined,
    framing: (record[MESSAGE_AT.flags] & AMBIGUOUS) === 0 ? undefined : "ambiguous",
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
