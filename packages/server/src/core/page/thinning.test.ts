// The share of exchanges that are kept follows what people can read; requests and answers are kept together.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Thinning } from "./thinning.ts";

let lastId = 0;
/** As producers make them: most of an id is the producer's, and the rest counts. */
function nextId(): string {
  lastId += 1;
  return `5f3c91d2aa07${lastId.toString(16).padStart(12, "0")}`;
}

/** Lets so many exchanges a second pass for so long; gives those kept in the last second. */
function run(thinning: Thinning, perSecond: number, seconds: number, bytes: number): number {
  let kept = 0;
  for (let second = 0; second < seconds; second += 1) {
    kept = 0;
    for (let i = 0; i < perSecond; i += 1) {
      if (!thinning.admits(nextId())) continue;
      kept += 1;
      thinning.spent(1, bytes);
    }
    thinning.beat();
  }
  return kept;
}

describe("thinning", () => {
  it("keeps all as long as somebody could read it", () => {
    expect(run(new Thinning(), 300, 5, 1000)).toBe(300);
  });

  it.each([
    ["exchanges", 20_000, 1000, 100, 400],
    ["bytes", 300, 1024 * 1024, 1, 16],
  ])("keeps some when there are too many %s", (_, perSecond, bytes, least, most) => {
    const kept = run(new Thinning(), perSecond, 5, bytes);
    expect(kept).toBeGreaterThanOrEqual(least);
    expect(kept).toBeLessThanOrEqual(most);
  });

  it("keeps all again when it has become quiet", () => {
    const thinning = new Thinning();
    run(thinning, 20_000, 3, 1000);
    expect(thinning.oneOf).toBeGreaterThan(16);
    expect(run(thinning, 50, 12, 1000)).toBe(50);
    expect(thinning.oneOf).toBe(1);
  });

  it("knows every answer whose request it kept, whatever happens in the next seconds", () => {
    const ids = fc.array(fc.string({ minLength: 1, maxLength: 24 }), { maxLength: 200 });
    fc.assert(
      fc.property(ids, fc.array(fc.nat(30_000), { maxLength: 3 }), (asked, load) => {
        const thinning = new Thinning();
        const kept = asked.filter((id) => thinning.admits(id));
        for (const exchanges of load) {
          for (let i = 0; i < exchanges / 100; i += 1) thinning.spent(100, 0);
          thinning.beat();
        }
        return kept.every((id) => thinning.mayKnow(id));
      }),
    );
  });
});
