/** The report for a terminal, on a screen: the verdict first, then what differs by severity, what is noise and why, and times. Pure. */
import { printable } from "@mirrorball/protocol";
import type { DifferenceReport, EndpointReport, LatencyReport, Report } from "../report/report.ts";

/** Lines of each part; the rest is counted. A screen has some forty. */
const DIFFERENCES_MAX = 16;
const NOISE_MAX = 6;
const LATENCY_MAX = 5;
const VALUE_CHARS_MAX = 60;

export function textView(report: Report): string {
  const lines = [headline(report), ...report.remarks.map((remark) => `  ${remark}`), ""];
  lines.push(...differences(report), ...noise(report), ...latency(report), ...correlation(report));
  // Names and values were captured: a terminal must not obey them.
  return `${lines.join("\n").split("\n").map(printable).join("\n")}\n`;
}

const HEADLINES: Readonly<Record<Report["verdict"], string>> = {
  same: "SAME: nothing differs that is not explained",
  different: "DIFFERENT",
  inconclusive: "INCONCLUSIVE: no difference was found, but not all could be compared",
};

function headline(report: Report): string {
  const { verdict, exchanges, endpoints } = report;
  const { compared, statusAlike } = exchanges;
  const found = endpoints.reduce((sum, { differences: all }) => sum + all.length, 0);
  const where = endpoints.filter(({ verdict: own }) => own === "different").length;
  const what =
    verdict === "different"
      ? `: ${plural(found, "difference")} on ${plural(where, "endpoint")}`
      : "";
  return `${HEADLINES[verdict]}${what}\n  ${plural(compared, "exchange")} compared, ${statusAlike} of them with the same status${fates(report)}`;
}

function fates({ exchanges }: Report): string {
  const { failed, unpaired, setAside, skipped } = exchanges;
  const parts: string[] = [];
  if (failed > 0) parts.push(`${failed} failed`);
  if (unpaired > 0) parts.push(`${unpaired} unpaired`);
  if (setAside > 0) parts.push(`${setAside} set aside`);
  for (const [reason, count] of Object.entries(skipped)) parts.push(`${count} skipped (${reason})`);
  return parts.length === 0 ? "" : `; ${parts.join(", ")}`;
}

function differences({ endpoints }: Report): string[] {
  const all = endpoints.flatMap((endpoint) =>
    endpoint.differences.map((each) => ({ endpoint, each })),
  );
  const lines = all
    .slice(0, DIFFERENCES_MAX)
    .flatMap(({ endpoint, each }) => difference(endpoint, each));
  if (all.length > DIFFERENCES_MAX) lines.push(`  and ${all.length - DIFFERENCES_MAX} more`);
  return lines.length === 0 ? lines : [...lines, ""];
}

function difference({ method, route }: EndpointReport, each: DifferenceReport): string[] {
  const { part, path, kind, count, of, severity, evidence, rule, consequences } = each;
  const place = part === "status" || part === "latency" ? part : `${part} ${path}`.trim();
  const sure =
    evidence === null ? "" : `, evidence ${evidence > 1e6 ? ">1e6" : evidence.toFixed(0)}`;
  const ruled = rule === undefined ? "" : ` (${rule.action}: ${rule.reason})`;
  const lines = [
    `  ${severity.padEnd(8)}  ${method} ${route}  ${place}: ${kind}, ${count} of ${of}${sure}${ruled}`,
  ];
  const [example] = each.examples;
  if (example !== undefined) {
    lines.push(
      `            ${value(example.original)} → ${value(example.replayed)}${example.id === "" ? "" : `   ${example.id}`}`,
    );
  }
  if (consequences.length > 0) {
    const total = consequences.reduce((sum, { count: own }) => sum + own, 0);
    lines.push(
      `            followed by ${plural(total, "difference")} on ${plural(consequences.length, "place")}`,
    );
  }
  return lines;
}

function noise({ endpoints }: Report): string[] {
  const byReason = new Map<string, { places: number; count: number }>();
  for (const { why, count } of endpoints.flatMap((endpoint) => endpoint.noise)) {
    const known = byReason.get(why) ?? { places: 0, count: 0 };
    byReason.set(why, { places: known.places + 1, count: known.count + count });
  }
  if (byReason.size === 0) return [];
  const sorted = [...byReason].sort((x, y) => y[1].count - x[1].count);
  const lines = sorted
    .slice(0, NOISE_MAX)
    .map(([why, { places, count }]) => `    ${why}: ${count} values at ${plural(places, "place")}`);
  if (sorted.length > NOISE_MAX) lines.push(`    and ${sorted.length - NOISE_MAX} more reasons`);
  return ["  not counted, because it is explained:", ...lines, ""];
}

function latency({ latency: all }: Report): string[] {
  const known = all.filter(({ ratio }) => ratio !== null);
  if (known.length === 0) return [];
  const sorted = known.sort((x, y) => (y.ratio ?? 0) - (x.ratio ?? 0)).slice(0, LATENCY_MAX);
  return ["  times, p50 in ms:", ...sorted.map(time), ""];
}

function time({ method, route, original, control, replayed, ratio }: LatencyReport): string {
  const base = control ?? original;
  return `    ${method} ${route}: ${(base?.p50 ?? 0).toFixed(2)} → ${replayed.p50.toFixed(2)}, ratio ${(ratio ?? 0).toFixed(2)} without the common shift`;
}

function correlation({ correlation: { learned, used, waited, missed } }: Report): string[] {
  if (learned + used + waited === 0) return [];
  const reasons = Object.entries(missed).map(([reason, count]) => `${reason} ${count}`);
  const lost = reasons.length === 0 ? "" : `; missed: ${reasons.join(", ")}`;
  return [
    `  tokens and ids: ${learned} learned, ${used} used, ${waited} requests waited${lost}`,
    "",
  ];
}

function value(text: string | null): string {
  if (text === null) return "(nothing)";
  const line = JSON.stringify(text);
  return line.length <= VALUE_CHARS_MAX ? line : `${line.slice(0, VALUE_CHARS_MAX)}…"`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
