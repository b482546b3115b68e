import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { align } from "./align.ts";

interface Row {
  readonly id: number;
  readonly name: string;
}

const none = (): undefined => undefined;
const rows = (count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: 100 + i, name: `row ${i}` }));

describe("elements are paired", () => {
  it("with themselves in any order, and every position once", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.infiniteStream(fc.nat()),
        (count, choices) => {
          const a = rows(count);
          const b = [...a];
          for (let i = b.length - 1; i > 0; i -= 1) {
            const [choice = 0] = choices.take(1);
            const j = choice % (i + 1);
            const [x, y] = [b[i], b[j]];
            if (x !== undefined && y !== undefined) [b[i], b[j]] = [y, x];
          }
          const { pairs, onlyA, onlyB } = align(a as never, b as never, none);
          expect(pairs).toHaveLength(count);
          for (const [i, j] of pairs) expect(a[i]).toBe(b[j]);
          expect([...onlyA, ...onlyB]).toEqual([]);
        },
      ),
    );
  });

  it("through what they are called now", () => {
    const a = rows(5);
    const b = a.map(({ id, name }) => ({ id: id + 500, name })).toReversed();
    const { pairs, reordered } = align(a as never, b as never, (id) => String(Number(id) + 500));
    expect(pairs.map(([i, j]) => [i, j])).toEqual([
      [0, 4],
      [1, 3],
      [2, 2],
      [3, 1],
      [4, 0],
    ]);
    expect(reordered).toBe(true);
  });

  it("by content when their ids are unknown", () => {
    const a = rows(4);
    const b = a.map(({ id, name }) => ({ id: id + 77, name })).toReversed();
    expect(align(a as never, b as never, none).pairs.map(([i, j]) => [i, j])).toEqual([
      [0, 3],
      [1, 2],
      [2, 1],
      [3, 0],
    ]);
  });

  it("and what was put in or left out stands alone", () => {
    const a = rows(20);
    const b = [...a.slice(0, 7), { id: 999, name: "new" }, ...a.slice(7)];
    const put = align(a as never, b as never, none);
    expect(put.pairs).toHaveLength(20);
    expect(put.onlyB).toEqual([7]);
    expect(put.reordered).toBe(false);
    expect(align(b as never, a as never, none).onlyA).toEqual([7]);
  });

  it("by position when there are too many of them", () => {
    const a = rows(1500);
    const { pairs, onlyB } = align(a as never, [...a.toReversed(), a[0]] as never, none);
    expect(pairs[0]).toEqual([0, 0]);
    expect(onlyB).toEqual([1500]);
  });
});

it("every position is in one pair or alone, whatever the arrays hold", () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { maxLength: 25 }),
      fc.array(fc.jsonValue(), { maxLength: 25 }),
      (a, b) => {
        const { pairs, onlyA, onlyB } = align(a as never, b as never, none);
        const left = [...pairs.map(([i]) => i), ...onlyA].sort((x, y) => x - y);
        const right = [...pairs.map(([, j]) => j), ...onlyB].sort((x, y) => x - y);
        expect(left).toEqual(a.map((_, i) => i));
        expect(right).toEqual(b.map((_, i) => i));
      },
    ),
  );
});
