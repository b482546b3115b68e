// The cutter of `log.entries` against JSON.parse: the same items, in whatever pieces the bytes come.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HarEntries } from "./har-entries.ts";

/** Pieces of so many bytes through a cutter. */
function cut(text: string, pieceBytes: number, entryBytesMax?: number) {
  const entries = new HarEntries(entryBytesMax);
  const bytes = Buffer.from(text);
  const items = [];
  for (let at = 0; at < bytes.length; at += pieceBytes)
    items.push(...entries.push(bytes.subarray(at, at + pieceBytes)));
  return { items, fault: entries.end() };
}

function parsed(text: string, pieceBytes: number): unknown[] {
  return cut(text, pieceBytes).items.map(({ bytes }): unknown => JSON.parse(String(bytes)));
}

const name = fc.oneof(fc.constantFrom("log", "entries", "a", '"', "\\", "[{"), fc.string());
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("]", "}", ",", '\\"', "\\", 1, null, true),
    fc.array(tie("any"), { maxLength: 3 }),
    fc.dictionary(name, tie("any"), { maxKeys: 3 }),
  ),
})).any;

describe("log.entries", () => {
  it("is what JSON.parse finds, whole, byte by byte and with what stands around it", () => {
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 5 }),
        fc.dictionary(fc.string(), value, { maxKeys: 3 }),
        fc.constantFrom(undefined, 2),
        fc.constantFrom(1, 3, 7, 1_000_000),
        (entries, around, space, pieceBytes) => {
          const { log: _1, entries: _2, ...other } = around;
          const har = { ...other, log: { ...other, entries, after: other }, after: entries };
          expect(parsed(JSON.stringify(har, undefined, space), pieceBytes)).toEqual(
            JSON.parse(JSON.stringify(entries)),
          );
        },
      ),
    );
  });

  it("is not something of this name elsewhere", () => {
    const text = `\uFEFF{"entries":[1],"x":{"entries":[2],"log":{"entries":[3]}},"log":{"x":"entries","y":[4],"z":{"entries":[5]},"entries":[6, 7]}}`;
    expect(parsed(text, 1)).toEqual([6, 7]);
  });

  it.each(["", "nonsense", "{}", '{"log":{}}', '{"log":{"entries":{}}}', "[[[1]]]"])(
    "is missing in %j",
    (text) => {
      expect(cut(text, 1)).toEqual({ items: [], fault: "is no HAR: it has no log.entries" });
    },
  );

  it("keeps what comes before the end of a file that was cut off", () => {
    const { items, fault } = cut('{"log":{"entries":[{"a":1},{"b":"]', 5);
    expect(items.map(({ bytes }) => String(bytes))).toEqual(['{"a":1}']);
    expect(fault).toBe("ends in the middle, after 1 entries");
  });

  it("holds no item that is too large, and goes on after it", () => {
    const text = `{"log":{"entries":["${"x".repeat(100)}", "y", 3]}}`;
    for (const pieceBytes of [1, 50, 1000]) {
      const { items, fault } = cut(text, pieceBytes, 90);
      expect(items.map(({ index, bytes }) => [index, bytes?.toString()])).toEqual([
        [0, undefined],
        [1, ' "y"'],
        [2, " 3"],
      ]);
      expect(fault).toBeUndefined();
    }
  });
});
