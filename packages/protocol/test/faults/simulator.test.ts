// Thousands of small worlds, each with faults of its own, each from one number. A world that breaks a promise prints its number;
// MIRRORBALL_SEED=number runs that one again.
import { appendFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import { Violation, World, nothingHappened } from "./world.ts";
import type { Mutant } from "./world.ts";

const LONG = process.env["MIRRORBALL_TORTURE"] === "1";
const SEEDS = LONG ? 1_000_000 : 40_000;
const SEEDS_PER_TURN = 10_000;
const ONE = process.env["MIRRORBALL_SEED"];

function violationOf(seed: number, happened = nothingHappened(), mutant?: Mutant): string {
  try {
    new World(seed, happened, mutant).run();
    return "";
  } catch (error) {
    if (error instanceof Violation) return `MIRRORBALL_SEED=${seed}: ${error.message}`;
    throw error;
  }
}

it.runIf(ONE !== undefined)("the world that was asked for", () => {
  expect(violationOf(Number(ONE))).toBe("");
});

it.runIf(ONE === undefined)(
  `${SEEDS} worlds keep every promise`,
  { timeout: LONG ? 3_600_000 : 120_000 },
  async () => {
    const happened = nothingHappened();
    const startedMs = performance.now();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      expect(violationOf(seed, happened)).toBe("");
      // The test runner takes a worker for dead that says nothing for a minute.
      if (seed % SEEDS_PER_TURN === 0) await nextTurn();
    }
    const seconds = (performance.now() - startedMs) / 1000;
    // Every fault happened, and often.
    for (const [name, count] of Object.entries(happened)) {
      expect([name, count > SEEDS / 100]).toEqual([name, true]);
    }
    const figures = { seeds: SEEDS, violations: 0, seconds, ...happened };
    console.log(JSON.stringify(figures));
    const file = process.env["MIRRORBALL_FIGURES"];
    if (file !== undefined) {
      appendFileSync(file, `${JSON.stringify({ fault: "simulated worlds", figures })}\n`);
    }
  },
);

it.each<Mutant>([
  "acks-before-flush",
  "forgets-what-waits",
  "no-heartbeat",
  "loses-resume",
  "keeps-credit",
])("would find a server that does it wrong: %s", (mutant) => {
  let seed = 1;
  while (seed < 2000 && violationOf(seed, nothingHappened(), mutant) === "") seed += 1;
  expect(seed).toBeLessThan(2000);
});
