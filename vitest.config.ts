import { defineConfig } from "vitest/config";
import { SummaryReporter } from "./scripts/summary-reporter.mjs";

export default defineConfig({
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "packages/*/test/**/*.test.ts",
      "examples/**/*.test.ts",
      "scripts/**/*.test.ts",
      "docs/**/*.test.ts",
    ],
    reporters: [process.env["CI"] === undefined ? "default" : "dot", new SummaryReporter()],
    // Processes, not threads: tests start servers, patch prototypes and measure memory.
    pool: "forks",
    // A busy test machine must not make the SDK step aside; the tests of that switch it on.
    env: { MIRRORBALL_BREAKER: "off" },
    // Generous: these machines are shared, and a slow run is not a wrong one.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
