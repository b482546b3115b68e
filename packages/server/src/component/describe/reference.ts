/** The pages of `docs/reference/`, made from the declarations. In: a catalogue. Out: file names and Markdown, and the schema of config files. */
import { reportSchemaText } from "../../core/compare/report/report-schema.ts";
import { configSchema } from "./config-schema.ts";
import type { Catalogue, ToolDeclaration } from "../define.ts";
import { defaultTextOf, flagsOf, toolFlags } from "../flags.ts";
import type { FlagInfo } from "../flags.ts";

export interface ReferencePage {
  /** Relative to `docs/reference/`. */
  readonly file: string;
  readonly content: string;
}

const MADE = "<!-- Made by `npm run docs` from the declarations. Do not edit. -->\n";

/** Where a component of this name is declared, from the root of the project. */
export type SourceOf = (name: string) => string;

/** `sourceOf` makes each page name its file, for readers who look for a flag in the code. */
export function referencePages(catalogue: Catalogue, sourceOf?: SourceOf): ReferencePage[] {
  const flags = flagsOf(catalogue);
  const { inputs, relays, stages, outputs, run } = catalogue;
  const declared = [...inputs, ...relays, ...stages, ...outputs, run];
  const pages = declared.map(({ name, summary }) => ({
    file: `${name}.md`,
    content: page(name, summary, sourceLine(name, sourceOf), flags),
  }));
  const rows = declared.map(({ name, summary }) => `- [${name}](${name}.md): ${summary}\n`);
  rows.push("- [config.schema.json](config.schema.json): the JSON schema of `--config` files\n");
  rows.push(
    "- [compare-report.schema.json](compare-report.schema.json): the JSON schema of a comparison's report\n",
  );
  const tools = catalogue.tools.map((tool) => ({
    file: `${tool.name}.md`,
    content: toolPage(tool, sourceLine(tool.name, sourceOf)),
  }));
  const toolRows = catalogue.tools.map(
    ({ name, summary }) => `- [mirrorball ${name}](${name}.md): ${summary}\n`,
  );
  const index = `${MADE}\n# Reference\n\n${rows.join("")}${toolRows.join("")}\n${allFlags(flags)}`;
  return [
    { file: "README.md", content: index },
    { file: "config.schema.json", content: configSchema(flags) },
    { file: "compare-report.schema.json", content: reportSchemaText() },
    ...pages,
    ...tools,
  ];
}

function sourceLine(name: string, sourceOf: SourceOf | undefined): string {
  if (sourceOf === undefined) return "";
  const path = sourceOf(name);
  return `Declared in [${path}](../../${path}).\n\n`;
}

function page(name: string, summary: string, source: string, flags: readonly FlagInfo[]): string {
  const own = flags.filter(
    (flag) => flag.owner === name || (flag.role === "option" && flag.sharers.includes(name)),
  );
  return `${MADE}\n# ${name}\n\n${summary}\n\n${source}${own.map(section).join("\n")}`;
}

function toolPage(tool: ToolDeclaration, source: string): string {
  const { name, summary, operands, example } = tool;
  const usage = `\`\`\`sh\nmirrorball ${name} ${operands.join(" ")} [flags]\n${example}\n\`\`\``;
  const flags = toolFlags(tool).map(section).join("\n");
  return `${MADE}\n# mirrorball ${name}\n\n${summary}\n\n${source}${usage}\n\n${flags}`;
}

function section(flag: FlagInfo): string {
  const facts: string[] = [];
  if (flag.role === "option") {
    const text = defaultTextOf(flag.spec);
    if (text !== undefined) facts.push(`- Default: \`${text}\`\n`);
  }
  if (flag.role === "option" ? flag.spec.kind === "list" : flag.argument !== undefined) {
    facts.push("- May be repeated\n");
  }
  if (flag.example !== undefined) facts.push(`- Example: \`--${flag.name} ${flag.example}\`\n`);
  if (flag.aliases.length > 0) facts.push(`- Also: \`--${flag.aliases.join("`, `--")}\`\n`);
  const list = facts.length === 0 ? "" : `\n${facts.join("")}`;
  return `## \`--${flag.name}${value(flag)}\`\n\n${flag.help}\n${list}`;
}

function allFlags(flags: readonly FlagInfo[]): string {
  const rows = flags.map(
    (flag) =>
      `| [\`--${flag.name}${value(flag).replaceAll("|", "\\|")}\`](${flag.owner}.md) | ${flag.help} |\n`,
  );
  return `## Every flag\n\n| flag | meaning |\n| --- | --- |\n${rows.join("")}`;
}

function value(flag: FlagInfo): string {
  return flag.placeholder === "" ? "" : ` ${flag.placeholder}`;
}
