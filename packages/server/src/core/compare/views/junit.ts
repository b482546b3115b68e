/** The report as JUnit XML, for CI: a test case an endpoint, a failure a difference that counts. Pure. */
import type { DifferenceReport, EndpointReport, Report } from "../report/report.ts";

export function junitView({ endpoints, verdict, remarks }: Report): string {
  const failures = endpoints.filter((each) => each.verdict === "different").length;
  const cases = endpoints.map(testCase);
  // Nothing compared must not look green.
  const isUnknown = verdict === "inconclusive";
  if (isUnknown) {
    cases.push(
      `    <testcase classname="mirrorball" name="comparison"><error message="${escaped(remarks.join("; "))}"/></testcase>`,
    );
  }
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="mirrorball" tests="${cases.length}" failures="${failures}" errors="${isUnknown ? 1 : 0}">`,
    `  <testsuite name="mirrorball.compare" tests="${cases.length}" failures="${failures}" errors="${isUnknown ? 1 : 0}">`,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function testCase({ method, route, requests, verdict, differences }: EndpointReport): string {
  const open = `    <testcase classname="mirrorball" name="${escaped(`${method} ${route}`)}" assertions="${requests}"`;
  const counting = differences.filter(({ rule }) => rule === undefined);
  if (verdict === "same" || counting.length === 0) return `${open}/>`;
  const text = counting.map(line).join("\n");
  const [first] = counting;
  const message = first === undefined ? "" : line(first).split("\n", 1)[0];
  return `${open}><failure message="${escaped(message ?? "")}">${escaped(text)}</failure></testcase>`;
}

function line({
  part,
  path,
  kind,
  count,
  of,
  severity,
  examples: [example],
}: DifferenceReport): string {
  const place = `${part} ${path}`.trim();
  const shown =
    example === undefined
      ? ""
      : `\n  ${example.original ?? "(nothing)"} -> ${example.replayed ?? "(nothing)"} (${example.id})`;
  return `${severity}: ${place}: ${kind}, ${count} of ${of}${shown}`;
}

/** Characters that XML 1.0 does not allow at all become a replacement character. */
export function escaped(text: string): string {
  let out = "";
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (char === "&") out += "&amp;";
    else if (char === "<") out += "&lt;";
    else if (char === ">") out += "&gt;";
    else if (char === '"') out += "&quot;";
    else if (char === "\n" || char === "\t" || char === "\r") out += `&#${code};`;
    else if (
      code < 0x20 ||
      code === 0xfffe ||
      code === 0xffff ||
      (code >= 0xd800 && code <= 0xdfff)
    )
      out += "\ufffd";
    else out += char;
  }
  return out;
}
