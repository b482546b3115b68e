/**
 * From words, and the config files they name, to a plan: which components run, with which typed values. Either a whole
 * plan or every error at once; no component is made or opened here.
 */
import { parseArgv } from "../../component/argv.ts";
import type { ParsedArgv } from "../../component/argv.ts";
import { parseConfig } from "../../component/config-file.ts";
import type { Catalogue, Companion } from "../../component/define.ts";
import { flagsOf } from "../../component/flags.ts";
import type { FlagInfo } from "../../component/flags.ts";
import type { QueueOptions } from "../../component/queue-options.ts";
import { resolve } from "../../component/resolve.ts";
import type { Resolved } from "../../component/resolve.ts";
import { withSecrets } from "../../component/secrets.ts";
import { fileError } from "../../files/file-error.ts";
import { readConfig, readSecret } from "./read-config.ts";
import { configFlag } from "./run-options.ts";
import type { RunOptions } from "./run-options.ts";
import type { Plan, PlannedInput, PlannedOutput, PlannedStage, Values } from "./planned.ts";
import { sharedFiles } from "./shared-files.ts";
import { selfTargets } from "./self-target.ts";

/** What a plan is made from, beside its words. */
export interface PlanSources {
  readonly readConfig: (file: string) => string;
  readonly readSecret: (file: string) => string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const processSources: PlanSources = { readConfig, readSecret, environment: process.env };

/**
 * The plan that `args` ask for, or the list of everything that is wrong with them. What the args say comes behind what
 * config files say: it wins, or adds to what may be repeated.
 */
export function planFrom(
  args: readonly string[],
  catalogue: Catalogue,
  sources: PlanSources = processSources,
): { readonly plan: Plan } | { readonly errors: readonly string[] } {
  const flags = flagsOf(catalogue);
  const argv = parseArgv(args, flags);
  const configs = argv.raw
    .filter(({ flag }) => flag.name === configFlag)
    .map(({ value }) => configOf(value, flags, sources.readConfig));
  const raw = [...configs.flatMap((config) => config.raw), ...argv.raw];
  const secrets = withSecrets(raw, flags, {
    readText: sources.readSecret,
    environment: sources.environment,
  });
  const resolved = resolve(secrets.raw, flags);
  const plan = assemble(resolved, catalogue);
  const errors = [
    ...argv.errors,
    ...configs.flatMap(({ errors }) => errors),
    ...secrets.errors,
    ...resolved.errors,
  ];
  // A mistyped input must not also be reported as a missing one.
  if (errors.length === 0 && (plan.inputs.length === 0 || plan.outputs.length === 0)) {
    const lacking = [
      ...(plan.inputs.length === 0 ? ["--input-…"] : []),
      ...(plan.outputs.length === 0 ? ["--output-…"] : []),
    ].join(" and no ");
    errors.push(`at least one input and one output are required; there is no ${lacking}`);
  }
  if (errors.length === 0)
    errors.push(...selfTargets(plan), ...sharedFiles(plan.outputs), ...splitPairs(plan));
  return errors.length === 0 ? { plan } : { errors };
}

function configOf(
  file: string,
  flags: readonly FlagInfo[],
  readText: (file: string) => string,
): ParsedArgv {
  try {
    return parseConfig(readText(file), file, flags);
  } catch (error) {
    return { raw: [], errors: [`--${configFlag}: ${fileError("read", file, error).message}`] };
  }
}

function assemble({ instances, options, changed }: Resolved, catalogue: Catalogue): Plan {
  const valuesOf = (name: string): Values => options.get(name) ?? {};
  const inputs: PlannedInput[] = [];
  const outputs: PlannedOutput[] = [];
  const companions: Companion[] = [];
  for (const { name, argument, limit } of instances) {
    const input = catalogue.inputs.find((declaration) => declaration.name === name);
    if (input !== undefined) {
      inputs.push({ declaration: input, argument, limit, options: valuesOf(name) });
      continue;
    }
    const output = catalogue.outputs.find((declaration) => declaration.name === name);
    if (output === undefined) continue;
    const values = valuesOf(name);
    // The resolver filled these in from `queueOptions`, by the same keys.
    const queue = values as QueueOptions;
    outputs.push({ declaration: output, argument, limit, options: values, queue });
    const companion = output.companion?.(values);
    if (companion !== undefined && !companions.some((each) => isSame(each, companion))) {
      companions.push(companion);
    }
  }
  for (const { output: name, argument } of companions) {
    const declaration = catalogue.outputs.find((each) => each.name === name);
    if (declaration === undefined) continue;
    const values = valuesOf(name);
    const queue = values as QueueOptions;
    const isCompanion = true;
    outputs.push({ declaration, argument, limit: undefined, options: values, queue, isCompanion });
  }
  const relays = catalogue.relays.map((declaration) => ({
    declaration,
    options: valuesOf(declaration.name),
  }));
  const stages = catalogue.stages.map((declaration) => ({
    declaration,
    options: valuesOf(declaration.name),
  }));
  // Likewise filled in from the run declaration's own options.
  const run = valuesOf(catalogue.run.name) as RunOptions;
  return { inputs, relays, stages: inOrder(stages), outputs, run, changed };
}

/** A control that takes turns with its target would answer other requests. */
function splitPairs({ run, outputs }: Plan): string[] {
  const hasControl = outputs.some(({ isCompanion }) => isCompanion === true);
  if (!hasControl || !run.splitOutput) return [];
  return [
    "--split-output: a control must get the same requests as its target; give one of the two",
  ];
}

function isSame(a: Companion, b: Companion): boolean {
  return a.output === b.output && a.argument === b.argument;
}

/** The catalogue's order, but for stages that their own options put behind another one. */
function inOrder(stages: readonly PlannedStage[]): PlannedStage[] {
  const behind = ({ declaration, options }: PlannedStage): string | undefined =>
    declaration.runsBehind?.(options);
  const ordered = stages.filter((stage) => behind(stage) === undefined);
  for (const stage of stages) {
    const before = behind(stage);
    if (before === undefined) continue;
    // Those that were put there already keep their order.
    const at = ordered.findLastIndex((s) => s.declaration.name === before || behind(s) === before);
    ordered.splice(at + 1, 0, stage);
  }
  return ordered;
}
