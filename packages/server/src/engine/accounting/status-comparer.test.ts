import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { StatusComparer } from "./status-comparer.ts";

const https = new Map(
  [200, 404, 500].map((status) => {
    const raw = `HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`;
    return [status, HttpMessage.fromRaw(Buffer.from(raw))] as const;
  }),
);

function answer(kind: MessageKind, id: string, status: number, target?: string): Message {
  const http = https.get(status) ?? HttpMessage.fromRaw(Buffer.from("?"));
  return { kind, id, startedAt: 0, latencyNs: 0, http, context: { target } };
}

const original = (id: string, status: number): Message => answer(MessageKind.response, id, status);
const replayed = (id: string, status: number, target?: string): Message =>
  answer(MessageKind.replayed, id, status, target);

describe("statuses", () => {
  it.each([
    ["the original first", [original("1", 200), replayed("1", 500)]],
    ["the replay first", [replayed("1", 500), original("1", 200)]],
  ])("are compared by id, %s", (_name, batch) => {
    const comparer = new StatusComparer();
    comparer.observe(batch);
    expect(comparer).toMatchObject({
      compared: 1,
      mismatched: 1,
      examples: [{ id: "1", original: 200, replayed: 500 }],
    });
  });

  it("of several targets are compared each, and the target is named", () => {
    const comparer = new StatusComparer(2);
    comparer.observe([replayed("1", 200, "a"), original("1", 200), replayed("1", 404, "b")]);
    expect(comparer).toMatchObject({ compared: 2, mismatched: 1 });
    expect(comparer.examples).toEqual([{ id: "1", original: 200, replayed: 404, target: "b" }]);
  });

  it("of a recording that is looped are compared each time", () => {
    for (const targets of [1, 2]) {
      const comparer = new StatusComparer(targets);
      for (let round = 0; round < 3; round += 1) {
        comparer.observe([original("1", 200), replayed("1", 200, "a")]);
        if (targets === 2) comparer.observe([replayed("1", 500, "b")]);
      }
      expect(comparer).toMatchObject({ compared: 3 * targets, mismatched: targets === 2 ? 3 : 0 });
    }
  });

  it("that wait too long are forgotten, and counted when nothing was compared with them", () => {
    const comparer = new StatusComparer(2);
    // One of two targets each, as --split-output has it.
    for (let i = 0; i < 65_540; i += 1)
      comparer.observe([original(`${i}`, 200), replayed(`${i}`, 200, "a")]);
    expect(comparer.unpaired).toBe(0);
    for (let i = 0; i < 65_541; i += 1) comparer.observe([original(`x${i}`, 200)]);
    expect(comparer.unpaired).toBe(5);
  });
});
