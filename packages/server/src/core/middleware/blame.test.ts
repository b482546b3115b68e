// The policy that keeps one poisonous message from stopping all traffic for ever, and costs the others nothing.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Blame } from "./blame.ts";
import type { HeldMessage } from "./blame.ts";

interface Named {
  readonly name: number;
}

const messages = (count: number): Named[] => Array.from({ length: count }, (_, name) => ({ name }));

const held = (
  of: readonly Named[],
  isOvertaken: (name: number) => boolean = () => false,
): HeldMessage<Named>[] => of.map((message) => ({ message, overtaken: isOvertaken(message.name) }));

const namesOf = (of: readonly Named[]): number[] => of.map(({ name }) => name);
const lostOf = (of: readonly HeldMessage<Named>[]): (number | undefined)[] =>
  of.map(({ message }) => message?.name);

describe("blame", () => {
  it("loses at once what is not kept whole, and nothing else", () => {
    const blame = new Blame<Named>();
    const [a, b] = messages(2);
    if (a === undefined || b === undefined) throw new Error("no messages");
    const unkept = { message: undefined, overtaken: false };
    const { again, lost } = blame.died([{ message: a, overtaken: false }, unkept, { message: b, overtaken: false }], 1); // prettier-ignore
    expect(again).toEqual([a, b]);
    expect(lost).toEqual([unkept]);
  });

  it("gives a suspect twice more, and no third time", () => {
    const blame = new Blame<Named>();
    const of = messages(1);
    for (let death = 1; death <= 2; death += 1) expect(blame.died(held(of), 1).again).toEqual(of);
    expect(lostOf(blame.died(held(of), 1).lost)).toEqual([0]);
  });

  it("suspects the first four of a first death, and keeps what stands behind them far longer", () => {
    const blame = new Blame<Named>();
    let of = messages(6);
    for (let death = 1; death <= 2; death += 1) of = blame.died(held(of), 1).again;
    const third = blame.died(held(of), 1);
    expect(lostOf(third.lost)).toEqual([0, 1, 2, 3]);
    expect(namesOf(third.again)).toEqual([4, 5]);
  });

  it("suspects twice as many at each further death in a row", () => {
    const blame = new Blame<Named>();
    const of = messages(40);
    // At the third death in a row 16 are suspects, of which 4 for the third time and 4 for the second.
    for (let death = 1; death <= 2; death += 1) blame.died(held(of), death);
    expect(lostOf(blame.died(held(of), 3).lost)).toEqual([0, 1, 2, 3]);
    expect(lostOf(blame.died(held(of), 4).lost).length).toBeGreaterThanOrEqual(8);
  });

  it("never suspects again what was overtaken once", () => {
    const blame = new Blame<Named>();
    const of = messages(5);
    let rest = blame.died(held(of, (name) => name === 0), 1).again; // prettier-ignore
    for (let death = 2; death <= 3; death += 1) rest = blame.died(held(rest), 1).again;
    expect(namesOf(rest)).toEqual([0]);
  });

  it("gives nothing for ever, whatever the order and the suspicion, and keeps the order", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.record({ row: fc.integer({ min: 1, max: 5 }), behind: fc.nat({ max: 60 }) }), {
          minLength: 24,
          maxLength: 24,
        }),
        (count, deaths) => {
          const blame = new Blame<Named>();
          let rest = messages(count);
          for (const { row, behind } of deaths) {
            const before = rest;
            const { again, lost } = blame.died(held(rest, (name) => name < behind), row); // prettier-ignore
            expect(again.length + lost.length).toBe(before.length);
            expect(namesOf(again)).toEqual(namesOf(again).toSorted((a, b) => a - b));
            rest = again;
          }
          expect(rest).toEqual([]);
        },
      ),
    );
  });
});
