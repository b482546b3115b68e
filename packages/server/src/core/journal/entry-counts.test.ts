// The oldest entry with anything open, whatever the order in which entries come and go.
import fc from "fast-check";
import { expect, it } from "vitest";
import { EntryCounts } from "./entry-counts.ts";

it("knows the oldest at every moment", () => {
  const step = fc.record({ add: fc.boolean(), entry: fc.integer({ min: 1, max: 12 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.boolean(), (steps, looks) => {
      const counts = new EntryCounts();
      const model: number[] = [];
      for (const { add, entry } of steps) {
        const at = model.indexOf(entry);
        if (add) {
          counts.add(entry);
          model.push(entry);
        } else {
          counts.remove(entry);
          if (at >= 0) model.splice(at, 1);
        }
        // Looking clears up inside; not looking for long must do no harm.
        if (looks) expect(counts.oldest).toBe(model.length === 0 ? undefined : Math.min(...model));
      }
      expect(counts.oldest).toBe(model.length === 0 ? undefined : Math.min(...model));
    }),
    { numRuns: 500 },
  );
});
