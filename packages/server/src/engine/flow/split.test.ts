// Outputs that share the traffic.
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { get, responseTo, run } from "../../../test/kit.ts";
import { recording } from "../../../test/targets.ts";
import { Splitter } from "./split.ts";

const idsOf = (messages: readonly Message[]): string[] => messages.map(({ id }) => id);

describe("--split-output", () => {
  it("shares requests among the outputs in turn, in the spelling of gor's documentation, too", async () => {
    const targets = [await recording(), await recording(), await recording()];
    const flags = targets.flatMap(({ address }) => ["--output-http", address]);
    const messages = Array.from({ length: 30 }, (_, i) => get(`/${i}`));
    const { counters, discrepancies } = await run(messages, ["--split-output", "true", ...flags]);
    expect(targets.map(({ seen }) => seen.length)).toEqual([10, 10, 10]);
    for (const [lane, { seen }] of targets.entries()) {
      const numbers = seen.map(({ req }) => Number(req.url?.slice(1)));
      expect(numbers.every((number) => number % 3 === lane)).toBe(true);
    }
    expect(counters.outputs.map(({ received }) => received)).toEqual([10, 10, 10]);
    expect(discrepancies).toEqual([0, 0, 0]);
  });

  it("lets responses follow their request, and results go to everybody", () => {
    const splitter = new Splitter([true, true]);
    const [a, b] = [get("/a"), get("/b")];
    const replayed = { ...responseTo(a, ""), kind: MessageKind.replayed };
    const parts = splitter.split([a, b, responseTo(b, ""), replayed, responseTo(a, "")]);
    expect(parts.map(idsOf)).toEqual([
      [a.id, a.id, a.id],
      [b.id, b.id, a.id],
    ]);
  });

  it("gives all responses to an output that takes no requests", () => {
    const splitter = new Splitter([true, false]);
    const [a, b] = [get("/a"), get("/b")];
    expect(splitter.split([a, b, responseTo(b, "")]).map((part) => part.length)).toEqual([3, 3]);
  });

  it("decides by the id alone where it must be the same after a restart", () => {
    const all = Array.from({ length: 200 }, () => get("/"));
    const shareOf = (messages: readonly Message[]): string[] =>
      idsOf(new Splitter([true, true], true).split(messages)[0] ?? []);
    const share = shareOf(all);
    expect(share.length).toBeGreaterThan(50);
    expect(share.length).toBeLessThan(150);
    expect(shareOf(all.slice(77))).toEqual(share.filter((id) => !idsOf(all.slice(0, 77)).includes(id)));
    const response = responseTo(all[0] ?? get("/"), "");
    expect(shareOf([response])).toEqual(share.includes(response.id) ? [response.id] : []);
  }); // prettier-ignore

  it("forgets requests that are long gone, and goes on", () => {
    const splitter = new Splitter([true, true], false, 2);
    const all = Array.from({ length: 9 }, () => get("/"));
    splitter.split(all);
    const [first, last] = [all[0], all[8]];
    if (first === undefined || last === undefined) throw new Error("no messages");
    expect(splitter.split([responseTo(last, "")]).map((part) => part.length)).toEqual([1, 0]);
    expect(splitter.split([responseTo(first, "")]).map((part) => part.length)).toEqual([0, 1]);
  });
});
