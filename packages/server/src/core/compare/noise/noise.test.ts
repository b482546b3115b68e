// What is noise and what is not: clocks are held to the time, noisy numbers to their magnitude.
import { describe, expect, it } from "vitest";
import { difference } from "../differences/difference.ts";
import { isOtherMagnitude, noiseReason, unexplainedByClock } from "./noise.ts";
import type { ExchangeRef, Occurrence } from "../differences/place.ts";

const exchange: ExchangeRef = {
  index: 0,
  id: "1",
  endpoint: "GET /",
  session: 1,
  isWrite: false,
  hasForeignCredentials: false,
  originalAtMs: 0,
  originalEndMs: 0,
  replayedAtMs: 0,
  replayedEndMs: 0,
  touched: [],
  given: [],
};
const pairs = (list: readonly (readonly [string, string])[]): Occurrence[] =>
  list.map(([a, b]) => ({ exchange, a, b, control: undefined }));

describe("two looks at a place", () => {
  const clock = (a: string, b: string): ReturnType<typeof difference>[] => [
    difference("body", "$.at", "value", a, b),
  ];

  it("differ by a clock that went on: no noise", () => {
    const seen = clock("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:40.000Z");
    expect(unexplainedByClock(seen, 40_000)).toEqual([]);
    expect(unexplainedByClock(seen, 0)).toEqual(seen);
  });

  it("differ by a clock of seconds, or none to speak of", () => {
    expect(unexplainedByClock(clock("1767225600", "1767225601"), 30_000)).toEqual([]);
  });

  it("differ by a time of chance, by words, by presence: noise", () => {
    const seen = [
      ...clock("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"),
      ...clock("red", "blue"),
      difference("body", "$.at", "missing", "2026-01-01T00:00:00Z", ""),
    ];
    expect(unexplainedByClock(seen, 10)).toEqual(seen);
  });
});

describe("the magnitude of a noisy place", () => {
  const apart = (list: readonly Occurrence[], ratioMax = 1): boolean =>
    isOtherMagnitude(list, ratioMax);

  it("is another when numbers move further than noise ever did, also beside others that do not", () => {
    const list = pairs([
      ["1.1", "11.2"],
      ["0.95", "0.96"],
      ["1.2", "11.1"],
      ["0.96", "0.95"],
      ["1.15", "11.3"],
    ]);
    expect(apart(list, 1.01)).toBe(true);
    expect(apart(list, 20)).toBe(false);
    expect(apart(list, 1.6)).toBe(false);
  });

  it("is another when the sides lie apart", () => {
    expect(
      apart(
        pairs([
          ["1.1", "11.2"],
          ["1.2", "11.1"],
          ["1.15", "11.3"],
        ]),
      ),
    ).toBe(true);
    expect(
      apart(
        pairs([
          ["110", "1"],
          ["120", "2"],
          ["115", "3"],
        ]),
      ),
    ).toBe(true);
    expect(
      apart(
        pairs([
          ["ab", "abcdefgh"],
          ["cd", "abcdefgx"],
          ["ef", "12345678"],
        ]),
      ),
    ).toBe(true);
  });

  it("is the same when they meet, or too few are known", () => {
    expect(
      apart(
        pairs([
          ["1.1", "11.2"],
          ["1.2", "1.1"],
          ["1.15", "11.3"],
        ]),
      ),
    ).toBe(false);
    expect(
      apart(
        pairs([
          ["1", "900"],
          ["2", "900"],
        ]),
      ),
    ).toBe(false);
    expect(
      apart(
        pairs([
          ["10", "15"],
          ["11", "16"],
          ["12", "17"],
        ]),
      ),
    ).toBe(false);
    expect(
      apart(
        pairs([
          ["0", "5"],
          ["0", "6"],
          ["3", "0"],
        ]),
      ),
    ).toBe(false);
  });
});

describe("a place that varies by itself", () => {
  it("is noise while the sides differ no more often", () => {
    const looks = [{ why: "probe", of: 20, differed: 10, mayBeState: false }];
    expect(noiseReason(12, 20, looks)).toBe("probe");
    expect(noiseReason(200, 200, [{ why: "probe", of: 200, differed: 1, mayBeState: false }])).toBe(
      undefined,
    );
  });
});
