/**
 * The records inside a DATA frame: what a producer tells a replay server about its exchanges.
 *
 * A payload is a msgpack array of records; a record is a positional array that opens with its type. A
 * small exchange is one `exchange` record; a large, long or endless one travels as heads, chunks and
 * ends, so that memory stays bounded on both sides. What stands where is in `schema.ts`.
 *
 * This file refuses to know about frames and sockets. Bytes from the network must have passed
 * `checkPayload` before `unpackRecords` sees them.
 */
import { Packr } from "msgpackr";
import { HEADER_FIELDS_MAX, HEAD_BYTES_MAX } from "../limits.ts";
import {
  ABANDON,
  EXCHANGE,
  LOSS,
  MESSAGE,
  MESSAGE_MORE,
  RECORD_TABLES,
  REQUEST_CHUNK,
  REQUEST_END,
  REQUEST_HEAD,
  RESPONSE_CHUNK,
  RESPONSE_END,
  RESPONSE_HEAD,
  fieldsRequired,
} from "./schema.ts";
import type { FieldKind, PADDING, RecordOf, RecordTable } from "./schema.ts";

export const RecordType: {
  readonly exchange: 1;
  readonly requestHead: 2;
  readonly requestChunk: 3;
  readonly requestEnd: 4;
  readonly responseHead: 5;
  readonly responseChunk: 6;
  readonly responseEnd: 7;
  readonly abandon: 8;
  readonly loss: 9;
  readonly message: 10;
  readonly messageMore: 11;
} = {
  exchange: EXCHANGE.type,
  requestHead: REQUEST_HEAD.type,
  requestChunk: REQUEST_CHUNK.type,
  requestEnd: REQUEST_END.type,
  responseHead: RESPONSE_HEAD.type,
  responseChunk: RESPONSE_CHUNK.type,
  responseEnd: RESPONSE_END.type,
  abandon: ABANDON.type,
  loss: LOSS.type,
  message: MESSAGE.type,
  messageMore: MESSAGE_MORE.type,
};

export type ExchangeRecord = RecordOf<typeof EXCHANGE>;
export type RequestHeadRecord = RecordOf<typeof REQUEST_HEAD>;
export type RequestChunkRecord = RecordOf<typeof REQUEST_CHUNK>;
export type RequestEndRecord = RecordOf<typeof REQUEST_END>;
export type ResponseHeadRecord = RecordOf<typeof RESPONSE_HEAD>;
export type ResponseChunkRecord = RecordOf<typeof RESPONSE_CHUNK>;
export type ResponseEndRecord = RecordOf<typeof RESPONSE_END>;
export type AbandonRecord = RecordOf<typeof ABANDON>;
export type LossRecord = RecordOf<typeof LOSS>;
export type MessageRecord = RecordOf<typeof MESSAGE>;
export type MessageMoreRecord = RecordOf<typeof MESSAGE_MORE>;

/** Never received: see its table. */
export type PaddingRecord = RecordOf<typeof PADDING>;

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
export function packRecords(records: readonly (WireRecord | PaddingRecord)[]): Uint8Array {
  return packr.pack(records);
}

/** A table as the check reads it. */
interface Shape {
  /** Of the fields in order; the type is none of them. */
  readonly kinds: readonly FieldKind[];
  readonly names: readonly string[];
  readonly required: number;
  /** For each field behind those: what is read when it is not there. */
  readonly absent: readonly (null | number)[];
}

/** Records by the tables that it is given: a receiver of their version. */
export class RecordReader {
  readonly #shapes: readonly (Shape | undefined)[];

  constructor(tables: readonly RecordTable[]) {
    const shapes: (Shape | undefined)[] = [];
    for (const table of tables) shapes[table.type] = shapeOf(table);
    this.#shapes = Array.from(shapes);
  }

  /** As `unpackRecords`, for records of these tables. */
  unpack(payload: Uint8Array): unknown[][] | string {
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
      const fault = this.fault(item);
      if (fault === UNKNOWN_TYPE) unknown = true;
      else if (fault !== undefined) return fault;
    }
    // Each of them was just found to be a list that opens with a number.
    const records = items as [number, ...unknown[]][];
    return unknown ? records.filter(([type]) => this.#shapes[type] !== undefined) : records;
  }

  /** Why this is none of its records; fills up one of an older sender. */
  fault(item: unknown): string | undefined {
    if (!Array.isArray(item)) return "a record is not a list";
    const record: unknown[] = item;
    const type = record[0];
    if (typeof type !== "number" || !Number.isInteger(type) || type < 1)
      return "a record has no type";
    const shape = this.#shapes[type];
    if (shape === undefined) return UNKNOWN_TYPE;
    const { kinds, required } = shape;
    if (record.length <= required) return `a record of type ${type} is too short`;
    const there = Math.min(kinds.length, record.length - 1);
    for (let i = 0; i < there; i += 1) {
      if (!fits(kinds[i], record[i + 1])) {
        return `field ${i + 1} (${shape.names[i]}) of a record of type ${type} is malformed`;
      }
    }
    // Of an older sender: its record gets the length that the newer ones have.
    for (let i = there; i < kinds.length; i += 1) record.push(shape.absent[i - required]);
    return undefined;
  }
}

function shapeOf(table: RecordTable): Shape {
  const required = fieldsRequired(table);
  return {
    kinds: table.fields.map(([, kind]) => kind),
    names: table.fields.map(([name]) => name),
    required,
    absent: table.fields.slice(required).map(([, , added]) => added?.absent ?? null),
  };
}

const UNKNOWN_TYPE = "unknown record type";

const reader = new RecordReader(RECORD_TABLES);

/**
 * The records of a payload that `checkPayload` accepted. Returns a reason instead when a record has a
 * known type but not that type's shape; records of unknown types are left out, fields of an older sender filled up.
 */
export function unpackRecords(payload: Uint8Array): WireRecord[] | string {
  // Checked field by field against the tables that the type is made of.
  return reader.unpack(payload) as WireRecord[] | string;
}

/** Why no receiver would take this record; undefined when it would. */
export function recordFault(record: WireRecord): string | undefined {
  return reader.fault(record);
}

function fits(kind: FieldKind | undefined, value: unknown): boolean {
  switch (kind) {
    case "count":
    case "bodyState":
    case "messageKind":
      return isCount(value);
    case "countOrNull":
      return value === null || isCount(value);
    case "token":
      return typeof value === "string" && isToken(value);
    case "text":
      return typeof value === "string" && value.length <= HEAD_BYTES_MAX;
    case "textOrNull":
      return value === null || (typeof value === "string" && value.length <= HEAD_BYTES_MAX);
    case "bytes":
      return value instanceof Uint8Array;
    case "bytesOrNull":
      return value === null || value instanceof Uint8Array;
    case "pairs":
      return isPairList(value);
    case "pairsOrNull":
      return value === null || isPairList(value);
    case undefined:
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
