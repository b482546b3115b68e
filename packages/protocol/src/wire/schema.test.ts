// The tables: records grow at the tail and both versions read each other; whatever their writer writes, a receiver takes.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkPayload } from "./check-payload.ts";
import { FRAME_HEADER_BYTES } from "../limits.ts";
import { HEADER_FIELDS_MAX, HEAD_BYTES_MAX, PADDED_BYTES_PER_VALUE } from "../limits.ts";
import { PADDED_VALUES_BASE, PAYLOAD_BYTES_PER_OBJECT_MIN } from "../limits.ts";
import { PayloadWriter } from "./payload-writer.ts";
import { RecordReader, packRecords, unpackRecords } from "./record.ts";
import type { WireRecord } from "./record.ts";
import { EXCHANGE, EXCHANGE_AT, LOSS, LOSS_AT, PADDING, RECORD_TABLES } from "./schema.ts";
import { fieldsRequired, positionsOf, recordOf } from "./schema.ts";
import type { FieldKind, FieldRow, RecordTable } from "./schema.ts";

const SAMPLES: Readonly<Record<FieldKind, unknown>> = {
  count: 7,
  countOrNull: null,
  bodyState: 1,
  messageKind: 2,
  text: "some",
  textOrNull: null,
  token: "a1",
  bytes: Buffer.from("bytes"),
  bytesOrNull: Buffer.from("or null"),
  pairs: ["a", ""],
  pairsOrNull: ["b", "c"],
};

const sampleOf = ({ type, fields }: RecordTable): WireRecord =>
  [type, ...fields.map(([, kind]) => SAMPLES[kind])] as unknown as WireRecord;

const nameOf = ({ type }: RecordTable): string => `type ${type}`;
const tables = RECORD_TABLES.map((table): [string, RecordTable] => [nameOf(table), table]);

describe("every table", () => {
  it.each([...tables, [nameOf(PADDING), PADDING] as [string, RecordTable]])(
    "%s: names once, what was added stands at the tail and says what it is when absent",
    (_name, table) => {
      const names = table.fields.map(([name]) => name);
      expect(new Set(names).size).toBe(names.length);
      const added = table.fields.slice(fieldsRequired(table));
      for (const [, , row] of added) expect(row?.since).toBeGreaterThan(table.since);
      expect(Object.values(positionsOf(table))).toEqual([0, ...names.map((_, i) => i + 1)]);
    },
  );

  it("has a type of its own", () => {
    const types = [...RECORD_TABLES, PADDING].map(({ type }) => type);
    expect(new Set(types).size).toBe(types.length);
  });
});

const ADDED: readonly FieldRow[] = [
  ["addedText", "textOrNull", { since: 98, absent: null }],
  ["addedCount", "count", { since: 99, absent: 0 }],
];

describe("a record that has grown", () => {
  const grown = RECORD_TABLES.map((table) => ({ ...table, fields: [...table.fields, ...ADDED] }));
  const newer = new RecordReader(grown);

  it.each(tables)("%s: the newer receiver takes the older sender's", (_name, table) => {
    const payload = packRecords([sampleOf(table)]);
    expect(newer.unpack(payload)).toEqual([[...sampleOf(table), null, 0]]);
    const between = packRecords([[...sampleOf(table), "told"] as unknown as WireRecord]);
    expect(newer.unpack(between)).toEqual([[...sampleOf(table), "told", 0]]);
  });

  it.each(tables)("%s: the older receiver passes over what is new", (_name, table) => {
    const longer = [...sampleOf(table), "told", 3, ["and", "more"]] as unknown as WireRecord;
    const payload = packRecords([longer, sampleOf(table)]);
    expect(checkPayload(payload)).toBeUndefined();
    const records = unpackRecords(payload) as WireRecord[];
    expect(records).toHaveLength(2);
    expect(records[0]?.slice(0, table.fields.length + 1)).toEqual(sampleOf(table));
  });

  it.each(tables)("%s: nothing of its first version may be missing", (_name, table) => {
    // The type stands in front of the fields: this is one field short.
    const short = sampleOf(table).slice(0, fieldsRequired(table)) as unknown as WireRecord;
    expect(unpackRecords(packRecords([short]))).toMatch(/is too short/);
    expect(newer.unpack(packRecords([short]))).toMatch(/is too short/);
  });

  it("what was added is looked at like the rest", () => {
    const wrong = [...sampleOf(LOSS), 5] as unknown as WireRecord;
    expect(newer.unpack(packRecords([wrong]))).toMatch(/\(addedText\) .* is malformed/);
  });

  it("a writer that does not fill the new fields writes what they are when absent", () => {
    const table = { ...LOSS, fields: [...LOSS.fields, ...ADDED] };
    const writer = new PayloadWriter();
    writer.begin(table);
    writer.text(LOSS_AT.reason, "x");
    writer.number(LOSS_AT.count, 1);
    expect(writer.end()).toBe(true);
    const payload = writer.take().subarray(FRAME_HEADER_BYTES);
    expect(newer.unpack(payload)).toEqual([[LOSS.type, "x", 1, null, 0]]);
  });
});

describe("the writer", () => {
  it("takes fields in the order of their table only", () => {
    const writer = new PayloadWriter();
    writer.begin(EXCHANGE);
    expect(() => writer.number(EXCHANGE_AT.startedUs, 1)).toThrow(/exchange is due at position 1/);
    writer.begin(LOSS);
    writer.text(LOSS_AT.reason, "x");
    expect(() => writer.end()).toThrow(/count is due at position 2/);
    expect(writer.take().subarray(FRAME_HEADER_BYTES)).toEqual(Buffer.from([0x90]));
  });

  it("refuses, whole, a record that breaks a bound", () => {
    const writer = new PayloadWriter();
    const pairs = Array.from({ length: HEADER_FIELDS_MAX * 2 + 2 }, () => "");
    const changed = (at: number, value: unknown): WireRecord =>
      sampleOf(EXCHANGE).map((own, i) => (i === at ? value : own)) as unknown as WireRecord;
    const unfit: WireRecord[] = [
      recordOf(LOSS, { reason: "a".repeat(HEAD_BYTES_MAX + 1), count: 1 }),
      recordOf(LOSS, { reason: "x", count: -1 }),
      recordOf(LOSS, { reason: "x", count: Number.NaN }),
      changed(EXCHANGE_AT.headers, pairs),
      changed(EXCHANGE_AT.tags, ["odd"]),
    ];
    for (const record of unfit) {
      expect(typeof unpackRecords(packRecords([record]))).toBe("string");
      expect(writer.append(record)).toBe(false);
    }
    expect(writer.records).toBe(0);
  });
});

const LISTS: ReadonlySet<FieldKind> = new Set(["bytes", "bytesOrNull", "pairs", "pairsOrNull"]);

/** The least that a field's value takes on the wire when it is there: an empty list, a byte string of one byte. */
function bytesAtLeast(kind: FieldKind): number {
  return kind === "bytes" ? 3 : kind === "bytesOrNull" ? 2 : 1;
}

/** The rule of receivers before minor version 3. */
function olderReceiverTakes(payload: Uint8Array, values: number): boolean {
  return values <= PADDED_VALUES_BASE + Math.floor(payload.length / PADDED_BYTES_PER_VALUE);
}

/** Values of a payload as those receivers counted them, by msgpack's own lists. */
function valuesOf(value: unknown): number {
  if (!Array.isArray(value)) return 1;
  return (value as unknown[]).reduce<number>((sum, item) => sum + valuesOf(item), 1);
}

describe("whatever a writer writes, a receiver takes", () => {
  it.each(tables)(
    "%s: its lists and byte strings are within the bound, by its table",
    (_n, table) => {
      let bytes = 2; // the record's own list, its type
      let objects = 1;
      for (const [, kind] of table.fields) {
        bytes += bytesAtLeast(kind);
        if (LISTS.has(kind)) objects += 1;
      }
      expect(objects * PAYLOAD_BYTES_PER_OBJECT_MIN).toBeLessThanOrEqual(bytes);
    },
  );

  const word = fc.oneof(fc.constantFrom("", "a"), fc.string({ maxLength: 9 }));
  const values: { readonly [K in FieldKind]: fc.Arbitrary<unknown> } = {
    count: fc.oneof(fc.nat(200), fc.maxSafeNat()),
    countOrNull: fc.option(fc.nat(200)),
    bodyState: fc.nat(2),
    messageKind: fc.integer({ min: 1, max: 3 }),
    text: word,
    textOrNull: fc.option(word),
    token: fc.constant("t"),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 3 }).map((one) => Buffer.from(one)),
    bytesOrNull: fc.option(fc.uint8Array({ maxLength: 3 }).map((one) => Buffer.from(one))),
    pairs: fc.nat(HEADER_FIELDS_MAX).map((n) => Array.from({ length: 2 * n }, () => "")),
    pairsOrNull: fc.option(fc.constantFrom([], ["", ""], ["a", "b"])),
  };
  const records = fc.oneof(
    ...RECORD_TABLES.map((table) =>
      fc
        .tuple(...table.fields.map(([, kind]) => values[kind]))
        .map((fields) => [table.type, ...fields] as unknown as WireRecord),
    ),
  );

  it("the receiver of today, and the one before that counted values against bytes", () => {
    fc.assert(
      fc.property(fc.array(records, { minLength: 1, maxLength: 300 }), (list) => {
        const writer = new PayloadWriter();
        const taken = list.filter((record) => writer.append(record));
        const payload = writer.take().subarray(FRAME_HEADER_BYTES);
        expect(checkPayload(payload)).toBeUndefined();
        const read = unpackRecords(payload);
        expect(read).toEqual(taken);
        const padded = new RecordReader([...RECORD_TABLES, PADDING]).unpack(payload);
        expect(olderReceiverTakes(payload, valuesOf(padded))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

interface Batch {
  readonly name: string;
  readonly records: number;
  readonly payload: string;
}

describe("what producers of version 1.2 wrote", () => {
  const url = new URL("../../vectors/1.2/batches.json", import.meta.url);
  it.each(JSON.parse(readFileSync(url, "utf8")) as Batch[])("$name", ({ records, payload }) => {
    const bytes = Buffer.from(payload, "hex");
    expect(checkPayload(bytes)).toBeUndefined();
    expect(unpackRecords(bytes)).toHaveLength(records);
  });
});
