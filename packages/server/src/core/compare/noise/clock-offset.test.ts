// The clock of a copy: what most places agree on, and what one of them cannot move.
import { describe, expect, it } from "vitest";
import { clockOffsetMs } from "./clock-offset.ts";
import { Rung } from "../differences/place.ts";

const AT = Date.parse("2026-01-01T12:00:00Z");
const SHIFT = 60_000;

function place(offsetMs: number, aheadMs = 0): Rung {
  const rung = new Rung("body", "$.at", "", "value");
  for (let index = 0; index < 5; index += 1) {
    const originalAtMs = AT + index * 1000;
    const text = (ms: number): string => new Date(ms).toISOString();
    rung.add({
      exchange: {
        index,
        id: String(index),
        endpoint: "GET /",
        session: 1,
        isWrite: false,
        hasForeignCredentials: false,
        originalAtMs,
        originalEndMs: originalAtMs,
        replayedAtMs: originalAtMs + SHIFT,
        replayedEndMs: originalAtMs + SHIFT,
        touched: [],
        given: [],
      },
      a: text(originalAtMs + aheadMs),
      b: text(originalAtMs + SHIFT + aheadMs + offsetMs),
      control: undefined,
    });
  }
  return rung;
}

const HOUR = 3_600_000;

describe("the clock of a copy", () => {
  it("is what most places agree on, also those that say when something ends", () => {
    expect(clockOffsetMs([place(90_000), place(90_400), place(91_000, HOUR)])).toBe(90_400);
    expect(clockOffsetMs([place(-90_000), place(-90_000), place(-90_000)])).toBe(-90_000);
  });

  it("is not moved by one place", () => {
    expect(clockOffsetMs([place(2 * HOUR), place(0), place(100), place(0)])).toBe(0);
    expect(clockOffsetMs([place(90_000), place(90_000), place(90_000), place(2 * HOUR)])).toBe(
      90_000,
    );
  });

  it("is not said of few places, or where they do not agree", () => {
    expect(clockOffsetMs([])).toBe(0);
    expect(clockOffsetMs([place(90_000), place(90_000)])).toBe(0);
    expect(clockOffsetMs([place(90_000), place(0), place(HOUR), place(2 * HOUR)])).toBe(0);
  });

  it("is not read from times of the past, which the state of a copy has", () => {
    const past = [place(90_000, -HOUR), place(90_000, -HOUR), place(90_000, -HOUR)];
    expect(clockOffsetMs(past)).toBe(0);
  });
});
