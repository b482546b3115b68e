/**
 * From raw flags to typed values, or to every error at once. Each error is one line that names the flag, the
 * rule and the value. Knows nothing of argv: a config file gives raw flags as well.
 */
import type { RawFlag } from "./argv.ts";
import type { Limit } from "../core/limit/limiter.ts";
import { shownValue } from "./flags.ts";
import type { FlagInfo, InstanceFlag, OptionFlag } from "./flags.ts";
import { splitLimit } from "./limit-suffix.ts";
import { MASK } from "./mask.ts";
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
  /** Options that were given another value than their default, as they were written. */
  readonly changed: readonly { readonly flag: OptionFlag; readonly value: string }[];
  readonly errors: readonly string[];
}

/** `secrets.ts` has put secrets in place before. Later values win, lists grow, inputs and outputs add up; a switch that is an output is on or off. */
export function resolve(raw: readonly RawFlag[], flags: readonly FlagInfo[]): Resolved {
  const errors: string[] = [];
  const instances = new Map<RawFlag | InstanceFlag, Instance>();
  const options = defaults(flags);
  const given = new Map<OptionFlag, { readonly parsed: unknown[]; texts: string[] }>();
  for (const one of raw) {
    const { flag, value } = one;
    if (flag.role === "instance") {
      // A switch is one instance, however often it is said.
      const key = flag.argument === undefined ? flag : one;
      const instance = instanceOf(flag, value);
      if (instance instanceof Refusal) errors.push(complaint(one, instance));
      else if (instance === undefined) instances.delete(key);
      else instances.set(key, instance);
      continue;
    }
    const parsed = flag.spec.parse(value);
    if (parsed instanceof Refusal) {
      errors.push(complaint(one, parsed));
      continue;
    }
    const before = flag.spec.kind === "list" ? given.get(flag) : undefined;
    // The parser of a list makes a list of one.
    const items: unknown[] = flag.spec.kind === "list" && Array.isArray(parsed) ? parsed : [parsed];
    given.set(flag, {
      parsed: [...(before?.parsed ?? []), ...items],
      texts: [...(before?.texts ?? []), value],
    });
  }
  const changed: { flag: OptionFlag; value: string }[] = [];
  for (const [flag, { parsed, texts }] of given) {
    set(options, flag, flag.spec.kind === "list" ? parsed : parsed[0]);
    if (flag.spec.kind !== "list" && parsed[0] === flag.spec.default) continue;
    for (const value of texts) changed.push({ flag, value });
  }
  return { instances: [...instances.values()], options, changed, errors };
}

function defaults(flags: readonly FlagInfo[]): Map<string, Record<string, unknown>> {
  const options = new Map<string, Record<string, unknown>>();
  for (const flag of flags) {
    if (flag.role === "option" && flag.secretOf === undefined)
      set(options, flag, flag.spec.default);
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

function complaint({ flag, value, origin }: RawFlag, { rule }: Refusal): string {
  const name = origin === undefined ? `--${flag.name}` : `${origin}: ${flag.name}`;
  const shown = shownValue(flag, value);
  const safeRule = shown === value ? rule : withoutQuotes(rule, value);
  return shown === MASK
    ? `${name}: ${safeRule}`
    : `${name}: ${safeRule}; got ${JSON.stringify(shown)}`;
}

/** A rule may quote what broke it: the value, or a piece of it. */
function withoutQuotes(rule: string, value: string): string {
  return rule.replaceAll(/`[^`]*`|"[^"]*"/g, (quoted) =>
    value.includes(quoted.slice(1, -1)) ? MASK : quoted,
  );
}
