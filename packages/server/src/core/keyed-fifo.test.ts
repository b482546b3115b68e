// The queues against plain arrays, for any order of adding and taking.
import fc from "fast-check";
import { expect, it } from "vitest";
import { KeyedFifo } from "./keyed-fifo.ts";

interface Item {
  readonly number: number;
  next: Item | undefined;
  last: Item | undefined;
}

const key = fc.constantFrom("a", "b", "c");

it("gives the oldest of a key, whatever came and went between", () => {
  const step = fc.record({ adds: fc.boolean(), key });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const fifo = new KeyedFifo<Item>();
      const model = new Map<string, number[]>();
      steps.forEach(({ adds, key: at }, number) => {
        const queue = model.get(at) ?? [];
        model.set(at, queue);
        if (adds) {
          fifo.add(at, { number, next: undefined, last: undefined });
          queue.push(number);
        } else {
          expect(fifo.take(at)?.number).toBe(queue.shift());
        }
        expect(fifo.has(at)).toBe(queue.length > 0);
        expect(fifo.keys).toBe([...model.values()].filter(({ length }) => length > 0).length);
      });
      const firsts = [...fifo.firsts()].map(({ number }) => number);
      const expected = [...model.values()].flatMap(([first]) => first ?? []);
      expect(firsts.toSorted((a, b) => a - b)).toEqual(expected.toSorted((a, b) => a - b));
      const rest = fifo.clear().map(({ number }) => number);
      expect(rest.toSorted((a, b) => a - b)).toEqual([...model.values()].flat().toSorted((a, b) => a - b)); // prettier-ignore
      expect(fifo.keys).toBe(0);
    }),
  );
});
