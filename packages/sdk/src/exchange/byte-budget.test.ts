// A budget takes all or nothing, counts what others hold, and is empty again when everything has been let go of.
import fc from "fast-check";
import { expect, it } from "vitest";
import { BodyTrack } from "./body-track.ts";
import { ByteBudget } from "./byte-budget.ts";

it("has room up to its last byte, together with what is elsewhere", () => {
  let elsewhere = 40;
  const budget = new ByteBudget(100, () => elsewhere);
  expect(budget.take(60)).toBe(true);
  expect(budget.take(1)).toBe(false);
  elsewhere = 39;
  expect(budget.take(1)).toBe(true);
  budget.give(61);
  expect(budget.bytes).toBe(39);
});

it("counts what its bodies hold, whatever is kept, refused and let go of", () => {
  const step = fc.record({
    body: fc.nat(2),
    bytes: fc.nat(40),
    how: fc.constantFrom("keep" as const, "text" as const, "go" as const),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const budget = new ByteBudget(100, () => 0);
      const bodies = [new BodyTrack(), new BodyTrack(), new BodyTrack()];
      for (const { body, bytes, how } of steps) {
        const track = bodies[body] ?? new BodyTrack();
        if (how === "go") budget.letGo(track);
        else if (how === "keep") budget.keep(track, Buffer.alloc(bytes));
        else if (track.heldBytes === 0) budget.keepText(track, "x".repeat(bytes), bytes);
        const held = bodies.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
        expect(budget.bytes).toBe(held);
        expect(held).toBeLessThanOrEqual(100);
      }
      for (const track of bodies) budget.letGo(track);
      expect(budget.bytes).toBe(0);
    }),
  );
});
