/**
 * What people decided about differences: ignore, tolerate up to a share, accept; with an owner, a reason and an expiry. In: a report and rules.
 * Out: the report as they leave it. Nothing is hidden: what a rule takes away stands among the noise, what it accepts stays and says so.
 */
import type {
  DifferenceKind,
  DifferenceReport,
  EndpointReport,
  NoiseReport,
  Part,
  Report,
} from "./report/report.ts";

export interface CompareRule {
  readonly action: "ignore" | "tolerate" | "accept";
  /** `*` stands for anything; absent fields match everything. */
  readonly method?: string | undefined;
  readonly route?: string | undefined;
  readonly part?: Part | undefined;
  readonly path?: string | undefined;
  readonly kind?: DifferenceKind | undefined;
  /** For `tolerate`: the share up to which it is taken, 0 to 1. */
  readonly share?: number | undefined;
  readonly owner: string;
  readonly reason: string;
  /** Milliseconds since the Unix epoch; undefined: for ever. */
  readonly untilMs?: number | undefined;
}

export interface Policy {
  readonly rules: readonly CompareRule[];
  /** Kinds that make the verdict "different"; undefined: all. */
  readonly failOn?: ReadonlySet<DifferenceKind> | undefined;
  /** A difference whose share is surely below it does not count, unless it is critical. */
  readonly tolerance: number;
}

export function applyPolicy(
  report: Report,
  { rules, failOn, tolerance }: Policy,
  nowMs: number,
): Report {
  const live = rules.filter(({ untilMs }) => untilMs === undefined || untilMs > nowMs);
  const expired = rules.length - live.length;
  const counts = (difference: DifferenceReport): boolean =>
    difference.rule === undefined &&
    (failOn === undefined || failOn.has(difference.kind)) &&
    (difference.severity === "critical" || difference.share > tolerance);
  const endpoints = report.endpoints.map((endpoint) => {
    const ruled = withRules(endpoint, live);
    const verdict = ruled.differences.some(counts) ? ("different" as const) : ("same" as const);
    return { ...ruled, verdict };
  });
  const isDifferent = endpoints.some(({ verdict }) => verdict === "different");
  const remarks =
    expired === 0
      ? report.remarks
      : [...report.remarks, `${expired} rules have expired and were not applied`];
  const without = report.remarks.length > 0 ? ("inconclusive" as const) : ("same" as const);
  return { ...report, endpoints, remarks, verdict: isDifferent ? "different" : without };
}

function withRules(endpoint: EndpointReport, rules: readonly CompareRule[]): EndpointReport {
  const differences: DifferenceReport[] = [];
  const noise: NoiseReport[] = [...endpoint.noise];
  for (const difference of endpoint.differences) {
    const rule = rules.find((each) => matches(each, endpoint, difference));
    if (rule === undefined) differences.push(difference);
    else if (rule.action === "ignore") {
      const { part, path, count, of } = difference;
      noise.push({ part, path, why: `rule of ${rule.owner}: ${rule.reason}`, count, of });
    } else {
      const { action, owner, reason } = rule;
      differences.push({ ...difference, rule: { action, owner, reason } });
    }
  }
  return { ...endpoint, differences, noise };
}

function matches(
  rule: CompareRule,
  { method, route }: EndpointReport,
  difference: DifferenceReport,
): boolean {
  const { part, path, kind, share } = difference;
  if (rule.part !== undefined && rule.part !== part) return false;
  if (rule.kind !== undefined && rule.kind !== kind) return false;
  if (rule.method !== undefined && rule.method.toUpperCase() !== method) return false;
  if (rule.action === "tolerate" && share > (rule.share ?? 0)) return false;
  return fits(rule.route, route) && fits(rule.path, path);
}

/** `*` stands for any characters. Linear in the text for each part of the pattern. */
function fits(pattern: string | undefined, text: string): boolean {
  if (pattern === undefined) return true;
  const parts = pattern.split("*");
  const [first = ""] = parts;
  if (parts.length === 1) return pattern === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  const last = parts.at(-1) ?? "";
  return text.length - at >= last.length && text.endsWith(last);
}
