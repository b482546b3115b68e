// Who speaks for a producer, and what it takes with it: every order in which connections come and go.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Presence } from "./presence.ts";
import type { Speaker } from "./presence.ts";

interface Line extends Speaker {
  superseded: number;
}

function line(): Line {
  const made: Line = { superseded: 0, supersede: () => void (made.superseded += 1) };
  return made;
}

describe("presence", () => {
  it("one that is superseded changes nothing any more, when it dies later than the other came", () => {
    const presence = new Presence(0);
    const [older, newer] = [line(), line()];
    presence.join(older, () => {});
    presence.join(newer, () => {});
    expect([older.superseded, newer.superseded]).toEqual([1, 0]);
    expect(presence.leave(older, 7, 10)).toBe(false);
    expect([presence.isHere, presence.isMissed, presence.awayMs(100_000)]).toEqual([
      true,
      false,
      0,
    ]);
    expect(presence.leave(newer, undefined, 100)).toBe(true);
    expect([presence.isHere, presence.awayMs(150)]).toEqual([false, 50]);
    expect(presence.leave(newer, 1, 200)).toBe(false);
  });

  it("what is missing is told once, to who was asked last, and only when it is given up", () => {
    const presence = new Presence(0);
    const told: string[] = [];
    const [first, second] = [line(), line()];
    presence.join(first, (count) => told.push(`first ${count}`));
    presence.leave(first, 5, 1);
    presence.join(second, (count) => told.push(`second ${count}`));
    presence.leave(second, undefined, 2);
    expect(told).toEqual([]);
    presence.giveUp();
    presence.giveUp();
    expect(told).toEqual(["second 5"]);
  });

  it("the time of an absence begins with the last connection's end, or with a restart", () => {
    const presence = new Presence(5);
    expect(presence.awayMs(7)).toBe(2);
    presence.restart(100);
    expect(presence.awayMs(107)).toBe(7);
  });

  it("at most one speaks, and each is superseded at most once, in any order", () => {
    const step = fc.record({ who: fc.nat({ max: 3 }), joins: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const presence = new Presence(0);
        const lines = [line(), line(), line(), line()];
        let speaking: Line | undefined;
        for (const { who, joins } of steps) {
          const one = lines[who] ?? line();
          if (joins) {
            presence.join(one, () => {});
            speaking = one;
          } else if (presence.leave(one, undefined, 0)) {
            expect(one).toBe(speaking);
            speaking = undefined;
          } else expect(one).not.toBe(speaking);
          expect(lines.filter((each) => presence.speaks(each))).toEqual(speaking === undefined ? [] : [speaking]); // prettier-ignore
          expect(presence.isHere).toBe(speaking !== undefined);
        }
      }),
    );
  });
});
