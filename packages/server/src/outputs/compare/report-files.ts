/**
 * Writes a report in the form that a file's name says: `.json`, `.html`, `.xml` (JUnit), `.md`, `-` for the terminal. In: names and a
 * report. A file that cannot be written is known before anything is sent; a written one is never half there.
 */
import { closeSync, existsSync, openSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import type { ByteSink } from "../../component/types.ts";
import type { Report } from "../../core/compare/report/report.ts";
import { htmlView } from "../../core/compare/views/html.ts";
import { junitView } from "../../core/compare/views/junit.ts";
import { markdownView } from "../../core/compare/views/markdown.ts";
import { textView } from "../../core/compare/views/text.ts";
import { TERMINAL, endingOf } from "./report-names.ts";
import type { ReportEnding } from "./report-names.ts";

type View = (report: Report) => string;

const VIEWS: Readonly<Record<ReportEnding, View>> = {
  ".json": (report) => `${JSON.stringify(report, undefined, 2)}\n`,
  ".html": htmlView,
  ".xml": junitView,
  ".md": markdownView,
};

function viewOf(name: string): View | undefined {
  if (name === TERMINAL) return textView;
  const ending = endingOf(name);
  return ending === undefined ? undefined : VIEWS[ending];
}

/** Throws a sentence when the file cannot be written. What stands there is left alone. */
export function checkWritable(name: string): void {
  if (name === TERMINAL) return;
  const isNew = !existsSync(name);
  try {
    closeSync(openSync(name, "a"));
    // A run that breaks leaves no empty report behind.
    if (isNew) unlinkSync(name);
  } catch (error) {
    throw new Error(
      `cannot write ${name}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

export async function writeReport(name: string, report: Report, stdout: ByteSink): Promise<void> {
  const text = viewOf(name)?.(report) ?? "";
  if (name === TERMINAL) {
    await stdout.write(text);
    return;
  }
  writeFileSync(`${name}.partial`, text);
  renameSync(`${name}.partial`, name);
}
