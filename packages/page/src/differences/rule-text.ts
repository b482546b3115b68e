/** A decision about a difference as it stands in a rules file. Pure. Texts are written as JSON, which YAML reads whatever is in them. */
import type { Finding } from "../state/report.ts";

export type Action = "ignore" | "tolerate" | "accept";

export function ruleOf(action: Action, { endpoint, difference }: Finding): string {
  const fields: readonly (readonly [string, string | number])[] = [
    ["action", action],
    ["method", endpoint.method],
    ["route", endpoint.route],
    ["part", difference.part],
    ["path", difference.path],
    ["kind", difference.kind],
    ...(action === "tolerate" ? [["share", roundedUp(difference.share)] as const] : []),
    ["owner", ""],
    ["reason", ""],
  ];
  const lines = fields.map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `  - ${lines.join("\n    ")}\n`;
}

/** To a thousandth, so that what was seen is within it. */
function roundedUp(share: number): number {
  return Math.min(1, Math.ceil(share * 1000) / 1000);
}
