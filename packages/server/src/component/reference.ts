/** The pages of `docs/reference/`, made from the declarations. In: a catalogue. Out: file names and Markdown, and the schema of config files. */
import { configSchema } from "./config-schema.ts";
import type { Catalogue, ToolDeclaration } from "./define.ts";
import { defaultTextOf, flagsOf, toolFlags } from "./flags.ts";
import type { FlagInfo } from "./flags.ts";

export interface ReferencePage {
  /** Relative to `docs/reference/`. */
  readonly file: string;
  readonly content: string;
}

const MADE = "<!-- Made by `npm run docs` from the declarations. Do not edit. -->\n";

export function referencePages(catalogue: Catalogue): ReferencePage[] {
  const flags = flagsOf(catalogue);
  const { inputs, relays, stages, outputs, run } = catalogue;
  const declared = [...inputs, ...relays, ...stages, ...outputs, run];
  const pages = declared.map(({ name, summary }) => ({
    file: `${name}.md`,
    content: page(name, summary, flags),
  }));
  const rows = declared.map(({ name, summary }) => `- [${name}](${name}.md): ${summary}\n`);
  rows.push("- [config.schema.json](config.schema.json): the JSON schema of `--config` files\n");
  const tools = catalogue.tools.map((tool) => ({
    file: `${tool.name}.md`,
    content: toolPage(tool),
  }));
  const toolRows = catalogue.tools.map(
    ({ name, summary }) => `- [mirrorball ${name}](${name}.md): ${summary}\n`,
  );
  const index = `${MADE}\n# Reference\n\n${rows.join("")}${toolRows.join("")}\n${allFlags(flags)}`;
  return [
    { file: "README.md", content: index },
    { file: "config.schema.json", content: configSchema(flags) },
    ...pages,
    ...tools,
  ];
}

function page(name: string, summary: string, flags: readonly FlagInfo[]): string {
  const own = flags.filter(
    (flag) => flag.owner === name || (flag.role === "option" && flag.sharers.includes(name)),
  );
  return `${MADE}\n# ${name}\n\n${summary}\n\n${own.map(section).join("\n")}`;
}

function toolPage(tool: ToolDeclaration): string {
  const { name, summary, operands, example } = tool;
  const usage = `\`\`\`sh\nmirrorball ${name} ${operands.join(" ")} [flags]\n${example}\n\`\`\``;
  const flags = toolFlags(tool).map(section).join("\n");
  return `${MADE}\n# mirrorball ${name}\n\n${summary}\n\n${usage}\n\n${flags}`;
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
