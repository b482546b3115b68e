import fc from "fast-check";
import { expect, it } from "vitest";
import { MinHeap } from "./min-heap.ts";

it("gives items by key, least first, whatever is pushed and popped in between", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: -50, max: 50 }), { freq: 3 })), (steps) => {
      const heap = new MinHeap<{ key: number }>(({ key }) => key);
      const model: number[] = [];
      for (const step of steps) {
        if (step === null) {
          model.sort((x, y) => x - y);
          expect(heap.first?.key).toBe(model[0]);
          expect(heap.pop()?.key).toBe(model.shift());
        } else {
          heap.push({ key: step });
          model.push(step);
        }
      }
      for (const key of model.sort((x, y) => x - y)) expect(heap.pop()?.key).toBe(key);
      expect(heap.pop()).toBeUndefined();
      expect(heap.first).toBeUndefined();
    }),
  );
});

it("has room for keys that are infinite", () => {
  const heap = new MinHeap<number>((key) => key);
  for (const key of [Infinity, 1, Infinity, 0]) heap.push(key);
  expect([heap.pop(), heap.pop(), heap.pop(), heap.pop(), heap.pop()]).toEqual([
    0,
    1,
    Infinity,
    Infinity,
    undefined,
  ]);
});
