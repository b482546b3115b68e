// How many errors of our own within which time switch off, for how long, and that it comes back.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PAUSE_MS, Suspension } from "./suspension.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

function made(end: () => void = () => {}): { suspension: Suspension; told: string[] } {
  const told: string[] = [];
  const suspension = new Suspension({
    begin: () => told.push("begin"),
    end: () => {
      told.push("end");
      end();
    },
    fault: (error) => told.push(String(error)),
  });
  return { suspension, told };
}

/** So many errors, the first at this time, one after each step. */
function errors(suspension: Suspension, count: number, fromMs: number, stepMs: number): void {
  for (let i = 0; i < count; i += 1) suspension.count(fromMs + i * stepMs);
}

it("ten within a minute, to the millisecond, switch off for a minute", () => {
  const { suspension, told } = made();
  errors(suspension, 9, 0, 0);
  expect(told).toEqual([]);
  suspension.count(60_000);
  expect(told).toEqual(["begin"]);
  vi.advanceTimersByTime(PAUSE_MS - 1);
  expect(told).toEqual(["begin"]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(["begin", "end"]);
  expect(vi.getTimerCount()).toBe(0);
});

it("any number that comes slower switches nothing off", () => {
  const { suspension, told } = made();
  errors(suspension, 1000, 0, 6667);
  expect(told).toEqual([]);
});

it("a burst counts whatever was before it", () => {
  const { suspension, told } = made();
  errors(suspension, 9, 0, 10_000);
  errors(suspension, 10, 10_000_000, 1);
  expect(told).toEqual(["begin"]);
});

it("errors meanwhile neither prolong it nor count towards the next time", () => {
  const { suspension, told } = made();
  errors(suspension, 10, 0, 1);
  errors(suspension, 100, 59_000, 1);
  vi.advanceTimersByTime(PAUSE_MS);
  errors(suspension, 9, 61_000, 1);
  expect(told).toEqual(["begin", "end"]);
  suspension.count(61_009);
  expect(told).toEqual(["begin", "end", "begin"]);
});

it("what is thrown at its end is told, not thrown into the loop", () => {
  const { suspension, told } = made(() => {
    throw new Error("end");
  });
  errors(suspension, 10, 0, 1);
  vi.advanceTimersByTime(PAUSE_MS);
  expect(told).toEqual(["begin", "end", "Error: end"]);
});

it("stopped, it does not come back", () => {
  const { suspension, told } = made();
  errors(suspension, 10, 0, 1);
  suspension.stop();
  vi.advanceTimersByTime(PAUSE_MS);
  expect(told).toEqual(["begin"]);
});
