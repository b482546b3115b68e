/**
 * From declarations to flags: the one list that the command line, help, the reference and the errors are made
 * from. Pure data; nothing is parsed here.
 */
import type { ArgumentSpec, Catalogue, ToolDeclaration } from "./define.ts";
import { MASK, maskUserinfo } from "./mask.ts";
import type { OptionSpec, OptionSpecs } from "./option.ts";
import { queueOptionsOf } from "./queue-options.ts";

export type FlagGroup = "Inputs" | "Rules" | "Outputs" | "Running" | "Options";

interface FlagBase {
  /** Without dashes. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly group: FlagGroup;
  /** The declaration it belongs to. */
  readonly owner: string;
  readonly help: string;
  /** Its words on the first page of help, where it belongs there. */
  readonly firstPage: string | undefined;
  readonly example: string | undefined;
  readonly placeholder: string;
}

/** `--output-http URL`, `--output-null`: each occurrence makes one instance. */
export interface InstanceFlag extends FlagBase {
  readonly role: "instance";
  /** Undefined for a switch. */
  readonly argument: ArgumentSpec | undefined;
  /** Aliases of a switch behind which a value is passed over. */
  readonly valuedAliases: readonly string[];
}

/** `--output-http-timeout 5s`: a value shared by all instances of its owner. */
export interface OptionFlag extends FlagBase {
  readonly role: "option";
  readonly key: string;
  readonly spec: OptionSpec<unknown>;
  /** Other declarations that list the same option and get the same value. */
  readonly sharers: readonly string[];
  /** The secret whose value stands in the file that this flag names; it has no value of its own. */
  readonly secretOf: OptionFlag | undefined;
  /** Every output has it. */
  readonly isCommon: boolean;
}

export type FlagInfo = InstanceFlag | OptionFlag;

/** Every flag, in the order help shows them. */
export function flagsOf(catalogue: Catalogue): FlagInfo[] {
  const flags: FlagInfo[] = [];
  for (const input of catalogue.inputs) {
    flags.push(instanceFlag(input, "Inputs"), ...optionFlags(input.name, input.options, "Inputs"));
  }
  for (const relay of catalogue.relays)
    flags.push(...optionFlags(relay.name, relay.options, "Rules"));
  for (const stage of catalogue.stages)
    flags.push(...optionFlags(stage.name, stage.options, "Rules"));
  for (const output of catalogue.outputs) {
    const common = optionFlags(output.name, queueOptionsOf(output.queueFull), "Outputs");
    flags.push(
      instanceFlag(output, "Outputs"),
      ...optionFlags(output.name, output.options, "Outputs"),
      ...common.map((flag) => ({ ...flag, isCommon: true })),
    );
  }
  flags.push(...optionFlags(catalogue.run.name, catalogue.run.options, "Running"));
  return joined(flags);
}

/** An option that several declarations list is one flag, the first one's. */
function joined(flags: readonly FlagInfo[]): FlagInfo[] {
  const sharers = new Map<OptionSpec<unknown>, string[]>();
  const kept: FlagInfo[] = [];
  for (const flag of flags) {
    if (flag.role === "instance" || flag.spec.flag === undefined) {
      kept.push(flag);
      continue;
    }
    const owners = sharers.get(flag.spec);
    if (owners !== undefined) {
      owners.push(flag.owner);
      continue;
    }
    const own: string[] = [];
    sharers.set(flag.spec, own);
    kept.push({ ...flag, sharers: own });
  }
  return kept;
}

/** The flags of a sub-command; no other has them. */
export function toolFlags({ name, options }: ToolDeclaration): FlagInfo[] {
  return optionFlags(name, options, "Options");
}

export function isSwitch(flag: FlagInfo): boolean {
  return flag.role === "instance" ? flag.argument === undefined : flag.spec.kind === "boolean";
}

interface Named {
  readonly name: string;
  readonly summary: string;
  readonly firstPage?: string;
  readonly argument: ArgumentSpec | undefined;
  readonly aliases?: readonly string[];
  readonly valuedAliases?: readonly string[];
}

function instanceFlag(named: Named, group: FlagGroup): InstanceFlag {
  const { name, summary, argument, aliases = [], valuedAliases = [] } = named;
  return {
    role: "instance",
    name,
    aliases: [...aliases, ...valuedAliases],
    valuedAliases,
    group,
    owner: name,
    help: summary,
    firstPage: named.firstPage,
    example: argument?.example,
    placeholder: argument?.placeholder ?? "",
    argument,
  };
}

function optionFlags(owner: string, options: OptionSpecs, group: FlagGroup): OptionFlag[] {
  return Object.entries(options).flatMap(([key, spec]) => {
    const flag = optionFlag(owner, key, spec, group);
    return spec.secret === true ? [flag, fileFlag(flag)] : [flag];
  });
}

function optionFlag(
  owner: string,
  key: string,
  spec: OptionSpec<unknown>,
  group: FlagGroup,
): OptionFlag {
  return {
    role: "option",
    name: spec.flag ?? `${owner}-${spec.suffix ?? kebab(key)}`,
    aliases: spec.aliases ?? [],
    group,
    owner,
    help: spec.help,
    firstPage: spec.firstPage,
    example: spec.example,
    placeholder: spec.placeholder,
    key,
    spec,
    sharers: [],
    secretOf: undefined,
    isCommon: false,
  };
}

/** `--input-tcp-token-file`, beside `--input-tcp-token`. */
function fileFlag(secret: OptionFlag): OptionFlag {
  const { name, owner, key, group, spec } = secret;
  const help = `Read --${name} from this file, ${spec.kind === "list" ? "one a line, " : ""}so that it stands in no list of processes; the variable ${environmentOf(secret) ?? ""} does the same.`;
  const example = `/etc/mirrorball/${name}`;
  const meta = {
    help,
    example,
    default: "",
    kind: spec.kind === "list" ? "list" : "value",
  } as const;
  return {
    ...secret,
    name: `${name}-file`,
    aliases: [],
    help,
    firstPage: undefined,
    example,
    placeholder: "FILE",
    group,
    owner,
    key: `${key}File`,
    spec: { ...meta, placeholder: "FILE", parse: (raw) => raw },
    secretOf: secret,
  };
}

/** The variable of the environment that has a secret; undefined for all other flags. */
export function environmentOf(flag: FlagInfo): string | undefined {
  const isSecret = flag.role === "option" && flag.spec.secret === true;
  return isSecret ? `MIRRORBALL_${flag.name.replaceAll("-", "_").toUpperCase()}` : undefined;
}

/** How a value of this flag is shown to people. */
export function shownValue(flag: FlagInfo, raw: string): string {
  if (flag.role === "instance") return maskUserinfo(raw);
  const { show, secret } = flag.spec;
  return (show ?? (secret === true ? () => MASK : maskUserinfo))(raw);
}

/** `timeoutMs` is `timeout`: the unit is written in the value, `5s`. */
function kebab(key: string): string {
  return key.replace(/(?:Ms|Bytes)$/, "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** How a default reads, or undefined when there is nothing to say. */
export function defaultTextOf(spec: OptionSpec<unknown>): string | undefined {
  if (spec.defaultText !== undefined) return spec.defaultText === "" ? undefined : spec.defaultText;
  const value = spec.default;
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}
