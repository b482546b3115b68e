/** The report in Markdown, for a comment on a change: a verdict, a table of differences, what is noise. Pure. */
import { printable } from "@mirrorball/protocol";
import type { Report } from "../report/report.ts";

const ROWS_MAX = 50;

export function markdownView(report: Report): string {
  const { verdict, exchanges, endpoints, remarks } = report;
  const lines = [
    `## mirrorball: ${verdict}`,
    "",
    `${exchanges.compared} exchanges compared, ${exchanges.statusAlike} with the same status.`,
    ...remarks.map((remark) => `- ${remarkText(remark)}`),
    "",
  ];
  const rows = endpoints.flatMap(({ method, route, differences }) =>
    differences.map(
      ({ severity, part, path, kind, count, of, examples: [example], consequences }) => {
        const shown =
          example === undefined ? "" : `${code(example.original)} → ${code(example.replayed)}`;
        const after = consequences.length === 0 ? "" : ` (and ${consequences.length} consequences)`;
        return `| ${severity} | ${code(`${method} ${route}`)} | ${part} ${path === "" ? "" : code(path)} | ${kind} | ${count}/${of}${after} | ${shown} |`;
      },
    ),
  );
  if (rows.length > 0) {
    lines.push(
      "| severity | endpoint | place | kind | exchanges | example |",
      "| --- | --- | --- | --- | --- | --- |",
    );
    lines.push(...rows.slice(0, ROWS_MAX));
    if (rows.length > ROWS_MAX) lines.push("", `and ${rows.length - ROWS_MAX} more`);
    lines.push("");
  }
  lines.push(...commands(report));
  const noisy = endpoints.reduce((sum, { noise }) => sum + noise.length, 0);
  lines.push(
    `${noisy} places vary for reasons that are known; the JSON and HTML reports list them.`,
    "",
  );
  return lines.join("\n");
}

/** Commands for a shell: text that is to be copied stands in fences, which nothing captured can end. */
const COMMANDS_MAX = 10;

function commands({ endpoints }: Report): string[] {
  const shown = endpoints
    .flatMap(({ differences }) => differences)
    .flatMap(({ examples: [example] }) => {
      const { mirrorball, curl } = example?.replay ?? {};
      return mirrorball ?? curl ?? [];
    });
  const distinct = [...new Set(shown)].slice(0, COMMANDS_MAX);
  if (distinct.length === 0) return [];
  const fences = distinct.flatMap((command) => {
    const longest = (command.match(/`+/g) ?? []).reduce((x, y) => Math.max(x, y.length), 2);
    const fence = "`".repeat(longest + 1);
    return [`${fence}sh`, command, fence, ""];
  });
  return ["To see one of them again:", "", ...fences];
}

const SHOWN_CHARS_MAX = 80;

/** What was captured stays inside its cell and its code, whatever marks it holds: all but letters and digits are written as references. */
function code(text: string | null): string {
  if (text === null) return "(nothing)";
  const short = text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
  return `<code>${cell(short)}</code>`;
}

function cell(text: string): string {
  return printable(text).replaceAll(
    /[^\p{L}\p{N} …→]/gu,
    (char) => `&#${char.codePointAt(0) ?? 0};`,
  );
}

/** Sentences of ours, with what a rule's author wrote in them. */
function remarkText(text: string): string {
  return printable(text).replaceAll(/[\\`*_[\]<>|&]/g, (char) => `&#${char.codePointAt(0) ?? 0};`);
}
