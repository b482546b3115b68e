/** A plan as people read it: what runs, in which order, and which options are not their defaults. In: a plan. Out: text. */
import { defaultTextOf, shownValue } from "../../component/flags.ts";
import type { OptionFlag } from "../../component/flags.ts";
import type { Limit } from "../../core/limit/limiter.ts";
import { nameOf } from "./names.ts";
import type { Plan, PlannedInput } from "./planned.ts";

export function describePlan(plan: Plan): string {
  const stages = plan.stages
    .map(({ declaration }) => declaration)
    .filter(({ name }) => plan.changed.some(({ flag }) => isOwn(flag, name)));
  return [
    ...section("inputs", plan.inputs.map(inputLine)),
    ...section("stages, in order", stages.map(({ name, summary }) => `${name}: ${summary}`)), // prettier-ignore
    ...section("outputs", plan.outputs.map(({ declaration, argument, limit }) => nameOf(declaration.name, argument) + share(limit))), // prettier-ignore
    ...section("options that are not their defaults", plan.changed.map(optionLine)),
  ].join("");
}

/** An option that others share does not make a stage work by itself. */
function isOwn(flag: OptionFlag, name: string): boolean {
  return flag.owner === name && flag.sharers.length === 0;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}\n`, ...lines.map((line) => `  ${line}\n`)];
}

function inputLine({ declaration, argument, limit }: PlannedInput): string {
  const name = nameOf(declaration.name, argument);
  const isSpeed = limit?.kind === "percent" && declaration.percent === "speed";
  return isSpeed ? `${name}, at ${limit.percent}% of its speed` : name + share(limit);
}

function share(limit: Limit | undefined): string {
  if (limit === undefined) return "";
  return limit.kind === "percent"
    ? `, ${limit.percent}% of the requests`
    : `, at most ${limit.perSecond} requests a second`;
}

function optionLine({ flag, value }: Plan["changed"][number]): string {
  const usual = flag.spec.kind === "boolean" ? undefined : defaultTextOf(flag.spec);
  const shown = shownValue(flag, value);
  const text = flag.spec.kind === "boolean" && shown === "true" ? "" : ` ${shown}`;
  return `--${flag.name}${text}${usual === undefined ? "" : ` (default ${usual})`}`;
}
