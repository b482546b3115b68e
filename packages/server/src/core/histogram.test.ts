// Every value lies in the bucket that its logarithm says, and a percentile is off by at most 1/32.
import fc from "fast-check";
import { expect, it } from "vitest";
import { Histogram } from "./histogram.ts";

it("is off by at most 1/32, from a microsecond to nineteen hours", () => {
  const us = fc.oneof(
    fc.nat({ max: 70 }),
    fc.integer({ min: 0, max: 36 }).map((exponent) => 2 ** exponent),
    fc.integer({ min: 1, max: 36 }).map((exponent) => 2 ** exponent - 1),
    fc.nat({ max: 2 ** 36 }),
  );
  fc.assert(
    fc.property(us, us, (a, b) => {
      const low = Math.min(a, b);
      const high = Math.max(a, b);
      const histogram = new Histogram();
      histogram.record(low / 1000);
      histogram.record(high / 1000);
      const median = histogram.percentile(0.5) * 1000;
      expect(median).toBeGreaterThanOrEqual(low - 1e-6 * low);
      expect(median).toBeLessThanOrEqual(Math.max(low * (1 + 1 / 32) + 1e-6 * low, low));
      expect(histogram.percentile(1) * 1000).toBeCloseTo(high, 3);
    }),
  );
});

it("takes what is longer, negative or nothing", () => {
  const histogram = new Histogram();
  expect(histogram.percentile(0.5)).toBe(0);
  histogram.record(-1);
  expect(histogram.percentile(1)).toBe(0);
  histogram.record(1e12);
  expect(histogram.maxMs).toBe(1e12);
  expect(histogram.percentile(1)).toBeGreaterThan(60_000_000);
});

it("counts what is within bounds, which are at most 1/32 lower than they say", () => {
  const value = fc.integer({ min: 0, max: 20_000_000 });
  const bounds = [0.005, 1, 5, 75, 2500, 10_000];
  fc.assert(
    fc.property(fc.array(value), (all) => {
      const histogram = new Histogram();
      for (const us of all) histogram.record(us / 1000);
      const within = histogram.within(bounds);
      for (const [i, bound] of bounds.entries()) {
        const count = (edge: number): number => all.filter((us) => us <= edge * 1000).length;
        expect(within[i]).toBeLessThanOrEqual(count(bound));
        expect(within[i]).toBeGreaterThanOrEqual(count((bound * 31) / 32 - 0.002));
      }
      expect(histogram.sumMs).toBeCloseTo(
        all.reduce((sum, us) => sum + us / 1000, 0),
        3,
      );
    }),
  );
});
