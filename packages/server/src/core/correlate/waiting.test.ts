import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Waiting } from "./waiting.ts";
import type { Tracked } from "./waiting.ts";

function message(id: string): Message {
  const http = HttpMessage.fromRaw(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  return { kind: MessageKind.request, id, startedAt: 0, latencyNs: 0, http };
}

function tracked(index: number): Tracked {
  return {
    id: String(index),
    index,
    session: 0,
    endpoint: "",
    around: undefined,
    startUs: index,
    endUs: index,
    isOver: false,
    values: [],
    waiters: [],
  };
}

const NEVER = Number.POSITIVE_INFINITY;

describe("waiting", () => {
  it("is not for those that wait for nothing", () => {
    const waiting = new Waiting(100);
    waiting.add(message("a"), [], undefined, 0);
    expect(waiting.next(0, NEVER)).toEqual({
      message: expect.objectContaining({ id: "a" }),
      why: undefined,
    });
    expect(waiting.waited).toBe(0);
    expect(waiting.size).toBe(0);
  });

  it("ends when the last of those it was for is over", () => {
    const waiting = new Waiting(100);
    const [x, y] = [tracked(0), tracked(1)];
    waiting.add(message("a"), [x, y], undefined, 0);
    waiting.release(x, 1);
    expect(waiting.next(1, NEVER)).toBeUndefined();
    waiting.release(y, 2);
    expect(waiting.next(2, NEVER)?.message.id).toBe("a");
  });

  it("ends after a silence of its bound, told as such", () => {
    const waiting = new Waiting(100);
    waiting.add(message("a"), [tracked(0)], undefined, 10);
    expect(waiting.nextDeadlineMs).toBe(110);
    expect(waiting.next(109, NEVER)).toBeUndefined();
    expect(waiting.next(110, NEVER)?.why).toBe("waited-too-long");
    expect(waiting.nextDeadlineMs).toBeUndefined();
  });

  it("goes on while answers come", () => {
    const waiting = new Waiting(100);
    waiting.add(message("a"), [tracked(0)], undefined, 0);
    waiting.release(tracked(1), 90);
    expect(waiting.next(150, NEVER)).toBeUndefined();
    expect(waiting.next(190, NEVER)?.why).toBe("waited-too-long");
  });

  it("for a moment of the recording ends when everything had ended before it", () => {
    const waiting = new Waiting(1000);
    waiting.add(message("a"), [], 50, 0);
    expect(waiting.next(0, 50)).toBeUndefined();
    expect(waiting.next(0, 51)?.message.id).toBe("a");
  });

  it("is bounded in number: beyond it the oldest goes", () => {
    const waiting = new Waiting(1e9);
    const blocker = tracked(0);
    for (let i = 0; i < 10_001; i += 1) waiting.add(message(String(i)), [blocker], undefined, 0);
    const released = waiting.next(0, NEVER);
    expect(released?.why).toBe("too-many-waiting");
    expect(released?.message.id).toBe("0");
    expect(waiting.next(0, NEVER)).toBeUndefined();
  });

  it("keeps nothing of those that passed one that is held", () => {
    const waiting = new Waiting(1e9);
    waiting.add(message("held"), [tracked(0)], undefined, 0);
    for (let i = 0; i < 6000; i += 1) {
      waiting.add(message(String(i)), [], undefined, 0);
      expect(waiting.next(0, NEVER)?.message.id).toBe(String(i));
    }
    expect(waiting.size).toBe(1);
  });

  it("ends for everybody, whatever waits for what, and nobody goes twice", () => {
    const graph = fc.array(fc.array(fc.nat({ max: 9 }), { maxLength: 3 }), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(graph, fc.infiniteStream(fc.nat()), (edges, choices) => {
        const waiting = new Waiting(1000);
        const all = edges.map((_, i) => tracked(i));
        // Each waits for some before it, as the recording has it.
        for (const [i, before] of edges.entries()) {
          const blockers = new Set(before.flatMap((step) => all[i - 1 - step] ?? []));
          waiting.add(message(String(i)), [...blockers], undefined, 0);
        }
        const gone: string[] = [];
        const underWay: Tracked[] = [];
        while (gone.length < all.length) {
          const released = waiting.next(0, NEVER);
          if (released !== undefined) {
            expect(released.why).toBeUndefined();
            gone.push(released.message.id);
            underWay.push(all[Number(released.message.id)] ?? tracked(-1));
            continue;
          }
          const [choice = 0] = choices.take(1);
          const [over] = underWay.splice(choice % Math.max(1, underWay.length), 1);
          // Nothing under way and nothing free would be a deadlock.
          expect(over).toBeDefined();
          if (over !== undefined) waiting.release(over, 0);
        }
        expect(new Set(gone).size).toBe(all.length);
        expect(waiting.size).toBe(0);
      }),
    );
  });
});
