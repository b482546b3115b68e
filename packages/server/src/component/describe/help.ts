/**
 * What `--help` prints, made from the declarations. In: a catalogue. Out: text: a first page that fits a screen, and pages of at most
 * 100 columns for all flags, a group of them, a component, a flag or a command. What every output has is told once.
 */
import { suggested } from "../argv.ts";
import type { Catalogue, ToolDeclaration } from "../define.ts";
import { defaultTextOf, environmentOf, flagsOf, toolFlags } from "../flags.ts";
import type { FlagGroup, FlagInfo, OptionFlag } from "../flags.ts";

const GROUPS: readonly FlagGroup[] = ["Inputs", "Rules", "Outputs", "Running"];
const COLUMNS = 100;
const INDENT = 6;
/** Where the first page's second column begins. */
const BRIEF_COLUMN = 34;

/** A sub-command as the first page shows it, in a few words. */
export interface HelpCommand {
  readonly name: string;
  readonly firstPage: string;
}

/** What to print when nothing more is asked for. */
export function firstPage(
  catalogue: Catalogue,
  version: string,
  commands: readonly HelpCommand[],
): string {
  const flags = flagsOf(catalogue);
  const brief = flags.flatMap(({ name, placeholder, firstPage: words }) =>
    words === undefined ? [] : row(`--${name} ${placeholder}`, words),
  );
  const examples = catalogue.run.examples.map(
    ({ does, args }) => `  ${does}\n    mirrorball ${args.map(quoted).join(" ")}\n`,
  );
  return [
    `mirrorball ${version}: copy HTTP traffic and replay it elsewhere, live or later.\n`,
    "\nUsage: mirrorball --input-… --output-… [flags]\n",
    ...brief,
    "\nExamples\n",
    ...examples,
    "\nCommands\n",
    ...commands.map(({ name, firstPage: words }) => row(`mirrorball ${name}`, words)),
    `\nMore: mirrorball help all (${flags.length} flags), mirrorball help X, X --help, --help X,\n`,
    "where X is a flag, a command, or one of inputs, rules, outputs, running.\n",
  ].join("");
}

/** The page of a topic; undefined when there is none of that name. Dashes in front of it are passed over. */
export function helpOn(topic: string, catalogue: Catalogue): string | undefined {
  const name = topic.replace(/^--?/, "").split("=", 1).join("").toLowerCase();
  const flags = flagsOf(catalogue);
  if (name === "all") return sections(flags, GROUPS);
  const group = GROUPS.find((each) => each.toLowerCase() === name);
  if (group !== undefined) return sections(flags, [group]);
  const tool = catalogue.tools.find((each) => each.name === name);
  if (tool !== undefined) return toolHelpText(tool);
  const flag = flags.find((each) => each.name === name || each.aliases.includes(name));
  if (flag?.role === "option") return flagPage(flag, flags);
  return componentPage(flag?.owner ?? name, catalogue, flags) ?? pageOfMatches(name, flags);
}

/** Flags with this in their name. */
function pageOfMatches(name: string, flags: readonly FlagInfo[]): string | undefined {
  const found = flags.filter((flag) => !isCommon(flag) && flag.name.includes(name));
  const common = flags.filter((flag) => isCommon(flag) && suffixOf(flag).includes(name));
  const texts = [...entries(found), ...(common.length === 0 ? [] : commonEntries(common))];
  return texts.length === 0 ? undefined : texts.join("");
}

/** What stands behind its owner's name. */
function suffixOf({ name, owner }: FlagInfo): string {
  return name.slice(owner.length);
}

/** What a mistyped topic may have meant; undefined when nothing comes near. */
export function topicLike(topic: string, catalogue: Catalogue): string | undefined {
  const names = flagsOf(catalogue).map(({ name }) => name);
  const words = [...GROUPS.map((each) => each.toLowerCase()), ...catalogue.tools.map((t) => t.name)]; // prettier-ignore
  return suggested(topic.replace(/^--?/, ""), ["all", ...words, ...names]);
}

/** The text behind `mirrorball NAME --help`. */
export function toolHelpText(tool: ToolDeclaration): string {
  const { name, summary, operands, example } = tool;
  return [
    `mirrorball ${name}: ${summary}\n`.replaceAll(/(.{1,99})(?:\s|$)/g, "$1\n"),
    `\nUsage: mirrorball ${name} ${operands.join(" ")} [flags]\n`,
    `  ${example}\n\nOptions\n`,
    ...entries(toolFlags(tool)),
    "  --help, -h\n      This text.\n",
  ].join("");
}

function sections(flags: readonly FlagInfo[], groups: readonly FlagGroup[]): string {
  const own = flags.filter((flag) => !isCommon(flag));
  const texts = groups.map((group) => {
    const lines = [`${group}\n`, ...entries(own.filter((flag) => flag.group === group))];
    if (group === "Outputs") lines.push(...commonEntries(flags));
    return lines.join("");
  });
  const grammar =
    "-flag and --flag, =VALUE and a following VALUE mean the same. Inputs and outputs may be repeated.\n";
  return `${grammar}\n${texts.join("\n")}`;
}

/** Each option that every output has, once; where an output has another default, that is said. */
function commonEntries(flags: readonly FlagInfo[]): string[] {
  const first = new Map<string, OptionFlag>();
  const others = new Map<string, string[]>();
  for (const flag of flags.filter(isCommon)) {
    const known = first.get(flag.key);
    if (known === undefined) first.set(flag.key, flag);
    else if (known.spec.default !== flag.spec.default) {
      const note = `${defaultTextOf(flag.spec) ?? ""} for --${flag.owner}`;
      others.set(flag.key, [...(others.get(flag.key) ?? []), note]);
    }
  }
  const texts = [...first.values()].map((flag) => {
    return entry({ ...flag, name: `output-…${suffixOf(flag)}` }, others.get(flag.key));
  });
  return ["  Every output has, with its own name for output-…:\n", ...texts];
}

function flagPage(flag: OptionFlag, flags: readonly FlagInfo[]): string {
  const whose = [flag.owner, ...flag.sharers].join(", ");
  const shown = flag.secretOf === undefined ? entryOf(flag) : entry(flag);
  const more = flags.filter(({ owner }) => owner === flag.owner).length > 1;
  return `${shown}  Of ${whose}${more ? `; see mirrorball help ${flag.owner}` : ""}.\n`;
}

function componentPage(
  name: string,
  { inputs, relays, stages, outputs, run }: Catalogue,
  flags: readonly FlagInfo[],
): string | undefined {
  const found = [...inputs, ...relays, ...stages, ...outputs, run].find((one) => one.name === name);
  if (found === undefined) return undefined;
  const own = flags.filter(
    (flag) => flag.owner === name || (flag.role === "option" && flag.sharers.includes(name)),
  );
  const isInput = own[0]?.role === "instance";
  // Its first flag says what it does.
  return `${isInput ? "" : `${name}: ${found.summary}\n\n`}${entries(own).join("")}`;
}

function isCommon(flag: FlagInfo): flag is OptionFlag {
  return flag.role === "option" && flag.isCommon;
}

/** A secret's file is told beside the secret. */
function entries(flags: readonly FlagInfo[]): string[] {
  return flags.flatMap((flag) =>
    flag.role === "option" && flag.secretOf !== undefined ? [] : [entryOf(flag)],
  );
}

function entryOf(flag: FlagInfo): string {
  const variable = environmentOf(flag);
  return variable === undefined
    ? entry(flag)
    : entry(flag, [`or from a file by --${flag.name}-file FILE, or from the variable ${variable}`]);
}

function entry(flag: FlagInfo, more: readonly string[] = []): string {
  const value = flag.placeholder === "" ? "" : ` ${flag.placeholder}`;
  return `  --${flag.name}${value}\n${wrap(describe(flag, more))}`;
}

function describe(flag: FlagInfo, more: readonly string[]): string {
  const notes: string[] = [];
  if (flag.role === "option") {
    const text = defaultTextOf(flag.spec);
    if (text !== undefined) notes.push(`default ${text}`);
  }
  notes.push(...more);
  if (flag.example !== undefined) notes.push(`example ${flag.example}`);
  if (flag.aliases.length > 0) notes.push(`also --${flag.aliases.join(", --")}`);
  return notes.length === 0 ? flag.help : `${flag.help} (${notes.join("; ")})`;
}

function row(left: string, right: string): string {
  return `  ${left.trim().padEnd(BRIEF_COLUMN - 3)} ${right}\n`;
}

/** As a shell wants it. */
function quoted(word: string): string {
  return /^[\w./:-]+$/.test(word) ? word : `'${word}'`;
}

function wrap(sentence: string): string {
  const lines: string[] = [];
  let line = " ".repeat(INDENT - 1);
  for (const word of sentence.split(" ")) {
    if (line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = " ".repeat(INDENT - 1);
    }
    line += ` ${word}`;
  }
  lines.push(line);
  return `${lines.join("\n")}\n`;
}
