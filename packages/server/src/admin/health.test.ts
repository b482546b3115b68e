import { describe, expect, it } from "vitest";
import { readiness } from "./health.ts";

describe("ready", () => {
  it("is who runs, whatever hinders the outputs, which it says", () => {
    const outputs = [
      { name: "output-null", trouble: undefined },
      { name: "output-http http://a", trouble: "connection refused" },
    ];
    expect(readiness({ phase: "running", journal: undefined, outputs })).toEqual({
      isReady: true,
      text: "ready\nrunning\noutput-null: ok\noutput-http http://a: connection refused\n",
    });
  });

  it.each([
    ["starting", "ok", false],
    ["running", "ok", true],
    ["running", "full", true],
    ["running", "degraded", false],
    ["stopping", undefined, false],
  ] as const)("%s with a journal that is %s: %s", (phase, journal, isReady) => {
    const told = readiness({ phase, journal, outputs: [] });
    expect(told.isReady).toBe(isReady);
    const [first, second, third] = told.text.split("\n");
    expect(first).toBe(isReady ? "ready" : "not ready");
    expect(second).toContain(phase);
    expect(third?.startsWith("journal: ")).toBe(journal !== undefined);
  });
});
