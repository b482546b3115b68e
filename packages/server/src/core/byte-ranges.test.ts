import fc from "fast-check";
import { expect, it } from "vitest";
import { ByteRanges } from "./byte-ranges.ts";

/** The ranges as text from `origin` on, `.` for positions that are free and `?` for those known to be missing. */
function text(ranges: ByteRanges, origin: number): string {
  let out = "";
  for (let range = ranges.shift(); range !== undefined; range = ranges.shift()) {
    out += ".".repeat(((range.at - origin) | 0) - out.length);
    out +=
      range.bytes === undefined ? "?".repeat(range.length) : Buffer.from(range.bytes).toString();
  }
  return out;
}

const chunk = fc.record({
  at: fc.nat(40),
  bytes: fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 20 }),
  missing: fc.boolean(),
});

it("holds what a map of single bytes would, first come first kept, also where positions wrap", () => {
  const origins = fc.constantFrom(0, 1000, -1, -20, 2 ** 31 - 20);
  fc.assert(
    fc.property(origins, fc.array(chunk, { maxLength: 12 }), (origin, chunks) => {
      const ranges = new ByteRanges();
      const map: string[] = [];
      for (const { at, bytes, missing } of chunks) {
        const taken = bytes.split("").map((_, i) => map[at + i]);
        const position = (origin + at) | 0;
        if (missing) ranges.insertMissing(position, bytes.length, 0, 0);
        else ranges.insert(position, Buffer.from(`..${bytes}..`), 2, 2 + bytes.length, 0, 0);
        bytes.split("").forEach((byte, i) => (map[at + i] ??= missing ? "?" : byte));
        expect(ranges.duplicateBytes).toBe(taken.filter((byte) => byte !== undefined).length);
        const conflicts = taken.some(
          (byte, i) => byte !== undefined && byte !== "?" && byte !== bytes[i],
        );
        expect(ranges.conflicts > 0).toBe(conflicts && !missing);
        expect(ranges.bytes).toBe(map.filter((byte) => byte !== undefined && byte !== "?").length);
      }
      expect(text(ranges, origin)).toBe(Array.from(map, (byte) => byte ?? ".").join(""));
      expect([ranges.bytes, ranges.costBytes, ranges.count]).toEqual([0, 0, 0]);
    }),
    { numRuns: 3000 },
  );
});

it("copies, so that the source may be overwritten, a Buffer included", () => {
  const ranges = new ByteRanges();
  const source = Buffer.from("abc");
  ranges.insert(0, source, 0, 3, 0, 0);
  source.fill(0);
  expect(text(ranges, 0)).toBe("abc");
});
