/**
 * The tables of the wire: every record of a DATA frame, field by field, in the order in which the fields stand.
 *
 * In: nothing. Out: one table a record, and what follows from it: the record's type as a tuple, the positions of its fields
 * by name, the order in which a writer gives them, the check that a receiver makes. No other file knows a position.
 *
 * Rules for a change, for ever:
 *
 * 1. A field never moves, never changes its kind, and is never removed.
 * 2. A new field stands at the tail. Its row says since which minor version of the protocol there is one (`since`), and
 *    what a receiver reads when the sender is older (`absent`).
 * 3. A receiver passes over fields behind those it knows, and over records of types it does not know.
 *
 * A new field is a row here, and the lines that fill it. `vectors/` holds what released versions wrote.
 */
import type { BodyState, MessageKind } from "../message.ts";

/** What a field may hold, by the name of its kind. Strings of HTTP heads hold one byte a character (latin1). */
export interface FieldValues {
  /** A number that is not negative. */
  count: number;
  countOrNull: number | null;
  /** How a body ended: a count, so that a later state is no fault. */
  bodyState: BodyState;
  /** Which of the three a message is: a count, so that a later kind is no fault. */
  messageKind: MessageKind;
  text: string;
  textOrNull: string | null;
  /** What may stand between blanks on one line. */
  token: string;
  bytes: Uint8Array;
  bytesOrNull: Uint8Array | null;
  /** Strings in pairs: names and values. */
  pairs: readonly string[];
  pairsOrNull: readonly string[] | null;
}
export type FieldKind = keyof FieldValues;

/** What the row of a field says that its record did not have from its beginning. */
export interface Added {
  readonly since: number;
  readonly absent: null | number;
}
export type FieldRow = readonly [name: string, kind: FieldKind, added?: Added];

export interface RecordTable {
  readonly type: number;
  /** The minor version that brought it: a producer that needs it to be understood must have seen it in WELCOME. */
  readonly since: number;
  readonly fields: readonly FieldRow[];
}

/** A record as its receiver has it: all fields, whatever its sender's version. */
export type RecordOf<T extends RecordTable> = [type: T["type"], ...ValuesOf<T["fields"]>];

type ValuesOf<F extends readonly FieldRow[]> = {
  -readonly [I in keyof F]: FieldValues[F[I][1]];
};

type Numbered<F extends readonly FieldRow[]> = readonly [readonly ["type", "count"], ...F];

/** Where each field stands in its record, by its name. */
export type PositionsOf<T extends RecordTable> = {
  readonly [
    I in keyof Numbered<T["fields"]> & `${number}` as Numbered<T["fields"]>[I] extends readonly [
      infer Name extends string,
      ...unknown[],
    ]
      ? Name
      : never
  ]: I extends `${infer N extends number}` ? N : never;
};

/** A whole exchange. `exchange` counts up from 1 within a producer. Times are microseconds. */
export const EXCHANGE = {
  type: 1,
  since: 0,
  fields: [
    ["exchange", "count"],
    ["startedUs", "count"],
    ["requestUs", "count"], // from the request's head to its last byte
    ["connection", "count"],
    ["connectionSeq", "count"],
    ["peer", "textOrNull"],
    ["method", "text"],
    ["target", "text"],
    ["version", "text"],
    ["headers", "pairs"],
    ["requestBody", "bytesOrNull"],
    ["requestState", "bodyState"],
    ["requestTrailers", "pairsOrNull"],
    ["responseStartedUs", "count"],
    ["responseUs", "count"], // from the response's head to its last byte
    // Status line and fields as they went out, blank line included; null when no response was sent or wanted.
    ["responseHead", "textOrNull"],
    ["responseBody", "bytesOrNull"],
    ["responseState", "bodyState"],
    ["responseTrailers", "pairsOrNull"],
    ["route", "textOrNull"],
    ["tags", "pairsOrNull"],
  ],
} as const;

export const REQUEST_HEAD = {
  type: 2,
  since: 0,
  fields: [
    ["exchange", "count"],
    ["startedUs", "count"],
    ["connection", "count"],
    ["connectionSeq", "count"],
    ["peer", "textOrNull"],
    ["method", "text"],
    ["target", "text"],
    ["version", "text"],
    ["headers", "pairs"],
    ["route", "textOrNull"],
    ["tags", "pairsOrNull"],
  ],
} as const;

export const REQUEST_CHUNK = {
  type: 3,
  since: 0,
  fields: [
    ["exchange", "count"],
    ["bytes", "bytes"],
  ],
} as const;

export const REQUEST_END = {
  type: 4,
  since: 0,
  fields: [
    ["exchange", "count"],
    ["requestUs", "count"],
    ["state", "bodyState"],
    ["trailers", "pairsOrNull"],
  ],
} as const;

export const RESPONSE_HEAD = {
  type: 5,
  since: 0,
  fields: [
    ["exchange", "count"],
    ["responseStartedUs", "count"],
    ["head", "text"],
  ],
} as const;

export const RESPONSE_CHUNK = {
  type: 6,
  since: 0,
  fields: [
    ["exchange", "count"],
    ["bytes", "bytes"],
  ],
} as const;

/** Also sent when there was no response at all: then no response head came before it. */
export const RESPONSE_END = {
  type: 7,
  since: 0,
  fields: [
    ["exchange", "count"],
    ["responseUs", "count"],
    ["state", "bodyState"],
    ["trailers", "pairsOrNull"],
  ],
} as const;

/** The producer had to give up this exchange: discard what came of it. */
export const ABANDON = {
  type: 8,
  since: 0,
  fields: [
    ["exchange", "count"],
    ["reason", "text"],
  ],
} as const;

/** The producer dropped `count` whole exchanges of which nothing was sent. */
export const LOSS = {
  type: 9,
  since: 0,
  fields: [
    ["reason", "text"],
    ["count", "count"],
  ],
} as const;

/**
 * One message, from a server to the next; see `message-record.ts`. An older receiver would skip it and acknowledge: a producer
 * that sends it must have seen a WELCOME of its minor version.
 */
export const MESSAGE = {
  type: 10,
  since: 1,
  fields: [
    ["number", "count"], // counts up within a producer; names the message to its `messageMore` records
    ["kind", "messageKind"],
    ["id", "token"],
    ["startedS", "count"],
    ["startedNs", "count"], // the rest of the time, below a second
    ["latencyNs", "countOrNull"], // without its sign; null when it is not known
    // Bit 0: the latency is negative, as gor's -1 for "not measured". Bit 1: it can be read in two ways.
    ["flags", "count"],
    // The head of a message born in parts, whose `bytes` are then its body; null when `bytes` are all of it, framing included.
    ["head", "textOrNull"],
    ["bytes", "bytesOrNull"],
    // When not 0: `bytes` is null, and so many bytes follow in `messageMore` records with nothing between.
    ["restBytes", "count"],
    ["trailers", "pairsOrNull"],
    ["service", "textOrNull"],
    ["connection", "countOrNull"],
    ["connectionSeq", "countOrNull"],
    ["peer", "textOrNull"],
    ["route", "textOrNull"],
    ["tags", "pairsOrNull"],
    ["bodyState", "bodyState"],
    ["failure", "textOrNull"],
  ],
} as const;

export const MESSAGE_MORE = {
  type: 11,
  since: 1,
  fields: [
    ["number", "count"],
    ["bytes", "bytes"],
  ],
} as const;

/**
 * Bytes without a meaning, of a type that receivers skip as unknown: see `paddingBytesFor`. No receiver reads it, so it is
 * none of `RECORD_TABLES`; its row keeps its number from being given to anything else.
 */
export const PADDING = {
  type: 12,
  since: 3,
  fields: [["bytes", "bytes"]],
} as const;

/** All that a receiver reads. */
export const RECORD_TABLES: readonly RecordTable[] = [
  EXCHANGE,
  REQUEST_HEAD,
  REQUEST_CHUNK,
  REQUEST_END,
  RESPONSE_HEAD,
  RESPONSE_CHUNK,
  RESPONSE_END,
  ABANDON,
  LOSS,
  MESSAGE,
  MESSAGE_MORE,
];

/** The positions of a table's fields. A copy, whose shape V8 reads as fast as a constant: one that grew by name is a dictionary. */
export function positionsOf<T extends RecordTable>(table: T): PositionsOf<T> {
  const named: [string, number][] = [["type", 0]];
  for (const [i, [name]] of table.fields.entries()) named.push([name, i + 1]);
  // Made of the same rows as the type.
  return Object.assign({}, Object.fromEntries(named)) as PositionsOf<T>;
}

/** What is wrong with a field that is not the one which is due at this position. */
export function misplaced({ type, fields }: RecordTable, due: number): string {
  const [name] = fields[due - 1] ?? ["its end"];
  return `a record of type ${type}: ${name} is due at position ${due}`;
}

/** How many fields a record of this table has at least: those of its first version. */
export function fieldsRequired({ fields }: RecordTable): number {
  const added = fields.findIndex((row) => row[2] !== undefined);
  return added < 0 ? fields.length : added;
}

export const EXCHANGE_AT: PositionsOf<typeof EXCHANGE> = positionsOf(EXCHANGE);
export const REQUEST_HEAD_AT: PositionsOf<typeof REQUEST_HEAD> = positionsOf(REQUEST_HEAD);
export const REQUEST_CHUNK_AT: PositionsOf<typeof REQUEST_CHUNK> = positionsOf(REQUEST_CHUNK);
export const REQUEST_END_AT: PositionsOf<typeof REQUEST_END> = positionsOf(REQUEST_END);
export const RESPONSE_HEAD_AT: PositionsOf<typeof RESPONSE_HEAD> = positionsOf(RESPONSE_HEAD);
export const RESPONSE_CHUNK_AT: PositionsOf<typeof RESPONSE_CHUNK> = positionsOf(RESPONSE_CHUNK);
export const RESPONSE_END_AT: PositionsOf<typeof RESPONSE_END> = positionsOf(RESPONSE_END);
export const ABANDON_AT: PositionsOf<typeof ABANDON> = positionsOf(ABANDON);
export const LOSS_AT: PositionsOf<typeof LOSS> = positionsOf(LOSS);
export const MESSAGE_AT: PositionsOf<typeof MESSAGE> = positionsOf(MESSAGE);
export const MESSAGE_MORE_AT: PositionsOf<typeof MESSAGE_MORE> = positionsOf(MESSAGE_MORE);

/** The fields of a record by name, for records that are made rarely. */
export type FieldsOf<T extends RecordTable> = {
  readonly [
    I in keyof T["fields"] & `${number}` as T["fields"][I] extends readonly [
      infer Name extends string,
      ...unknown[],
    ]
      ? Name
      : never
  ]: T["fields"][I] extends readonly [string, infer K extends FieldKind, ...unknown[]]
    ? FieldValues[K]
    : never;
};

/** A record with its fields where they belong. */
export function recordOf<T extends RecordTable>(table: T, fields: FieldsOf<T>): RecordOf<T> {
  const record: unknown[] = [table.type];
  const named: Readonly<Record<string, unknown>> = fields;
  for (const [name] of table.fields) record.push(named[name]);
  // Made of the same rows as the type.
  return record as RecordOf<T>;
}

/** A record whose fields are all to be set, for records that are made often: no object is made for it but itself. */
export function blankOf<T extends RecordTable>(template: readonly unknown[]): RecordOf<T> {
  return template.slice() as RecordOf<T>;
}
