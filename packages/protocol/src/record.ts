/**
 * The records inside a DATA frame: what a producer tells a replay server about its exchanges.
 *
 * A payload is a msgpack array of records; a record is a positional array that opens with its type. A
 * small exchange is one `exchange` record; a large, long or endless one travels as heads, chunks and
 * ends, so that memory stays bounded on both sides. New fields are added at the tail and ignored by
 * receivers that do not know them. Strings of HTTP heads hold one byte a character (latin1).
 *
 * This file refuses to know about frames and sockets. Bytes from the network must have passed
 * `checkPayload` before `unpackRecords` sees them.
 */
import { Packr } from "msgpackr";
import { HEADER_FIELDS_MAX, HEAD_BYTES_MAX } from "./limits.ts";
import type { BodyState, MessageKind } from "./message.ts";

export const RecordType = {
  exchange: 1,
  requestHead: 2,
  requestChunk: 3,
  requestEnd: 4,
  responseHead: 5,
  responseChunk: 6,
  responseEnd: 7,
  abandon: 8,
  loss: 9,
  message: 10,
  messageMore: 11,
} as const;

type Strings = readonly string[];

/** A whole exchange. `exchange` counts up from 1 within a producer. Times are microseconds. */
export type ExchangeRecord = [
  type: typeof RecordType.exchange,
  exchange: number,
  startedUs: number,
  /** From the request's head to its last byte. */
  requestUs: number,
  connection: number,
  connectionSeq: number,
  peer: string | null,
  method: string,
  target: string,
  version: string,
  headers: Strings,
  requestBody: Uint8Array | null,
  requestState: BodyState,
  requestTrailers: Strings | null,
  responseStartedUs: number,
  /** From the response's head to its last byte. */
  responseUs: number,
  /** Status line and fields as they went out, blank line included; null when no response was sent or wanted. */
  responseHead: string | null,
  responseBody: Uint8Array | null,
  responseState: BodyState,
  responseTrailers: Strings | null,
  route: string | null,
  tags: Strings | null,
];

export type RequestHeadRecord = [
  type: typeof RecordType.requestHead,
  exchange: number,
  startedUs: number,
  connection: number,
  connectionSeq: number,
  peer: string | null,
  method: string,
  target: string,
  version: string,
  headers: Strings,
  route: string | null,
  tags: Strings | null,
];

export type RequestChunkRecord = [
  type: typeof RecordType.requestChunk,
  exchange: number,
  bytes: Uint8Array,
];

export type RequestEndRecord = [
  type: typeof RecordType.requestEnd,
  exchange: number,
  requestUs: number,
  state: BodyState,
  trailers: Strings | null,
];

export type ResponseHeadRecord = [
  type: typeof RecordType.responseHead,
  exchange: number,
  responseStartedUs: number,
  head: string,
];

export type ResponseChunkRecord = [
  type: typeof RecordType.responseChunk,
  exchange: number,
  bytes: Uint8Array,
];

/** Also sent when there was no response at all: then no responseHead came before it. */
export type ResponseEndRecord = [
  type: typeof RecordType.responseEnd,
  exchange: number,
  responseUs: number,
  state: BodyState,
  trailers: Strings | null,
];

/** The producer had to give up this exchange: discard what came of it. */
export type AbandonRecord = [type: typeof RecordType.abandon, exchange: number, reason: string];

/** The producer dropped `count` whole exchanges of which nothing was sent. */
export type LossRecord = [type: typeof RecordType.loss, reason: string, count: number];

/**
 * One message, from a server to the next; see `message-record.ts`. Since minor version 1 (`PROTOCOL_MINOR`): a producer
 * that sends it must have seen a WELCOME that says so, because an older receiver would skip it and acknowledge.
 */
export type MessageRecord = [
  type: typeof RecordType.message,
  /** Counts up within a producer; names the message to its `messageMore` records. */
  number: number,
  kind: MessageKind,
  /** One token without white space. */
  id: string,
  startedS: number,
  /** The rest of the time, below a second. */
  startedNs: number,
  /** Without its sign; null when it is not known. */
  latencyNs: number | null,
  /** Bit 0: the latency is negative, as gor's -1 for "not measured". Bit 1: it can be read in two ways. */
  flags: number,
  /** The head of a message born in parts, whose `bytes` are then its body; null when `bytes` are all of it, framing included. */
  head: string | null,
  bytes: Uint8Array | null,
  /** When not 0: `bytes` is null, and so many bytes follow in `messageMore` records with nothing between. */
  restBytes: number,
  trailers: Strings | null,
  service: string | null,
  connection: number | null,
  connectionSeq: number | null,
  peer: string | null,
  route: string | null,
  tags: Strings | null,
  bodyState: BodyState,
  failure: string | null,
];

export type MessageMoreRecord = [
  type: typeof RecordType.messageMore,
  number: number,
  bytes: Uint8Array,
];

export type WireRecord =
  | ExchangeRecord
  | RequestHeadRecord
  | RequestChunkRecord
  | RequestEndRecord
  | ResponseHeadRecord
  | ResponseChunkRecord
  | ResponseEndRecord
  | AbandonRecord
  | LossRecord
  | MessageRecord
  | MessageMoreRecord;

/** No maps, no record extension, no shared structures: positional arrays only. */
const packr = new Packr({ useRecords: false, variableMapSize: false, mapsAsObjects: false });

/** One DATA payload. The result is a view of memory that msgpackr hands over, not reuses. */
export function packRecords(records: readonly WireRecord[]): Uint8Array {
  return packr.pack(records);
}

/** What each position must be: n number, s string, t token, b bytes, l list of pairs; `k`, `z`, `y`, `m` n, s, b, l or null. */
const SHAPES: readonly (string | undefined)[] = [
  undefined,
  "nnnnnzssslynmnnzynmzm",
  "nnnnzssslzm",
  "nb",
  "nnnm",
  "nns",
  "nb",
  "nnnm",
  "ns",
  "sn",
  "nntnnknzynmzkkzzmnz",
  "nb",
];

/**
 * The records of a payload that `checkPayload` accepted. Returns a reason instead when a record has a
 * known type but not that type's shape; records of unknown types are left out.
 */
export function unpackRecords(payload: Uint8Array): WireRecord[] | string {
  let value: unknown;
  try {
    value = packr.unpack(payload);
  } catch {
    return "payload is not msgpack";
  }
  if (!Array.isArray(value)) return "payload is not a list of records";
  const items: unknown[] = value;
  let unknown = false;
  for (const item of items) {
    const fault = recordFault(item);
    if (fault === UNKNOWN_TYPE) unknown = true;
    else if (fault !== undefined) return fault;
  }
  // Checked position by position just above.
  const records = items as WireRecord[];
  return unknown ? records.filter((record) => SHAPES[record[0]] !== undefined) : records;
}

const UNKNOWN_TYPE = "unknown record type";

function recordFault(item: unknown): string | undefined {
  if (!Array.isArray(item)) return "a record is not a list";
  const record: unknown[] = item;
  const type = record[0];
  if (typeof type !== "number" || !Number.isInteger(type) || type < 1)
    return "a record has no type";
  const shape = SHAPES[type];
  if (shape === undefined) return UNKNOWN_TYPE;
  if (record.length <= shape.length) return `a record of type ${type} is too short`;
  for (let i = 0; i < shape.length; i += 1) {
    if (!fits(shape.charCodeAt(i), record[i + 1])) {
      return `field ${i + 1} of a record of type ${type} is malformed`;
    }
  }
  return undefined;
}

const NUMBER = 0x6e; // n: finite number, not negative
const NUMBER_OR_NULL = 0x6b; // k
const STRING = 0x73; // s: string
const TOKEN = 0x74; // t: what may stand between blanks on one line
const STRING_OR_NULL = 0x7a; // z
const BYTES = 0x62; // b: binary
const BYTES_OR_NULL = 0x79; // y
const LIST = 0x6c; // l: list of strings, even length
const LIST_OR_NULL = 0x6d; // m

function fits(code: number, value: unknown): boolean {
  switch (code) {
    case NUMBER:
      return isCount(value);
    case NUMBER_OR_NULL:
      return value === null || isCount(value);
    case TOKEN:
      return typeof value === "string" && isToken(value);
    case STRING:
      return typeof value === "string" && value.length <= HEAD_BYTES_MAX;
    case STRING_OR_NULL:
      return value === null || (typeof value === "string" && value.length <= HEAD_BYTES_MAX);
    case BYTES:
      return value instanceof Uint8Array;
    case BYTES_OR_NULL:
      return value === null || value instanceof Uint8Array;
    case LIST:
      return isPairList(value);
    case LIST_OR_NULL:
      return value === null || isPairList(value);
    default:
      return false;
  }
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

/** True for what may be a message's id: ids stand in lines of text, between blanks. */
export function isToken(id: string): boolean {
  return TOKEN_TEXT.test(id);
}

const TOKEN_TEXT = /^[\u0021-\u007e\u0080-\u00ff]{1,256}$/;

function isPairList(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > HEADER_FIELDS_MAX * 2) return false;
  if (value.length % 2 !== 0) return false;
  for (const item of value as unknown[]) if (typeof item !== "string") return false;
  return true;
}
