// Which producers the journal remembers, who speaks for each, and for how long.
import { describe, expect, it } from "vitest";
import type { Speaker } from "../../core/intake/presence.ts";
import { Producers } from "./producers.ts";

const WEEK_MS = 7 * 24 * 3600 * 1000;
const line = (): Speaker => ({ supersede: () => {} });
const nobody = (): void => {};

describe("producers", () => {
  it("that sent nothing are forgotten when they leave", () => {
    const producers = new Producers(new Map(), 0, 0);
    const speaker = line();
    producers.join("a", speaker, nobody, 0);
    expect([producers.size, producers.safeSeq("a")]).toEqual([1, 0]);
    producers.leave("a", speaker, undefined, 1);
    expect([producers.size, producers.safeSeq("a")]).toEqual([0, undefined]);
  });

  it("that sent nothing and say that they have something are remembered until they have stayed away", () => {
    const producers = new Producers(new Map(), 0, 0);
    const told: number[] = [];
    const speaker = line();
    producers.join("a", speaker, (count) => told.push(count), 0);
    producers.leave("a", speaker, 3, 1);
    producers.giveUpAbsent(60_001);
    expect([producers.size, told]).toEqual([1, []]);
    producers.giveUpAbsent(60_002);
    expect([producers.size, told]).toEqual([0, [3]]);
  });

  it("that stay away are forgotten after a week, with their values, but for what waits for the disk", () => {
    const producers = new Producers(new Map([["producer\nold", "5 0"]]), 0, 0);
    for (const key of ["here", "gone", "waiting"]) {
      const speaker = line();
      producers.join(key, speaker, nobody, 1000);
      producers.take(key, speaker, 1);
      if (key !== "waiting") producers.safe(key, 1);
      if (key !== "here") producers.leave(key, speaker, undefined, 1000);
    }
    expect(producers.sweep(WEEK_MS)).toEqual([]);
    expect(producers.sweep(WEEK_MS + 1)).toEqual(["producer\nold"]);
    expect(producers.sweep(WEEK_MS + 1001)).toEqual(["producer\ngone"]);
    producers.safe("waiting", 1);
    expect(producers.sweep(WEEK_MS + 1001)).toEqual(["producer\nwaiting"]);
    expect([producers.size, producers.safeSeq("here")]).toEqual([1, 1]);
  });

  it("hear once nothing of them is on its way, the one that asked last", () => {
    const producers = new Producers(new Map(), 0, 0);
    const heard: (string | number | undefined)[] = [];
    const speaker = line();
    producers.whenSettled("a", (seq) => heard.push("nobody", seq));
    producers.join("a", speaker, nobody, 0);
    producers.take("a", speaker, 1);
    producers.take("a", speaker, 2);
    producers.whenSettled("a", (seq) => heard.push("first", seq));
    producers.whenSettled("a", (seq) => heard.push("second", seq));
    producers.safe("a", 1);
    expect(heard).toEqual(["nobody", undefined]);
    producers.safe("a", 2);
    producers.safe("a", 2);
    producers.whenSettled("a", (seq) => heard.push("third", seq));
    expect(heard).toEqual(["nobody", undefined, "second", 2, "third", 2]);
  });

  it("are gone a minute after their last connection, and once for each minute", () => {
    const producers = new Producers(new Map([["producer\na", "5 0"]]), 0, 0);
    expect([60_000, 60_001, 60_002, 120_001, 120_002].map((ms) => producers.isGone("a", ms))).toEqual([
      false, true, false, false, true,
    ]); // prettier-ignore
    producers.join("a", line(), nobody, 130_000);
    expect(producers.isGone("a", 1_000_000)).toBe(false);
  });

  it("a frame is new once, and nothing of a connection that is superseded is", () => {
    const producers = new Producers(new Map(), 0, 0);
    const [older, newer] = [line(), line()];
    producers.join("a", older, nobody, 0);
    expect([producers.take("a", older, 1), producers.take("a", older, 1)]).toEqual([
      "new",
      "duplicate",
    ]);
    producers.join("a", newer, nobody, 0);
    expect(producers.take("a", older, 2)).toBe("superseded");
    expect(producers.leave("a", older, 5, 0)).toBe(false);
    expect([producers.take("a", newer, 2), producers.duplicateFrames]).toEqual(["new", 1]);
  });
});
