/**
 * Reviewed rules of correlation: where short ids come from, in YAML that people read and commit. In: a path. Out: rules, or one sentence that
 * names the place and the rule that is broken.
 */
import type { Rule } from "../../core/correlate/rules.ts";
import { readYaml, yamlText } from "./yaml-file.ts";

const HEADER = `# Where short ids in requests come from: what stands at "consumer" was given at "producer".
# Found in a recording by mirrorball learn; review it, commit it, use it with --correlate FILE.
`;

export function readRules(path: string): Rule[] {
  const found = readYaml(path);
  const list: unknown =
    typeof found === "object" && found !== null ? Reflect.get(found, "rules") : found;
  if (!Array.isArray(list)) throw new Error(`${path}: must have a list "rules"`);
  return list.map((entry: unknown, i) => ruleOf(entry, `${path}: rules[${i}]`));
}

function ruleOf(entry: unknown, place: string): Rule {
  if (typeof entry !== "object" || entry === null)
    throw new Error(`${place}: must have consumer and producer`);
  const text = (name: string): string => {
    const value: unknown = Reflect.get(entry, name);
    if (typeof value !== "string" || value === "")
      throw new Error(`${place}: ${name} must be text; got ${JSON.stringify(value)}`);
    return value;
  };
  const count = (name: string): number => {
    const value: unknown = Reflect.get(entry, name);
    return typeof value === "number" ? value : 0;
  };
  return {
    consumer: text("consumer"),
    producer: text("producer"),
    sessions: count("sessions"),
    looked: count("looked"),
    found: count("found"),
  };
}

export function rulesText(rules: readonly Rule[]): string {
  return HEADER + yamlText({ rules });
}
