import { describe, expect, it } from "vitest";
import { BreakerCore, breakerFrom } from "./breaker.ts";

const limits = { loopDelayMs: 100, heapShare: 0.85 };
const good = { loopDelayMs: 5, heapShare: 0.3 };
const slow = { loopDelayMs: 250.4, heapShare: 0.3 };
const full = { loopDelayMs: 5, heapShare: 0.9 };

describe("the breaker", () => {
  it("stays closed for one bad second, whatever surrounds it", () => {
    const core = new BreakerCore(limits);
    for (const sample of [good, slow, good, full, good, slow, good])
      expect(core.observe(sample)).toBeUndefined();
    expect(core.open).toBe(false);
  });

  it("opens after two, of either kind, and says why once", () => {
    const core = new BreakerCore(limits);
    expect([full, slow, slow, full].map((sample) => core.observe(sample))).toEqual([
      undefined,
      "the event loop is late by 250 ms",
      undefined,
      undefined,
    ]);
    const other = new BreakerCore(limits);
    expect([full, full].map((sample) => other.observe(sample))).toEqual([
      undefined,
      "90 % of the heap are in use",
    ]);
  });

  it("closes after five seconds well below the limits, counted anew after every other", () => {
    const core = new BreakerCore(limits);
    core.observe(slow);
    core.observe(slow);
    // Below the limit, but not well below.
    const nearly = { loopDelayMs: 90, heapShare: 0.3 };
    for (const sample of [good, good, good, good, nearly, good, good, good, good])
      expect(core.observe(sample)).toBeUndefined();
    expect(core.open).toBe(true);
    expect(core.observe(good)).toBe("");
    expect(core.open).toBe(false);
  });
});

describe("its options", () => {
  const faults: string[] = [];
  const check = (ok: boolean, name: string, rule: string, value: unknown): void => {
    if (!ok) faults.push(`${name}: ${rule}; ${String(value)}`);
  };

  it("have defaults, can be set, and switched off by code or environment", () => {
    expect(breakerFrom(undefined, {}, check)).toEqual(limits);
    expect(breakerFrom({ loopDelayMs: 50 }, { MIRRORBALL_BREAKER: "off" }, check)).toEqual({
      loopDelayMs: 50,
      heapShare: 0.85,
    });
    expect(breakerFrom(false, {}, check)).toBeUndefined();
    expect(breakerFrom(undefined, { MIRRORBALL_BREAKER: "off" }, check)).toBeUndefined();
    expect(faults).toEqual([]);
  });

  it.each<[unknown, string]>([
    [true, "breaker: false or { loopDelayMs, heapShare }; true"],
    [{ heapShare: 1.5 }, "breaker.heapShare: a share above 0, at most 1; 1.5"],
    [{ loopDelayMs: "1" }, "breaker.loopDelayMs: a number of milliseconds above 0; 1"],
    [{ other: 1 }, "breaker.other: loopDelayMs or heapShare; other"],
  ])("are checked: %j", (value, fault) => {
    faults.length = 0;
    breakerFrom(value, {}, check);
    expect(faults).toEqual([fault]);
  });
});
