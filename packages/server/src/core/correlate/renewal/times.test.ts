import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { movedTime } from "./times.ts";

const AT = Date.parse("2026-11-29T08:00:00Z");
const HOUR = 3_600_000;

it.each([
  ["2026-11-29T08:00:00Z", "2026-11-29T09:00:00Z"],
  ["2026-11-29T08:00:00.125Z", "2026-11-29T09:00:00.125Z"],
  ["2026-11-29T08:00:00.123456Z", "2026-11-29T09:00:00.123000Z"],
  ["2026-11-29T23:30+02:00", "2026-11-30T00:30+02:00"],
  ["2026-11-29 08:00:00", "2026-11-29 09:00:00"],
  ["2026-11-29T08:00:00,5-0530", "2026-11-29T09:00:00,5-0530"],
  ["Sun, 29 Nov 2026 08:00:00 GMT", "Sun, 29 Nov 2026 09:00:00 GMT"],
  [String(AT), String(AT + HOUR)],
  [String(AT / 1000), String(AT / 1000 + 3600)],
  [`${AT / 1000}.25`, `${AT / 1000 + 3600}.25`],
  // Less than half a day moves no date.
  ["2026-11-29", "2026-11-29"],
])("%s an hour later is %s", (text, moved) => expect(movedTime(text, HOUR, AT)).toBe(moved));

it("a date moves by whole days", () =>
  expect(movedTime("2026-11-29", 40 * HOUR, AT)).toBe("2026-12-01"));

describe("what is no time", () => {
  it.each(["", "17", "ord_17", "1100000000", "4000000000000", "2026-13-45T99:00:00Z", "tomorrow"])(
    "%j stays",
    (text) => expect(movedTime(text, HOUR, AT)).toBeUndefined(),
  );

  it("never throws, whatever it is", () => {
    fc.assert(
      fc.property(fc.string(), fc.double(), (text, shift) => {
        expect(() => movedTime(text, Number.isFinite(shift) ? shift % 1e12 : 0, AT)).not.toThrow();
      }),
    );
  });
});
