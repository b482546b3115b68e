import { defineConfig } from "vitest/config";
import { BaseSequencer } from "vitest/node";
import type { TestSpecification } from "vitest/node";
import { SummaryReporter } from "./scripts/summary-reporter.mjs";

/** Code without I/O, clocks and processes: its tests can do each other no harm, and need no process each. */
const PURE = ["packages/protocol/src/**/*.test.ts", "packages/server/src/core/**/*.test.ts"];
/** What no line of Node can change: worlds of the protocol that are simulated, and what TypeScript's compiler makes of the types. */
const ONCE = ["packages/protocol/test/faults/simulator.test.ts", "packages/sdk/test/types.test.ts"];
const ALL = [
  "packages/*/src/**/*.test.ts",
  "packages/*/test/**/*.test.ts",
  "examples/**/*.test.ts",
  "scripts/**/*.test.ts",
  "docs/**/*.test.ts",
];

/**
 * Begins with those that take longest, so that no worker is left alone with one of them; ends with the short ones that share their
 * process, all in a row.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId, project }: TestSpecification): number => {
      if (project.name === "pure") return 3;
      if (/\/test\/faults\/|\/truth\.test|\/examples\.test/.test(moduleId)) return 0;
      return moduleId.includes("/packages/cli/") ? 1 : 2;
    };
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: [process.env["CI"] === undefined ? "default" : "dot", new SummaryReporter()],
    // Processes, not threads: tests start servers, patch prototypes and measure memory.
    pool: "forks",
    // Much of a test is waiting for others: two at a time keep two cores busy, and are what CI has.
    maxWorkers: 2,
    // A busy test machine must not make the SDK step aside; the tests of that switch it on.
    env: { MIRRORBALL_BREAKER: "off" },
    // Generous: these machines are shared, and a slow run is not a wrong one.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: "pure", include: PURE, isolate: false } },
      { extends: true, test: { name: "once", include: ONCE } },
      { extends: true, test: { name: "processes", include: ALL, exclude: [...PURE, ...ONCE] } },
    ],
  },
});
