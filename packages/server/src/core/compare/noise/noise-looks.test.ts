import { describe, expect, it } from "vitest";
import { isControlNoise, noiseReason } from "./noise.ts";
import type { Look } from "./noise.ts";

const look = (differed: number, of: number, mayBeState = false): Look => ({
  why: mayBeState ? "repeats" : "probe",
  of,
  differed,
  mayBeState,
});

describe("what is left at a place is noise", () => {
  it.each<[string, number, number, Look[], string | undefined]>([
    ["when it varies as often by itself", 50, 100, [look(10, 20)], "probe"],
    ["not when nothing varied", 50, 100, [look(0, 20)], undefined],
    ["not when it differs far more often than it varies", 100, 100, [look(1, 100)], undefined],
    ["not without a look", 1, 100, [], undefined],
    ["when equal originals differ as often", 90, 100, [look(9, 10, true)], "repeats"],
    [
      "not when what varies with the state differs hardly ever",
      2,
      1000,
      [look(90, 100, true)],
      undefined,
    ],
    ["by whichever look says so", 50, 100, [look(0, 20), look(10, 20, true)], "repeats"],
  ])("%s", (_name, count, of, looks, why) => expect(noiseReason(count, of, looks)).toBe(why));
});

it.each([
  [{ onlyReplayed: 5, onlyControl: 0, both: 0 }, false],
  [{ onlyReplayed: 5, onlyControl: 5, both: 0 }, true],
  [{ onlyReplayed: 2, onlyControl: 0, both: 30 }, true],
  [{ onlyReplayed: 60, onlyControl: 1, both: 0 }, false],
])("with a control, %j is noise: %s", (counts, isNoise) =>
  expect(isControlNoise(counts)).toBe(isNoise),
);
