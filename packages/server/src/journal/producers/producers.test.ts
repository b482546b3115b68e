// Which producers the journal remembers, and for how long.
import { describe, expect, it } from "vitest";
import { Producers } from "./producers.ts";

const WEEK_MS = 7 * 24 * 3600 * 1000;

describe("producers", () => {
  it("that sent nothing are forgotten when they leave", () => {
    const producers = new Producers(new Map(), 0);
    producers.present("a", true, 0);
    expect([producers.size, producers.safeSeq("a")]).toEqual([1, 0]);
    producers.present("a", false, 1);
    expect([producers.size, producers.safeSeq("a")]).toEqual([0, undefined]);
  });

  it("that stay away are forgotten after a week, with their values, but for what waits for the disk", () => {
    const producers = new Producers(new Map([["producer\nold", "5 0"]]), 0);
    for (const key of ["here", "gone", "waiting"]) {
      producers.present(key, true, 1000);
      producers.take(key, 1);
      if (key !== "waiting") producers.safe(key, 1);
      if (key !== "here") producers.present(key, false, 1000);
    }
    expect(producers.sweep(WEEK_MS)).toEqual([]);
    expect(producers.sweep(WEEK_MS + 1)).toEqual(["producer\nold"]);
    expect(producers.sweep(WEEK_MS + 1001)).toEqual(["producer\ngone"]);
    producers.safe("waiting", 1);
    expect(producers.sweep(WEEK_MS + 1001)).toEqual(["producer\nwaiting"]);
    expect([producers.size, producers.safeSeq("here")]).toEqual([1, 1]);
  });

  it("hear once nothing of them is on its way, the one that asked last", () => {
    const producers = new Producers(new Map(), 0);
    const heard: (string | number | undefined)[] = [];
    producers.whenSettled("a", (seq) => heard.push("nobody", seq));
    producers.take("a", 1);
    producers.take("a", 2);
    producers.whenSettled("a", (seq) => heard.push("first", seq));
    producers.whenSettled("a", (seq) => heard.push("second", seq));
    producers.safe("a", 1);
    expect(heard).toEqual(["nobody", undefined]);
    producers.safe("a", 2);
    producers.safe("a", 2);
    producers.whenSettled("a", (seq) => heard.push("third", seq));
    expect(heard).toEqual(["nobody", undefined, "second", 2, "third", 2]);
  });
});
