/** `--help`, made from the flags. In: flags. Out: text of at most 100 columns. */
import type { ToolDeclaration } from "./define.ts";
import { defaultTextOf, toolFlags } from "./flags.ts";
import type { FlagGroup, FlagInfo } from "./flags.ts";

const GROUPS: readonly FlagGroup[] = ["Inputs", "Rules", "Outputs", "Running"];
const COLUMNS = 100;
const INDENT = 6;

/** `commands` are the sub-commands beside a run. */
export function helpText(
  flags: readonly FlagInfo[],
  version: string,
  commands: readonly { readonly name: string; readonly summary: string }[] = [],
): string {
  const sections = GROUPS.map((group) => {
    const members = flags.filter((flag) => flag.group === group);
    if (members.length === 0) return "";
    return `\n${group}\n${members.map(entry).join("")}`;
  });
  return [
    `mirrorball ${version}: copy HTTP traffic and replay it elsewhere, live or later.\n`,
    "\nUsage: mirrorball --input-… --output-… [flags]; at least one input and one output.\n",
    "  mirrorball --input-tcp :28020 --output-http http://staging:8080\n",
    "\n  mirrorball check …  validates flags and a config file without running them, and prints the plan.\n",
    ...(commands.length === 0 ? [] : ["\nOther commands; each has its own --help\n"]),
    ...commands.map(({ name, summary }) => `  mirrorball ${name}\n${wrap(summary)}`),
    "\n-flag and --flag, =VALUE and a following VALUE mean the same. Inputs and outputs may be repeated.\n",
    ...sections,
    "\n  --help, -h\n      This text.\n  --version\n      The version.\n",
  ].join("");
}

/** The text behind `mirrorball NAME --help`. */
export function toolHelpText(tool: ToolDeclaration): string {
  const { name, summary, operands, example } = tool;
  return [
    `mirrorball ${name}: ${summary}\n`.replaceAll(/(.{1,99})(?:\s|$)/g, "$1\n"),
    `\nUsage: mirrorball ${name} ${operands.join(" ")} [flags]\n`,
    `  ${example}\n\nOptions\n`,
    ...toolFlags(tool).map(entry),
    "  --help, -h\n      This text.\n",
  ].join("");
}

function entry(flag: FlagInfo): string {
  const value = flag.placeholder === "" ? "" : ` ${flag.placeholder}`;
  return `  --${flag.name}${value}\n${wrap(describe(flag))}`;
}

function describe(flag: FlagInfo): string {
  const notes: string[] = [];
  if (flag.role === "option") {
    const text = defaultTextOf(flag.spec);
    if (text !== undefined) notes.push(`default ${text}`);
  }
  if (flag.example !== undefined) notes.push(`example ${flag.example}`);
  if (flag.aliases.length > 0) notes.push(`also --${flag.aliases.join(", --")}`);
  return notes.length === 0 ? flag.help : `${flag.help} (${notes.join("; ")})`;
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
