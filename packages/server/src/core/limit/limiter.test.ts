// gor's hash values, its window, and shares that are even, independent and the same for both halves of an exchange.
import { MessageKind, fnv1a32 } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { get, responseTo } from "../../../test/kit.ts";
import { createLimiter } from "./limiter.ts";

describe("fnv1a32", () => {
  it.each([
    ["", 61], ["1", 44], ["2", 1], ["3", 82], ["a", 20], ["b", 77], ["42", 11], ["169", 33], ["user_1", 14], ["abc", 31], ["customer3", 78], ["hello", 23],
  ])("of %j modulo 100 is gor's", (text, rest) => expect(fnv1a32(text) % 100).toBe(rest)); // prettier-ignore
});

describe("an absolute limit", () => {
  it("opens a window at the first request more than a second after the last one opened", () => {
    const limiter = createLimiter({ kind: "absolute", perSecond: 2 }, "");
    const at = [0, 10, 20, 999, 1000, 1001, 1002, 1003, 2001];
    const verdicts = at.map((ms) => limiter.admits(get("/"), ms));
    expect(verdicts).toEqual([true, true, false, false, false, true, true, false, false]);
  });

  it("gives a response its request's fate, and does not count it", () => {
    const limiter = createLimiter({ kind: "absolute", perSecond: 1 }, "");
    const [first, second] = [get("/1"), get("/2")];
    expect(limiter.admits(first, 0)).toBe(true);
    expect(limiter.admits(second, 1)).toBe(false);
    expect(limiter.admits(responseTo(first, "HTTP/1.1 200 OK\r\n\r\n"), 2)).toBe(true);
    expect(limiter.admits(responseTo(second, "HTTP/1.1 200 OK\r\n\r\n"), 3)).toBe(false);
  });
});

describe("a percentage", () => {
  const requests = Array.from({ length: 10_000 }, () => get("/"));

  it.each([0, 0.5, 12.5, 50, 99, 100])("of %d lets that share pass", (percent) => {
    const limiter = createLimiter({ kind: "percent", percent }, "salt");
    const passed = requests.filter((request) => limiter.admits(request, 0)).length;
    expect(Math.abs(passed / 100 - percent)).toBeLessThan(2);
    if (percent === 0 || percent === 100) expect(passed).toBe(percent * 100);
  });

  it("is another share with another salt, and the same for all messages of an id", () => {
    const one = createLimiter({ kind: "percent", percent: 50 }, "a");
    const other = createLimiter({ kind: "percent", percent: 50 }, "b");
    const both = requests.filter((r) => one.admits(r, 0) && other.admits(r, 0));
    expect(Math.abs(both.length / 100 - 25)).toBeLessThan(3);
    for (const request of requests.slice(0, 100)) {
      const reply = { ...request, kind: MessageKind.replayed };
      expect(one.admits(reply, 0)).toBe(one.admits(request, 0));
    }
  });
});
