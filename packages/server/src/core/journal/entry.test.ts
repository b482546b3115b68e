// Entries come back as they were, and a flipped bit anywhere is seen.
import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { checkPayload, unpackRecords } from "@mirrorball/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeEntry, encodeEntry } from "./entry.ts";

const entries = fc.record({
  producer: fc.string({ unit: "binary", maxLength: 60 }),
  service: fc.string({ unit: "binary", maxLength: 40 }),
  seq: fc.maxSafeNat(),
  payload: fc.uint8Array({ maxLength: 300 }),
  total: fc.maxSafeNat(),
});

it("come back as they were", () => {
  fc.assert(
    fc.property(entries, (entry) => {
      const decoded = decodeEntry(encodeEntry(entry));
      expect({ ...decoded, payload: Uint8Array.from(decoded?.payload ?? []) }).toEqual({
        ...entry,
        payload: Uint8Array.from(entry.payload),
      });
    }),
  );
});

it("are not taken when any bit is flipped, or any byte is missing", () => {
  const bytes = encodeEntry({
    producer: "0011223344556677.0",
    service: "shop",
    seq: 7,
    payload: Buffer.from("payload"),
    total: 7,
  });
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    // The second byte says that there is more in front than we know, and is guarded too.
    expect(decodeEntry(flipped)).toBeUndefined();
  }
  for (let length = 0; length < bytes.length; length += 1) {
    expect(decodeEntry(bytes.subarray(0, length))).toBeUndefined();
  }
});

interface EntryVector {
  readonly name: string;
  readonly producer: string;
  readonly service: string;
  readonly seq: number;
  readonly total: number;
  readonly payload: string;
  readonly bytes: string;
}

const vectors = JSON.parse(
  readFileSync(new URL("../../../test/vectors/1.2/journal.json", import.meta.url), "utf8"),
) as EntryVector[];

it.each(vectors)("are written as version 1.2 did, which therefore reads them: $name", (vector) => {
  const { producer, service, seq, total, payload } = vector;
  const entry = { producer, service, seq, total, payload: Buffer.from(payload, "hex") };
  expect(encodeEntry(entry).toString("hex")).toBe(vector.bytes);
});

it.each(vectors)("are read as version 1.2 wrote them: $name", ({ bytes, payload, ...entry }) => {
  const read = decodeEntry(Buffer.from(bytes, "hex"));
  expect(read).toMatchObject({ producer: entry.producer, service: entry.service });
  expect(read).toMatchObject({ seq: entry.seq, total: entry.total });
  expect(Buffer.from(read?.payload ?? "?").toString("hex")).toBe(payload);
  if (payload === "" || read === undefined) return;
  expect(checkPayload(read.payload)).toBeUndefined();
  expect(unpackRecords(read.payload)).toHaveLength(4);
});

it("are read when a later version has added to their head", () => {
  const entry = { producer: "00ff", service: "shop", seq: 7, total: 9, payload: Buffer.from("p") };
  const plain = encodeEntry(entry);
  const names = plain.length - "00ffshopp".length;
  const longer = Buffer.concat([
    plain.subarray(0, names),
    Buffer.from("new"),
    plain.subarray(names),
  ]);
  longer.writeUInt8(3, 1);
  longer.writeUInt32BE(
    crc32(longer.subarray(names), crc32(longer.subarray(0, names - 4))),
    names - 4,
  );
  expect(decodeEntry(longer)).toMatchObject(entry);
});
