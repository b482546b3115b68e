// The number of connections, found against simulated targets.
import { describe, expect, it } from "vitest";
import { SCALE_TICK_MS, Scaler, WORKERS_MAX_DEFAULT } from "./scaler.ts";

/** Runs the scaler against a target; `perTick(limit)` is what it completes with so many connections. Returns the limits. */
function simulate(
  scaler: Scaler,
  ticks: number,
  perTick: (limit: number) => number,
  loopUse = 0.3,
): number[] {
  const limits: number[] = [];
  for (let i = 0; i < ticks; i += 1) {
    scaler.tick(perTick(scaler.limit), true, loopUse);
    limits.push(scaler.limit);
  }
  return limits;
}

describe("Scaler", () => {
  it("goes to the maximum for a target that is slow to answer", () => {
    // One second an answer: every connection completes a tenth of one in a tick.
    const limits = simulate(new Scaler(0), 60, (limit) => limit * (SCALE_TICK_MS / 1000));
    expect(limits.at(-1)).toBe(WORKERS_MAX_DEFAULT);
  });

  it("stays small for a target that more connections do not make faster", () => {
    const limits = simulate(new Scaler(0), 400, () => 2000);
    expect(Math.max(...limits)).toBeLessThanOrEqual(32);
    expect(limits.at(-1)).toBeLessThanOrEqual(16);
  });

  it("does not grow when this process is what is busy", () => {
    const scaler = new Scaler(0);
    const start = scaler.limit;
    expect(Math.max(...simulate(scaler, 100, (limit) => limit * 10, 0.95))).toBeLessThanOrEqual(
      start,
    );
  });

  it("tries nothing without a backlog", () => {
    const scaler = new Scaler(0);
    const start = scaler.limit;
    for (let i = 0; i < 100; i += 1) scaler.tick(1000, false, 0.1);
    expect(scaler.limit).toBe(start);
  });

  it("is what it was told to be", () => {
    const limits = simulate(new Scaler(3), 50, (limit) => limit);
    expect(new Set(limits)).toEqual(new Set([3]));
  });
});
