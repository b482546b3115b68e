import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { REPORT_SCHEMA } from "./report/report.ts";
import type { DifferenceReport, Report } from "./report/report.ts";
import { applyPolicy } from "./rules.ts";
import type { CompareRule, Policy } from "./rules.ts";

const DIFFERENCE: DifferenceReport = {
  part: "body",
  path: "$.price",
  kind: "value",
  count: 5,
  of: 100,
  share: 0.05,
  interval: [0.02, 0.11],
  evidence: null,
  severity: "minor",
  examples: [],
  consequences: [],
};

function report(difference: Partial<DifferenceReport> = {}, remarks: string[] = []): Report {
  return {
    schema: REPORT_SCHEMA,
    verdict: "different",
    remarks,
    exchanges: {
      sent: 100,
      compared: 100,
      statusAlike: 100,
      unpaired: 0,
      failed: 0,
      setAside: 0,
      skipped: {},
    },
    correlation: { learned: 0, used: 0, waited: 0, missed: {} },
    endpoints: [
      {
        method: "GET",
        route: "/things/{id}",
        requests: 100,
        verdict: "different",
        differences: [{ ...DIFFERENCE, ...difference }],
        noise: [],
      },
    ],
    latency: [],
  };
}

function apply(rule: Partial<CompareRule>, given: Report = report(), nowMs = 0): Report {
  const rules: CompareRule[] = [{ action: "ignore", owner: "ann", reason: "known", ...rule }];
  return applyPolicy(given, { rules, tolerance: 0 }, nowMs);
}

const NO_RULES: Policy = { rules: [], tolerance: 0 };

describe("a rule", () => {
  it("that ignores moves the difference to the noise, with owner and reason", () => {
    const ruled = apply({ path: "$.price" });
    expect(ruled.verdict).toBe("same");
    expect(ruled.endpoints[0]?.differences).toEqual([]);
    expect(ruled.endpoints[0]?.noise).toEqual([
      { part: "body", path: "$.price", why: "rule of ann: known", count: 5, of: 100 },
    ]);
  });

  it("that accepts leaves it, marked, and it does not count", () => {
    const ruled = apply({ action: "accept" });
    expect(ruled.verdict).toBe("same");
    expect(ruled.endpoints[0]?.differences[0]?.rule).toEqual({
      action: "accept",
      owner: "ann",
      reason: "known",
    });
  });

  it("that tolerates does so up to its share", () => {
    expect(apply({ action: "tolerate", share: 0.1 }).verdict).toBe("same");
    expect(apply({ action: "tolerate", share: 0.01 }).verdict).toBe("different");
    expect(apply({ action: "tolerate" }).verdict).toBe("different");
  });

  it.each<Partial<CompareRule>>([
    { path: "$.name" },
    { path: "$.pric" },
    { method: "post" },
    { route: "/others/*" },
    { part: "header" },
    { kind: "type" },
  ])("%j is about something else", (rule) => expect(apply(rule).verdict).toBe("different"));

  it.each<Partial<CompareRule>>([
    {},
    { path: "$.*" },
    { path: "*price" },
    { path: "$*ri*e" },
    { method: "get", route: "/things/*" },
    { part: "body", kind: "value" },
  ])("%j is about it", (rule) => expect(apply(rule).verdict).toBe("same"));

  it("that has expired is not applied, and that is said", () => {
    const ruled = apply({ untilMs: 10 }, report(), 11);
    expect(ruled.verdict).toBe("different");
    expect(ruled.remarks).toEqual(["1 rules have expired and were not applied"]);
    expect(apply({ untilMs: 10 }, report(), 9).verdict).toBe("same");
  });

  it("never makes the same of what could not be compared", () => {
    expect(apply({}, report({}, ["no exchange was compared"])).verdict).toBe("inconclusive");
  });

  it("with stars takes linear time on hostile paths", () => {
    const path = `$.${"a".repeat(100_000)}`;
    expect(apply({ path: `${"*a".repeat(500)}*b` }, report({ path })).verdict).toBe("different");
  });
});

describe("what counts", () => {
  it("is what is beyond the tolerance, and everything critical", () => {
    expect(applyPolicy(report(), { ...NO_RULES, tolerance: 0.05 }, 0).verdict).toBe("same");
    expect(applyPolicy(report(), { ...NO_RULES, tolerance: 0.049 }, 0).verdict).toBe("different");
    expect(
      applyPolicy(report({ severity: "critical" }), { ...NO_RULES, tolerance: 1 }, 0).verdict,
    ).toBe("different");
  });

  it("is of the kinds that were named", () => {
    expect(applyPolicy(report(), { ...NO_RULES, failOn: new Set(["status"]) }, 0).verdict).toBe(
      "same",
    );
    expect(applyPolicy(report(), { ...NO_RULES, failOn: new Set(["value"]) }, 0).verdict).toBe(
      "different",
    );
  });
});

it("a pattern fits what its stars stand for, as an expression would say", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  fc.assert(
    fc.property(
      word,
      fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 }),
      (pattern, path) => {
        const model = new RegExp(`^${pattern.replaceAll("*", "[^]*")}$`).test(path);
        expect(apply({ path: pattern }, report({ path })).verdict).toBe(
          model ? "same" : "different",
        );
      },
    ),
  );
});
