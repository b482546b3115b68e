/**
 * From raw flags to typed values, or to every error at once. Each error is one line that names the flag, the
 * rule and the value. Knows nothing of argv: a config file gives raw flags as well.
 */
import type { RawFlag } from "./argv.ts";
import type { FlagInfo, OptionFlag } from "./flags.ts";
import { Refusal } from "./option.ts";

interface Instance {
  /** The declaration's name. */
  readonly name: string;
  readonly argument: string;
}

export interface Resolved {
  /** In the order they were given. */
  readonly instances: readonly Instance[];
  /** Typed values by declaration name, defaults filled in. */
  readonly options: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly errors: readonly string[];
}

export function resolve(raw: readonly RawFlag[], flags: readonly FlagInfo[]): Resolved {
  const instances: Instance[] = [];
  const errors: string[] = [];
  const options = defaults(flags);
  const lists = new Map<OptionFlag, unknown[]>();
  for (const { flag, value } of raw) {
    if (flag.role === "instance") {
      const instance = instanceOf(flag.owner, flag.argument?.parse(value) ?? switchValue(value));
      if (instance instanceof Refusal) errors.push(complaint(flag, instance, value));
      else if (instance !== undefined) instances.push(instance);
      continue;
    }
    const parsed = flag.spec.parse(value);
    if (parsed instanceof Refusal) {
      errors.push(complaint(flag, parsed, value));
    } else if (flag.spec.kind === "list") {
      const list = lists.get(flag) ?? [];
      list.push(parsed);
      lists.set(flag, list);
    } else {
      set(options, flag, parsed);
    }
  }
  for (const [flag, list] of lists) set(options, flag, list);
  return { instances, options, errors };
}

function defaults(flags: readonly FlagInfo[]): Map<string, Record<string, unknown>> {
  const options = new Map<string, Record<string, unknown>>();
  for (const flag of flags) {
    if (flag.role === "option") set(options, flag, flag.spec.default);
  }
  return options;
}

function set(
  options: Map<string, Record<string, unknown>>,
  flag: OptionFlag,
  value: unknown,
): void {
  const values = options.get(flag.owner);
  if (values === undefined) options.set(flag.owner, { [flag.key]: value });
  else values[flag.key] = value;
}

function switchValue(value: string): string | undefined | Refusal {
  if (value === "true" || value === "1" || value === "t") return "";
  return value === "false" || value === "0" || value === "f"
    ? undefined
    : new Refusal("must be true or false");
}

function instanceOf(
  name: string,
  argument: string | undefined | Refusal,
): Instance | Refusal | undefined {
  if (argument instanceof Refusal || argument === undefined) return argument;
  return { name, argument };
}

function complaint(flag: FlagInfo, refusal: Refusal, value: string): string {
  return `--${flag.name}: ${refusal.rule}; got ${JSON.stringify(value)}`;
}
