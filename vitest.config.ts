import { defineConfig } from "vitest/config";
import { SummaryReporter } from "./scripts/summary-reporter.mjs";

/** Code without I/O, clocks and processes: its tests can do each other no harm, and need no process each. */
const PURE = ["packages/protocol/src/**/*.test.ts", "packages/server/src/core/**/*.test.ts"];
const ALL = [
  "packages/*/src/**/*.test.ts",
  "packages/*/test/**/*.test.ts",
  "examples/**/*.test.ts",
  "scripts/**/*.test.ts",
  "docs/**/*.test.ts",
];

export default defineConfig({
  test: {
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
      { extends: true, test: { name: "processes", include: ALL, exclude: PURE } },
    ],
  },
});
