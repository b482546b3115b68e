// Entries come back as they were, and a flipped bit anywhere is seen.
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
    // The second byte is unused, and guarded all the same.
    expect(decodeEntry(flipped)).toBeUndefined();
  }
  for (let length = 0; length < bytes.length; length += 1) {
    expect(decodeEntry(bytes.subarray(0, length))).toBeUndefined();
  }
});
