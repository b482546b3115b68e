// Ten minutes by the second, a day by the minute, and never more than that.
import { describe, expect, it } from "vitest";
import { History } from "./history.ts";

const columns = [
  { name: "rate", merge: "mean" },
  { name: "worst", merge: "max" },
] as const;

describe("history", () => {
  it("keeps 600 seconds and 1,440 minutes of a run that lasts two days", () => {
    const history = new History(columns);
    const start = 1_700_000_040; // a whole minute
    const length = 2 * 86_400;
    for (let i = 0; i < length; i += 1) history.add(start + i, [i % 60, i]);
    const seconds = history.seconds();
    expect([seconds.length, seconds[0]?.at, seconds.at(-1)?.at]).toEqual([
      600,
      start + length - 600,
      start + length - 1,
    ]);
    const minutes = history.minutes();
    expect(minutes).toHaveLength(1440);
    // The last one is not over; of the others, the mean of 0 to 59, and the greatest.
    expect(minutes.at(-1)).toEqual({ at: start + length - 60, values: [29.5, length - 61] });
  });

  it("does not make up what nobody saw: a second without a value, a minute without a second", () => {
    const history = new History(columns);
    history.add(60, [Number.NaN, 5]);
    history.add(61, [4, Number.NaN]);
    history.add(600, [1, 1]);
    history.add(660, [Number.NaN, Number.NaN]);
    history.add(720, [1, 1]);
    expect(history.minutes()).toEqual([
      { at: 120, values: [4, 5] },
      { at: 660, values: [1, 1] },
      { at: 720, values: [Number.NaN, Number.NaN] },
    ]);
    expect(history.seconds()).toHaveLength(5);
  });
});
