/** `--help`, made from the flags. In: flags. Out: text of at most 100 columns. */
import { defaultTextOf } from "./flags.ts";
import type { FlagGroup, FlagInfo } from "./flags.ts";

const GROUPS: readonly FlagGroup[] = ["Inputs", "Rules", "Outputs", "Running"];
const COLUMNS = 100;
const INDENT = 6;

export function helpText(flags: readonly FlagInfo[], version: string): string {
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
    "\n-flag and --flag, =VALUE and a following VALUE mean the same. Inputs and outputs may be repeated.\n",
    ...sections,
    "\n  --help, -h\n      This text.\n  --version\n      The version.\n",
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
