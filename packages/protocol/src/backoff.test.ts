// The ceiling doubles up to a bound, the jitter stays between its share and the ceiling, and success starts over.
import fc from "fast-check";
import { expect, it } from "vitest";
import { Backoff } from "./backoff.ts";

const ALMOST_ONE = 1 - Number.EPSILON;

it("doubles up to the longest, and starts over", () => {
  const backoff = new Backoff({ firstMs: 100, longestMs: 500 });
  const ceilings = Array.from({ length: 5 }, () => Math.round(backoff.next(ALMOST_ONE)));
  expect(ceilings).toEqual([100, 200, 400, 500, 500]);
  backoff.reset();
  expect(backoff.next(0.5)).toBe(50);
  expect(backoff.next(0)).toBe(0);
});

it("keeps between the least share and the ceiling", () => {
  const random = fc.double({ min: 0, max: ALMOST_ONE, noNaN: true });
  fc.assert(
    fc.property(fc.array(random, { maxLength: 20 }), random, (draws, leastShare) => {
      const backoff = new Backoff({ firstMs: 10, longestMs: 1000, leastShare });
      let ceilingMs = 10;
      for (const draw of draws) {
        const pauseMs = backoff.next(draw);
        expect(pauseMs).toBeGreaterThanOrEqual(ceilingMs * leastShare);
        expect(pauseMs).toBeLessThanOrEqual(ceilingMs);
        ceilingMs = Math.min(1000, ceilingMs * 2);
      }
    }),
  );
});
