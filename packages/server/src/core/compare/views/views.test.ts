import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { REPORT_SCHEMA } from "../report/report.ts";
import type { DifferenceReport, Report } from "../report/report.ts";
import { htmlView } from "./html.ts";
import { junitView } from "./junit.ts";
import { markdownView } from "./markdown.ts";
import { textView } from "./text.ts";

/** A report in which everything that was captured is `text`. */
function reportOf(text: string): Report {
  const difference: DifferenceReport = {
    part: "body",
    path: text,
    kind: "value",
    count: 3,
    of: 9,
    share: 1 / 3,
    interval: [0.1, 0.6],
    evidence: 12,
    severity: "critical",
    examples: [{ id: text, original: text, replayed: null, control: text, where: text }],
    consequences: [{ method: text, route: text, part: "header", path: text, count: 1 }],
  };
  const percentiles = { p50: 1, p95: 2, p99: 3 };
  const rule = { action: "accept", owner: text, reason: text } as const;
  return {
    schema: REPORT_SCHEMA,
    verdict: "different",
    remarks: [text],
    exchanges: {
      sent: 9,
      compared: 9,
      statusAlike: 9,
      unpaired: 1,
      failed: 1,
      setAside: 1,
      skipped: { [text]: 1 },
    },
    correlation: { learned: 1, used: 1, waited: 1, missed: { [text]: 1 } },
    endpoints: [
      {
        method: text,
        route: text,
        requests: 9,
        verdict: "different",
        differences: [difference, { ...difference, rule }],
        noise: [{ part: "header", path: text, why: text, count: 1, of: 9 }],
      },
    ],
    latency: [
      {
        method: text,
        route: text,
        original: percentiles,
        replayed: percentiles,
        control: null,
        ratio: 2,
        interval: [1, 3],
      },
    ],
  };
}

const HOSTILE = [
  ..."<>&\"'`|\\\n\r[]()!*_#a".split(""),
  "]]>",
  "-->",
  "<script>",
  "</td>",
  "\u0000",
  "\u001b[2J",
  "\u009b2J",
  "\u202e",
  "\ud800",
  "\uffff",
  "é",
  "💥",
  "http://x.test",
  "www.x.test",
];
const hostile = fc
  .array(fc.constantFrom(...HOSTILE), { minLength: 1, maxLength: 30 })
  .map((parts) => parts.join(""));

/** The tags and what is between them, attribute values left out; throws for what no browser reads as we meant it. */
function tagsOf(html: string): string[] {
  const tags: string[] = [];
  for (const [, tag = ""] of html.matchAll(/<(\/?[a-z!][^>]*)>/gi))
    tags.push(tag.replaceAll(/"[^"]*"/g, '""'));
  return tags;
}

describe("what was captured is never markup", () => {
  it("in HTML: the tags are those of a harmless report", () => {
    const tags = tagsOf(htmlView(reportOf("a")));
    fc.assert(
      fc.property(hostile, (text) => {
        expect(tagsOf(htmlView(reportOf(text)))).toEqual(tags);
      }),
    );
  });

  it("in JUnit: the elements are those of a harmless report, and every character is allowed", () => {
    const tags = tagsOf(junitView(reportOf("a")));
    fc.assert(
      fc.property(hostile, (text) => {
        const xml = junitView(reportOf(text));
        expect(tagsOf(xml)).toEqual(tags);
        // oxlint-disable-next-line no-control-regex -- what XML 1.0 forbids
        expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
        expect(xml).not.toContain("]]>");
        expect(Buffer.from(xml).toString()).toBe(xml);
      }),
    );
  });

  it("in Markdown: rows, cells and marks are those of a harmless report", () => {
    const bones = (text: string): string =>
      markdownView(reportOf(text)).replaceAll(/<code>[^<|\n]*<\/code>/g, "<code>");
    const harmless = bones("a")
      .split("\n")
      .filter((line) => line.startsWith("|"));
    fc.assert(
      fc.property(hostile, (text) => {
        const view = markdownView(reportOf(text));
        expect(
          bones(text)
            .split("\n")
            .filter((line) => line.startsWith("|")),
        ).toEqual(harmless);
        expect(view).not.toMatch(/<(?!\/?code>)/);
        for (const [, inside = ""] of view.matchAll(/<code>(.*?)<\/code>/g)) {
          expect(inside).toMatch(/^(?:[\p{L}\p{N} …]|&#\d+;)*$/u);
        }
      }),
    );
  });

  it("on a terminal: nothing is left that it would obey", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const view = textView(reportOf(text));
        // oxlint-disable-next-line no-control-regex -- what terminals obey
        expect(view).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      }),
    );
  });
});

describe("every view says the verdict", () => {
  it.each(["same", "different", "inconclusive"] as const)("%s", (verdict) => {
    const report: Report = { ...reportOf("a"), verdict };
    expect(htmlView(report)).toContain(`<h1 class="${verdict}">`);
    expect(markdownView(report)).toContain(`mirrorball: ${verdict}`);
    expect(textView(report)).toContain(verdict.toUpperCase());
    // Nothing compared must not look green to CI.
    expect(junitView(report).includes("<error")).toBe(verdict === "inconclusive");
  });
});

it("the terminal's view of a large report fits a screen", () => {
  const one = reportOf("a");
  const endpoints = Array.from({ length: 300 }, () => one.endpoints).flat();
  const view = textView({
    ...one,
    endpoints,
    latency: Array.from({ length: 300 }, () => one.latency).flat(),
  });
  expect(view.split("\n").length).toBeLessThan(75);
  expect(view.split("\n", 1)[0]).toContain("DIFFERENT");
});
