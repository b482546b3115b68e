/**
 * From raw flags to typed values, or to every error at once. Each error is one line that names the flag, the
 * rule and the value. Knows nothing of argv: a config file gives raw flags as well.
 */
import type { RawFlag } from "./argv.ts";
import type { Limit } from "../core/limit/limiter.ts";
import type { FlagInfo, InstanceFlag, OptionFlag } from "./flags.ts";
import { splitLimit } from "./limit-suffix.ts";
import { Refusal } from "./option.ts";

interface Instance {
  /** The declaration's name. */
  readonly name: string;
  /** Without its `|LIMIT`. */
  readonly argument: string;
  readonly limit: Limit | undefined;
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
      const instance = instanceOf(flag, value);
      if (instance instanceof Refusal) errors.push(complaint(flag, instance, value));
      else if (instance !== undefined) instances.push(instance);
      continue;
    }
    const parsed = flag.spec.parse(value);
    if (parsed instanceof Refusal) {
      errors.push(complaint(flag, parsed, value));
    } else if (flag.spec.kind === "list") {
      const list = lists.get(flag) ?? [];
      // The parser of a list makes a list of one.
      list.push(...(Array.isArray(parsed) ? parsed : [parsed]));
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
  for (const owner of [flag.owner, ...flag.sharers]) {
    const values = options.get(owner);
    if (values === undefined) options.set(owner, { [flag.key]: value });
    else values[flag.key] = value;
  }
}

function switchValue(value: string): "" | undefined | Refusal {
  if (value === "true" || value === "1" || value === "t") return "";
  return value === "false" || value === "0" || value === "f"
    ? undefined
    : new Refusal("must be true or false");
}

/** Undefined for a switch that is off. */
function instanceOf(flag: InstanceFlag, value: string): Instance | Refusal | undefined {
  if (flag.argument === undefined) {
    const on = switchValue(value);
    return on === "" ? { name: flag.owner, argument: on, limit: undefined } : on;
  }
  const limited = splitLimit(value);
  if (limited instanceof Refusal) return limited;
  const argument = flag.argument.parse(limited.argument);
  return argument instanceof Refusal
    ? argument
    : { name: flag.owner, argument, limit: limited.limit };
}

function complaint(flag: FlagInfo, refusal: Refusal, value: string): string {
  return `--${flag.name}: ${refusal.rule}; got ${JSON.stringify(value)}`;
}
