// What is with a program: taken out once, by kind and id, oldest first; given up by age and by number; never miscounted.
import { HttpMessage } from "@mirrorball/protocol";
import type { Message, MessageKind } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InFlightMessages } from "./in-flight-messages.ts";

const http = HttpMessage.fromRaw(Buffer.from("x"));

function message(kind: MessageKind, id: string, connection?: number): Message {
  const context = connection === undefined ? undefined : { connection };
  return { kind, id, startedAt: 0, latencyNs: 0, http, context };
}

describe("InFlightMessages", () => {
  it("tells a request from its responses, gives what was known of it, and only once", () => {
    const inside = new InFlightMessages(1000, 100);
    inside.add([message(1, "a", 7), message(2, "a")], 0);
    expect(inside.take(3, "a")).toBeUndefined();
    expect(inside.take(1, "a")?.context).toEqual({ connection: 7 });
    expect(inside.take(1, "a")).toBeUndefined();
    expect(inside.count).toBe(1);
  });

  it("keeps messages of the same id apart, first in first out", () => {
    const inside = new InFlightMessages(1000, 100);
    inside.add([message(3, "a", 1), message(3, "a", 2), message(3, "a", 3)], 0);
    const order = [1, 2, 3].map(() => inside.take(3, "a")?.context?.connection);
    expect(order).toEqual([1, 2, 3]);
    expect(inside.count).toBe(0);
  });

  it("gives up what is older than the grace time, not a moment sooner", () => {
    const inside = new InFlightMessages(1000, 100);
    inside.add([message(1, "old")], 0);
    inside.add([message(1, "young")], 1);
    expect(inside.expire(999)).toEqual([]);
    expect(inside.expire(1000).map(({ id }) => id)).toEqual(["old"]);
    expect(inside.count).toBe(1);
  });

  it("gives up the oldest beyond its bound", () => {
    const inside = new InFlightMessages(1000, 10);
    const ids = Array.from({ length: 2000 }, (_, i) => String(i));
    inside.add(
      ids.map((id) => message(1, id)),
      0,
    );
    expect(inside.evict().map(({ id }) => id)).toEqual(ids.slice(0, 1990));
    expect(inside.count).toBe(10);
    expect(inside.evict()).toEqual([]);
  });

  it("gives up sooner what was overtaken, and nothing else", () => {
    const inside = new InFlightMessages(1000, 100);
    inside.add([message(1, "old")], 0);
    inside.add([message(2, "overtaken")], 5);
    inside.add([message(1, "answered"), message(1, "beside it")], 10);
    inside.add([message(2, "young")], 11);
    const answered = inside.take(1, "answered");
    const late = (nowMs: number): string[] =>
      inside.overtaken(nowMs, 100, answered?.sinceMs ?? 0).map(({ id }) => id);
    expect(late(99)).toEqual([]);
    expect(late(104)).toEqual(["old"]);
    expect(late(900)).toEqual(["overtaken"]);
    expect(inside.clear().map(({ id }) => id)).toEqual(["beside it", "young"]);
  });

  it("keeps whole messages when told to, within a bound of bytes, and gives all back in order", () => {
    const inside = new InFlightMessages(1000, 100, 10);
    const given = ["a", "b", "c", "d"].map((id, i) => message(i % 2 === 0 ? 1 : 2, id));
    inside.add(given, 0);
    inside.add(
      Array.from({ length: 8 }, (_, i) => message(3, String(i))),
      0,
    );
    // Of one byte each: two too many.
    expect(inside.evict()).toHaveLength(2);
    expect(inside.evict()).toEqual([]);
    inside.take(1, "a");
    inside.add([message(1, "e")], 1);
    expect(inside.evict()).toEqual([]);
    const kept = inside.clear();
    expect(kept.map(({ place }) => place)).toEqual(kept.map(({ place }) => place).toSorted((x, y) => x - y)); // prettier-ignore
    expect(kept.filter(({ kind }) => kind !== 3).map((held) => held.message)).toEqual([
      ...given.slice(1),
      expect.objectContaining({ id: "e" }),
    ]);
    expect(new InFlightMessages(1000, 100).clear()).toEqual([]);
  });

  it("neither loses nor doubles anything", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom(1, 2, 3), id: fc.constantFrom("a", "b", "c") }),
      fc.constantFrom("take", "expire", "evict"),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const inside = new InFlightMessages(10, 5);
        let added = 0;
        let out = 0;
        for (const [now, what] of steps.entries()) {
          if (what === "take") out += inside.take(1, "a") === undefined ? 0 : 1;
          else if (what === "expire") out += inside.expire(now).length;
          else if (what === "evict") out += inside.evict().length;
          else {
            inside.add([message(what.kind, what.id)], now);
            added += 1;
          }
          expect(inside.count).toBe(added - out);
        }
        expect(inside.clear().length).toBe(added - out);
        expect(inside.count).toBe(0);
      }),
    );
  });
});
