// The schedule of a replay: absolute, so that lateness never adds up, whatever the speed, the caps and the order.
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Pacer } from "./pacer.ts";
import { SortWindow } from "./window.ts";

const ms = (value: number): number => value * 1e6;

describe("a recorded schedule", () => {
  it("is reckoned from the first message, not from the last one", () => {
    const pacer = new Pacer({ mode: "recorded", speed: 1, maxWaitMs: 0 });
    expect(pacer.due(ms(5000), true, 100)).toBe(100);
    // However late the player asks.
    expect(pacer.due(ms(5010), true, 900)).toBe(110);
    expect(pacer.due(ms(5020), true, 901)).toBe(120);
  });

  it("goes faster and slower", () => {
    const fast = new Pacer({ mode: "recorded", speed: 2, maxWaitMs: 0 });
    expect([0, 10, 30].map((at) => fast.due(ms(at), true, 0))).toEqual([0, 5, 15]);
    const slow = new Pacer({ mode: "recorded", speed: 0.5, maxWaitMs: 0 });
    expect([0, 10, 30].map((at) => slow.due(ms(at), true, 0))).toEqual([0, 20, 60]);
  });

  it("cuts single gaps, after the speed", () => {
    const pacer = new Pacer({ mode: "recorded", speed: 2, maxWaitMs: 10 });
    expect([0, 20, 60, 70].map((at) => pacer.due(ms(at), true, 0))).toEqual([0, 10, 20, 25]);
  });

  it("never waits for what is older than what went before, and counts it", () => {
    const pacer = new Pacer({ mode: "recorded", speed: 1, maxWaitMs: 0 });
    expect([10, 30, 20, 25, 40].map((at) => pacer.due(ms(at), true, 0))).toEqual([
      0, 20, 20, 20, 30,
    ]);
    expect(pacer.outOfOrder).toBe(2);
  });

  it("starts anew without a gap, on its own schedule", () => {
    const pacer = new Pacer({ mode: "recorded", speed: 1, maxWaitMs: 0 });
    expect([10, 30].map((at) => pacer.due(ms(at), true, 7))).toEqual([7, 27]);
    pacer.restart();
    expect([10, 30].map((at) => pacer.due(ms(at), true, 5000))).toEqual([27, 47]);
    expect(pacer.outOfOrder).toBe(0);
  });

  it("has no drift: the last moment is exact after any number of messages", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.1, 1, 3, 10),
        (gapsNs, speed) => {
          const pacer = new Pacer({ mode: "recorded", speed, maxWaitMs: 0 });
          let atNs = 1e15;
          pacer.due(atNs, true, 50);
          let dueMs = 0;
          for (const gapNs of gapsNs) dueMs = pacer.due((atNs += gapNs), true, 1e9);
          expect(dueMs).toBeCloseTo(50 + (atNs - 1e15) / 1e6 / speed, 6);
        },
      ),
    );
  });
});

describe("a fixed rate", () => {
  it("counts requests only; responses go along", () => {
    const pacer = new Pacer({ mode: "rate", perSecond: 500 });
    const kinds = [false, true, false, true, true, false, true];
    expect(kinds.map((isRequest) => pacer.due(0, isRequest, 10))).toEqual([
      10, 10, 10, 12, 14, 14, 16,
    ]);
  });

  it("goes on evenly in another round", () => {
    const pacer = new Pacer({ mode: "rate", perSecond: 100 });
    expect([1, 2].map((at) => pacer.due(at, true, 0))).toEqual([0, 10]);
    pacer.restart();
    expect([1, 2].map((at) => pacer.due(at, true, 0))).toEqual([20, 30]);
  });
});

it("at full speed everything is due now", () => {
  const pacer = new Pacer({ mode: "max" });
  expect([0, 1e12].map((at) => pacer.due(at, true, 3))).toEqual([3, 3]);
});

describe("the window that sorts", () => {
  const message = (id: string): Message => ({
    kind: MessageKind.request,
    id,
    startedAt: 0,
    latencyNs: 0,
    http: HttpMessage.fromRaw(Buffer.from(id)),
  });

  it("gives any records in order when it holds them all, equal times as they came", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 3000 }), (times) => {
        const window = new SortWindow();
        times.forEach((time, i) => window.add(message(String(i)), time));
        const expected = times
          .map((time, i) => ({ time, i }))
          .sort((a, b) => a.time - b.time || a.i - b.i);
        for (const { time, i } of expected) {
          expect(window.headNs).toBe(time);
          expect(window.take()?.id).toBe(String(i));
        }
        expect(window.length).toBe(0);
        expect(window.take()).toBeUndefined();
        expect(window.headNs).toBe(Number.POSITIVE_INFINITY);
      }),
      { numRuns: 30 },
    );
  });
});
