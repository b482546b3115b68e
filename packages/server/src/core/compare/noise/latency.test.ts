import { describe, expect, it } from "vitest";
import { EndpointRecord } from "../endpoint-record.ts";
import { latencyOf } from "./latency.ts";

const RECORDED_MS = 1;

function endpoint(route: string, replayed: readonly { at: number; ms: number }[]): EndpointRecord {
  const record = new EndpointRecord("GET", route);
  for (const { at, ms } of replayed) {
    record.originalMs.add(RECORDED_MS);
    record.replayedMs.add(ms);
    record.timed(at, ms - RECORDED_MS);
  }
  return record;
}

/** Exchanges from one moment on, 10 ms apart. */
const from = (start: number, count: number, ms: number): { at: number; ms: number }[] =>
  Array.from({ length: count }, (_, i) => ({ at: start + i * 10, ms }));

const slowOf = (...endpoints: EndpointRecord[]): string[] =>
  latencyOf(endpoints).slower.map(({ endpoint: { route } }) => route);

describe("an endpoint is slower", () => {
  it("when it takes longer than the others at the same moments", () => {
    const others = ["/a", "/c", "/d"].map((route, i) => endpoint(route, from(i, 100, 3)));
    expect(slowOf(...others, endpoint("/b", from(5, 100, 60)))).toEqual(["/b"]);
  });

  it("not when all are: that is the moment's doing", () => {
    expect(slowOf(endpoint("/a", from(0, 100, 60)), endpoint("/b", from(5, 100, 61)))).toEqual([]);
  });

  it("not when it is what a cold target was asked first", () => {
    expect(slowOf(endpoint("/login", from(0, 16, 60)), endpoint("/b", from(5, 200, 3)))).toEqual(
      [],
    );
  });

  it("not by a few times alone", () => {
    expect(slowOf(endpoint("/a", from(0, 100, 3)), endpoint("/b", from(500, 5, 60)))).toEqual([]);
  });
});
