import { describe, expect, it } from "vitest";
import { BreakerCore, breakerFrom } from "./breaker.ts";
import type { BreakerSample } from "./breaker.ts";

const limits = { loopDelayMs: 100, heapShare: 0.85, startupMs: 0 };
const good = { loopDelayMs: 5, heapShare: 0.3, requests: 10 };
const slow = { loopDelayMs: 250.4, heapShare: 0.3, requests: 10 };
const full = { loopDelayMs: 5, heapShare: 0.9, requests: 10 };
const nearly = { loopDelayMs: 90, heapShare: 0.3, requests: 10 };

/** Seconds of one kind after another; which of them changed it, and how. */
function changes(
  core: BreakerCore,
  ...spans: readonly [BreakerSample, seconds: number][]
): [number, string][] {
  const found: [number, string][] = [];
  let second = 0;
  for (const [sample, seconds] of spans) {
    for (let i = 0; i < seconds; i += 1) {
      second += 1;
      const change = core.observe(sample);
      if (change !== undefined) found.push([second, change]);
    }
  }
  return found;
}
const SLOW = "the event loop is late by 250 ms, for 5 seconds";
const FULL = "90 % of the heap are in use, for 5 seconds";

describe("the breaker", () => {
  it("opens after five bad seconds in a row, of either kind, says why once, and closes after two good ones", () => {
    const core = new BreakerCore(limits);
    expect(changes(core, [good, 3], [slow, 20], [good, 20])).toEqual([
      [8, SLOW],
      [25, ""],
    ]);
    expect(changes(new BreakerCore(limits), [slow, 4], [full, 1])).toEqual([[5, FULL]]);
  });

  it("stays closed for four, however often they come", () => {
    const core = new BreakerCore(limits);
    for (let i = 0; i < 50; i += 1)
      expect(changes(core, [slow, 2], [full, 2], [good, 1])).toEqual([]);
  });

  it("does not judge the start, however bad, and counts anew behind it", () => {
    const core = new BreakerCore({ ...limits, startupMs: 30_000 });
    expect(changes(core, [slow, 34])).toEqual([]);
    expect(core.open).toBe(false);
    expect(changes(core, [slow, 1])).toEqual([[1, SLOW]]);
  });

  it("does not judge seconds without a request: they neither open it nor speak for health", () => {
    const idle = { ...slow, requests: 0 };
    const core = new BreakerCore(limits);
    expect(changes(core, [idle, 1000], [slow, 4], [idle, 1000])).toEqual([]);
    expect(changes(core, [slow, 1])).toEqual([[1, SLOW]]);
    // Open, it waits for nobody to close.
    expect(changes(core, [{ ...good, requests: 0 }, 2])).toEqual([[2, ""]]);
  });

  it("closes only well below the limits", () => {
    const core = new BreakerCore(limits);
    expect(changes(core, [slow, 5], [nearly, 100], [good, 1], [nearly, 1], [good, 2])).toEqual([
      [5, SLOW],
      [109, ""],
    ]);
  });

  it("waits longer where it opens again and again, up to half a minute, and forgets that after a good minute", () => {
    const core = new BreakerCore(limits);
    const opens: number[] = [];
    for (let i = 0; i < 7; i += 1) {
      changes(core, [slow, 5]);
      const [[second] = [0]] = changes(core, [good, 40]);
      opens.push(second);
    }
    expect(opens).toEqual([2, 4, 8, 16, 30, 30, 30]);
    changes(core, [good, 60], [slow, 5]);
    expect(changes(core, [good, 40])).toEqual([[2, ""]]);
  });
});

describe("its options", () => {
  const faults: string[] = [];
  const check = (ok: boolean, name: string, rule: string, value: unknown): void => {
    if (!ok) faults.push(`${name}: ${rule}; ${String(value)}`);
  };

  it("have defaults, can be set, and switched off by code or environment", () => {
    expect(breakerFrom(undefined, {}, check)).toEqual({ ...limits, startupMs: 30_000 });
    expect(breakerFrom({ loopDelayMs: 50 }, { MIRRORBALL_BREAKER: "off" }, check)).toEqual({
      loopDelayMs: 50,
      heapShare: 0.85,
      startupMs: 30_000,
    });
    expect(breakerFrom(false, {}, check)).toBeUndefined();
    expect(breakerFrom(undefined, { MIRRORBALL_BREAKER: "off" }, check)).toBeUndefined();
    expect(faults).toEqual([]);
  });

  it.each<[unknown, string]>([
    [true, "breaker: false or { loopDelayMs, heapShare, startupMs }; true"],
    [{ heapShare: 1.5 }, "breaker.heapShare: a share above 0, at most 1; 1.5"],
    [{ loopDelayMs: "1" }, "breaker.loopDelayMs: a number of milliseconds above 0; 1"],
    [{ startupMs: -1 }, "breaker.startupMs: a number of milliseconds, 0 or more; -1"],
    [{ other: 1 }, "breaker.other: loopDelayMs, heapShare, startupMs; other"],
  ])("are checked: %j", (value, fault) => {
    faults.length = 0;
    breakerFrom(value, {}, check);
    expect(faults).toEqual([fault]);
  });
});
