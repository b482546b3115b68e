// The cursor never passes what is unsettled, and a crash at any moment neither loses nor repeats.
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SettlementTracker } from "./settlement-tracker.ts";
import type { CrashRecovery } from "./settlement-tracker.ts";

function message(id: number): Message {
  const http = HttpMessage.fromHeadText("GET / HTTP/1.1\r\n\r\n");
  return { kind: MessageKind.request, id: String(id), startedAt: 0, latencyNs: 0, http };
}

const fresh = (): CrashRecovery => ({
  cursor: 1,
  lastEntry: 0,
  done: new Map(),
  intended: new Map(),
  uncertain: 0,
});

/** Hands over entry `entry` with the messages `ids`; returns those that were admitted. */
function readEntry(tracker: SettlementTracker, entry: number, ids: readonly number[]): number[] {
  const taken = ids.filter((id) => {
    if (tracker.admission(message(id), entry) !== "new") return false;
    tracker.queued(message(id), entry);
    return true;
  });
  tracker.read(entry);
  return taken;
}

describe("the cursor", () => {
  it("stands at the first entry with something unsettled", () => {
    const tracker = new SettlementTracker(fresh(), () => false);
    readEntry(tracker, 1, [1, 2]);
    readEntry(tracker, 2, []);
    readEntry(tracker, 3, [3]);
    expect(tracker.cursor).toBe(1);
    tracker.settled([message(3), message(1)]);
    expect(tracker.cursor).toBe(1);
    tracker.settled([message(2)]);
    expect(tracker.cursor).toBe(4);
  });

  it("does not mind messages that come from no entry", () => {
    const tracker = new SettlementTracker(fresh(), () => false);
    tracker.queued(message(9), 0);
    tracker.settled([message(9)]);
    expect(tracker.cursor).toBe(1);
    expect(tracker.takeDone(1)).toEqual([]);
  });
});

it("after a crash at any moment, every message is settled once or uncertain, and none is lost", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(sizes, fc.infiniteStream(fc.nat()), fc.boolean(), (entries, random, atMostOnce) => {
      let next = 0;
      const ids = entries.map((size) => Array.from({ length: size }, () => (next += 1)));
      const tracker = new SettlementTracker(fresh(), () => atMostOnce);
      const pick = (bound: number): number => (random.next().value ?? 0) % bound;
      const crashAt = pick(entries.length + 1);
      const sent = new Map<number, number>();
      const intended = new Map<string, number>();
      const open: number[] = [];
      ids.slice(0, crashAt).forEach((of, i) => open.push(...readEntry(tracker, i + 1, of)));
      // Some of what is open is intended, some of that is sent, some of that is settled; what is settled is written down.
      for (const id of open) {
        if (pick(3) === 0) continue;
        intended.set(`1${id}`, 1);
        if (pick(2) === 0) continue;
        sent.set(id, 1);
        if (pick(2) === 0) tracker.settled([message(id)]);
      }
      const cursor = tracker.cursor;
      const done = new Map(tracker.takeDone(cursor).map((key) => [key, 1]));

      const recovered = new SettlementTracker(
        { cursor, lastEntry: ids.length, done, intended, uncertain: 0 },
        () => atMostOnce,
      );
      ids.slice(cursor - 1).forEach((of, i) => {
        for (const id of readEntry(recovered, cursor + i, of)) {
          sent.set(id, (sent.get(id) ?? 0) + 1);
          recovered.settled([message(id)]);
        }
      });
      expect(recovered.cursor).toBe(ids.length + 1);
      const missing = ids.flat().filter((id) => !sent.has(id)).length;
      const repeated = [...sent.values()].filter((times) => times > 1).length;
      if (atMostOnce) {
        expect(repeated).toBe(0);
        expect(missing).toBeLessThanOrEqual(recovered.uncertain);
      } else {
        expect(missing).toBe(0);
        expect(recovered.uncertain).toBe(0);
      }
    }),
    { numRuns: 500 },
  );
});
