// How a connection is ended by this server, step by step.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CreditUse } from "./credit-use.ts";
import { Ending } from "./ending.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("the last call is over when the producer has handed over, or after a second", async () => {
  for (const answers of [true, false]) {
    const ending = new Ending();
    let isOver = false;
    const over = ending.lastCall().then(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(999);
    expect([isOver, ending.isDraining]).toEqual([false, false]);
    if (answers) ending.handOver();
    else vi.advanceTimersByTime(1);
    await over;
    ending.drain();
    expect(ending.isDraining).toBe(true);
  }
});

it("who is aborted waits for no last call", async () => {
  const ending = new Ending();
  const called = ending.lastCall();
  ending.abort();
  await called;
  expect(ending.isAborted).toBe(true);
});

it("credit is idle when what was asked for has not come and nothing came for 15 seconds", () => {
  const use = new CreditUse();
  use.granted(100, false, 0);
  expect(use.isIdle(0, 15_001)).toBe(false);
  use.granted(50, true, 1000);
  expect([use.isIdle(149, 16_000), use.isIdle(149, 16_001), use.isIdle(150, 16_001)]).toEqual([false, true, false]); // prettier-ignore
  use.used(10_000);
  expect(use.isIdle(149, 16_001)).toBe(false);
});
