// The writer against msgpackr: the same bytes for every record there can be, whatever stands in it.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameDecoder, FrameType, sealFrame } from "./frame.ts";
import { FRAME_HEADER_BYTES } from "../limits.ts";
import { FRAME_PAYLOAD_BYTES_MAX } from "../limits.ts";
import { PayloadWriter } from "./payload-writer.ts";
import { RecordType, packRecords, unpackRecords } from "./record.ts";
import type { ExchangeRecord, WireRecord } from "./record.ts";
import { EXCHANGE, EXCHANGE_AT, REQUEST_CHUNK, REQUEST_CHUNK_AT } from "./schema.ts";

function written(
  records: readonly WireRecord[],
  writer: PayloadWriter = new PayloadWriter(),
): Buffer {
  for (const record of records) expect(writer.append(record)).toBe(true);
  return Buffer.from(writer.take().subarray(FRAME_HEADER_BYTES));
}

const vectors = JSON.parse(
  readFileSync(new URL("../../vectors/records.json", import.meta.url), "utf8"),
  (_key, value: unknown) =>
    typeof value === "object" && value !== null && "bytes" in value
      ? Buffer.from(String(value.bytes), "hex")
      : value,
) as { readonly name: string; readonly record: WireRecord; readonly payload: string }[];

const number = fc.oneof(
  fc.nat(300),
  fc.nat(70_000),
  fc.maxSafeNat(),
  fc.constantFrom(
    0,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    2 ** 32 - 1,
    2 ** 32,
    1_732_406_400_000_000,
  ),
);
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 300 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(0, 23, 24, 25, 31, 32, 33, 255, 256, 65_535, 65_536).map((n) => "a".repeat(n)),
  // ASCII by length, wider by bytes: the head changes its own size.
  fc.constantFrom(16, 20, 31, 130, 255, 40_000).map((n) => "\u00e9".repeat(n)),
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom(0, 255, 256, 65_535, 65_536).map((n) => new Uint8Array(n)),
);
// Short ones: many long ones make more than a frame holds.
const word = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.constantFrom(24, 25, 31, 32, 256).map((n) => "\u00e9".repeat(n)),
);
const list = fc.array(fc.tuple(word, word), { maxLength: 20 }).map((pairs) => pairs.flat());
const orNull = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(some, { nil: null });
const state = fc.constantFrom(0 as const, 1 as const, 2 as const);
const exchange: fc.Arbitrary<ExchangeRecord> = fc.tuple(
  fc.constant(RecordType.exchange), number, number, number, number, number, orNull(text), text, text, text, list,
  orNull(bytes), state, orNull(list), number, number, orNull(text), orNull(bytes), state, orNull(list), orNull(text),
  orNull(list),
); // prettier-ignore
const record: fc.Arbitrary<WireRecord> = fc.oneof(
  exchange,
  fc.tuple(fc.constant(RecordType.requestChunk), number, bytes),
  fc.tuple(fc.constant(RecordType.requestEnd), number, number, state, orNull(list)),
  fc.tuple(fc.constant(RecordType.responseHead), number, number, text),
  fc.tuple(fc.constant(RecordType.loss), text, number),
);

/** msgpackr writes a plain Uint8Array as an extension; our producers give it Buffers. */
function packed(records: readonly WireRecord[]): Buffer {
  const plain = records.map((one) =>
    one.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value)),
  );
  return Buffer.from(packRecords(plain as unknown as WireRecord[]));
}

describe("the payload writer", () => {
  it.each(vectors)("writes the golden vector: $name", ({ record: value, payload }) => {
    expect(written([value]).toString("hex")).toBe(payload);
  });

  it("writes what msgpackr writes, used again and again", () => {
    const writer = new PayloadWriter();
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 3 }), (records) => {
        expect(written(records, writer).equals(packed(records))).toBe(true);
      }),
    );
  });

  it("takes a body as text", () => {
    fc.assert(
      fc.property(text, (body) => {
        const writer = new PayloadWriter();
        writer.begin(REQUEST_CHUNK);
        writer.number(REQUEST_CHUNK_AT.exchange, 1);
        writer.textAsBytes(REQUEST_CHUNK_AT.bytes, body);
        expect(writer.end()).toBe(true);
        const records = unpackRecords(writer.take().subarray(FRAME_HEADER_BYTES));
        const [record, ...more] = typeof records === "string" ? [] : records;
        if (record?.[0] !== RecordType.requestChunk)
          throw new Error(`${String(records)}, no chunk`);
        // Compared as bytes: to go through them one by one takes seconds.
        expect(Buffer.from(body).equals(record[REQUEST_CHUNK_AT.bytes])).toBe(true);
        expect([record[REQUEST_CHUNK_AT.exchange], more]).toEqual([1, []]);
      }),
    );
  });

  it("counts its bytes, and leaves a frame that the decoder takes", () => {
    const writer = new PayloadWriter();
    for (let i = 0; i < 70_000; i += 1) writer.append([RecordType.loss, "x", i]);
    const { bytes: size } = writer;
    const frame = writer.take();
    expect(frame.length).toBe(FRAME_HEADER_BYTES + 5 + size);
    sealFrame(frame, FrameType.data, 3);
    const [taken] = new FrameDecoder().push(frame);
    expect(taken).toMatchObject({ type: FrameType.data, seq: 3 });
    expect(unpackRecords(taken?.payload ?? frame)).toHaveLength(70_000);
    expect([writer.bytes, writer.records]).toEqual([0, 0]);
  });

  it("refuses what no frame can hold, and leaves what was there", () => {
    const writer = new PayloadWriter();
    const small: WireRecord = [RecordType.loss, "x", 1];
    writer.append(small);
    const large: WireRecord = [RecordType.requestChunk, 1, new Uint8Array(FRAME_PAYLOAD_BYTES_MAX)];
    expect(writer.append(large)).toBe(false);
    expect(writer.records).toBe(1);
    expect(written([small], writer).equals(packed([small, small]))).toBe(true);
    expect(writer.append(large)).toBe(false);
  });

  it("forgets a record that was never ended, and all of them when told to", () => {
    const writer = new PayloadWriter();
    const small: WireRecord = [RecordType.loss, "x", 1];
    writer.append(small);
    writer.begin(EXCHANGE);
    writer.number(EXCHANGE_AT.exchange, 1);
    expect(written([small], writer).equals(packed([small, small]))).toBe(true);
    writer.append(small);
    writer.begin(EXCHANGE);
    writer.reset();
    expect([writer.bytes, writer.records]).toEqual([0, 0]);
    writer.begin(EXCHANGE);
    expect(written([], writer).equals(packed([]))).toBe(true);
    expect(written([small], writer).equals(packed([small]))).toBe(true);
  });
});
