import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evidence, logEvidence, logGamma, quantileRanks, wilson } from "./statistics.ts";

describe("evidence", () => {
  it.each([
    [6, 18],
    [8, 57],
    [10, 186],
    [14, 2185],
    [19, 52_429],
  ])("of %i pairs in which only the new build differs is %i", (b, value) => {
    expect(Math.abs(evidence(b, 0) - value)).toBeLessThan(1);
  });

  it("finds six hundred among eight thousand six hundred, and is never infinite", () => {
    expect(logEvidence(4600, 4000) / Math.LN10).toBeGreaterThan(7);
    expect(evidence(1_000_000, 0)).toBe(Number.MAX_VALUE);
    expect(evidence(0, 0)).toBe(1);
  });

  it("says nothing where both differ as often, or the control does more", () => {
    expect(evidence(100, 100)).toBeLessThan(1);
    expect(evidence(0, 50)).toBeLessThan(0.1);
  });

  it("has a mean of one when the build does not matter: then looking at it any time is fair", () => {
    for (const n of [1, 5, 20, 60]) {
      let mean = 0;
      let weight = 2 ** -n;
      for (let b = 0; b <= n; b += 1) {
        mean += weight * evidence(b, n - b);
        weight *= (n - b) / (b + 1);
      }
      expect(mean).toBeCloseTo(1, 6);
    }
  });

  it("grows with what only the new build has", () => {
    fc.assert(
      fc.property(fc.nat({ max: 500 }), fc.nat({ max: 500 }), (b, c) => {
        expect(logEvidence(b + 1, c)).toBeGreaterThanOrEqual(logEvidence(b, c) - 1e-9);
      }),
    );
  });
});

describe("the interval of a share", () => {
  it("is Wilson's", () => {
    expect(wilson(0, 10)).toEqual([0, expect.closeTo(0.2775, 3)]);
    expect(wilson(5, 10)).toEqual([expect.closeTo(0.2366, 3), expect.closeTo(0.7634, 3)]);
    expect(wilson(0, 0)).toEqual([0, 1]);
  });

  it("holds the share, and narrows", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.nat({ max: 10_000 }), (of, some) => {
        const count = Math.min(some, of);
        const [low, high] = wilson(count, of);
        expect(low).toBeLessThanOrEqual(count / of + 1e-12);
        expect(high).toBeGreaterThanOrEqual(count / of - 1e-12);
        const [l2, h2] = wilson(count * 4, of * 4);
        expect(h2 - l2).toBeLessThan(high - low);
      }),
    );
  });
});

it("the logarithm of the gamma function is that of factorials", () => {
  let sum = 0;
  for (let n = 1; n <= 170; n += 1) {
    expect(logGamma(n)).toBeCloseTo(sum, 8);
    sum += Math.log(n);
  }
});

it("ranks of a quantile lie within the values, around it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (n, share) => {
        const [low, high] = quantileRanks(n, share);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThan(n);
        expect(low).toBeLessThanOrEqual(high);
      },
    ),
  );
});
