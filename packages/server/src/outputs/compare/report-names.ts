/** How the name of a report says its form. In: what stands behind a flag. Out: names, and whether each is one we can write. */

/** The terminal, and endings of files. */
export const TERMINAL = "-";
export const REPORT_ENDINGS = [".json", ".html", ".xml", ".md"] as const;
export type ReportEnding = (typeof REPORT_ENDINGS)[number];
export const REPORT_RULE = "must end in .html, .json, .xml or .md, or be - for the terminal";

/** The ending of a name in lower case; undefined when it is none of ours. */
export function endingOf(name: string): ReportEnding | undefined {
  const ending = name.slice(Math.max(0, name.lastIndexOf("."))).toLowerCase();
  return REPORT_ENDINGS.find((known) => known === ending);
}

export function isReportName(name: string): boolean {
  return name === TERMINAL || endingOf(name) !== undefined;
}

/** Several names with commas between. */
export function filesOf(argument: string): string[] {
  return argument.split(",").filter((file) => file !== "");
}
