/** The decisions of people about differences, read from YAML. In: a path and two options. Out: a policy, or one sentence that names the place. */
import { readYaml } from "./yaml-file.ts";
import type { CompareRule, Policy } from "../../core/compare/rules.ts";
import type { DifferenceKind, Part } from "../../core/compare/report/report.ts";

const KINDS: readonly DifferenceKind[] = [
  "status",
  "value",
  "format",
  "type",
  "missing",
  "added",
  "length",
  "order",
  "text",
  "bytes",
  "slower",
  "leak",
];
const PARTS: readonly Part[] = ["status", "header", "body", "latency"];
const ACTIONS = ["ignore", "tolerate", "accept"] as const;

export const KINDS_RULE: string = `must be some of ${KINDS.join(", ")}, with commas between`;

/** `failOn` as `kindsOf` takes it. */
export function readPolicy(file: string, failOn: string, tolerance: number): Policy {
  return {
    rules: file === "" ? [] : readRules(file),
    failOn: failOn === "" ? undefined : kindsOf(failOn),
    tolerance,
  };
}

/** Undefined when a word is no kind of difference. */
export function kindsOf(failOn: string): Set<DifferenceKind> | undefined {
  const kinds = new Set<DifferenceKind>();
  for (const word of failOn.split(",")) {
    const kind = KINDS.find((each) => each === word.trim());
    if (kind === undefined) return undefined;
    kinds.add(kind);
  }
  return kinds;
}

function readRules(file: string): CompareRule[] {
  const found = readYaml(file);
  const list: unknown =
    typeof found === "object" && found !== null && !Array.isArray(found)
      ? Reflect.get(found, "rules")
      : found;
  if (!Array.isArray(list)) throw new Error(`${file}: must have a list "rules"`);
  return list.map((entry: unknown, i) => ruleOf(entry, `${file}: rules[${i}]`));
}

function ruleOf(entry: unknown, place: string): CompareRule {
  if (typeof entry !== "object" || entry === null)
    throw new Error(`${place}: must have action, owner and reason`);
  const get = (name: string): unknown => Reflect.get(entry, name);
  const text = (name: string): string | undefined => {
    const value = get(name);
    if (value === undefined || value === null) return undefined;
    if (typeof value !== "string")
      throw new Error(`${place}: ${name} must be text; got ${JSON.stringify(value)}`);
    return value;
  };
  const needed = (name: string): string => {
    const value = text(name);
    if (value === undefined || value === "") throw new Error(`${place}: must have ${name}`);
    return value;
  };
  return {
    action: oneOf(ACTIONS, needed("action"), `${place}: action`),
    method: text("method"),
    route: text("route"),
    part: optional(PARTS, text("part"), `${place}: part`),
    path: text("path"),
    kind: optional(KINDS, text("kind"), `${place}: kind`),
    share: shareOf(get("share"), place),
    owner: needed("owner"),
    reason: needed("reason"),
    untilMs: timeOf(get("until"), place),
  };
}

function optional<T extends string>(
  words: readonly T[],
  value: string | undefined,
  place: string,
): T | undefined {
  return value === undefined ? undefined : oneOf(words, value, place);
}

function oneOf<T extends string>(words: readonly T[], value: string, place: string): T {
  const found = words.find((word) => word === value);
  if (found === undefined)
    throw new Error(`${place} must be one of ${words.join(", ")}; got ${value}`);
  return found;
}

function shareOf(value: unknown, place: string): number | undefined {
  if (value === undefined) return undefined;
  const share =
    typeof value === "string" && value.endsWith("%")
      ? Number(value.slice(0, -1)) / 100
      : Number(value);
  if (!(share >= 0 && share <= 1))
    throw new Error(`${place}: share must be from 0 to 1; got ${JSON.stringify(value)}`);
  return share;
}

function timeOf(value: unknown, place: string): number | undefined {
  if (value === undefined) return undefined;
  const at =
    value instanceof Date ? value.getTime() : Date.parse(typeof value === "string" ? value : "");
  if (Number.isNaN(at))
    throw new Error(
      `${place}: until must be a date such as 2027-01-31; got ${JSON.stringify(value)}`,
    );
  return at;
}
