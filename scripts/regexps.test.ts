/**
 * Regular expressions that can take the square of a text's length are how one request stops a process: no source may hold
 * one. Every literal is checked; expressions made at run time are named here, each with what bounds it.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";
import { analyse } from "scslre";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Where expressions are made at run time, and why none of them is slow. */
const MADE_AT_RUN_TIME: Readonly<Record<string, number>> = {
  // Simple patterns only, on subjects so short that the steps are bounded; all others are RE2's.
  "packages/server/src/core/regexp/native.ts": 1,
  // The user's own, tried out on texts made to hurt before they are taken, given up when they take too long.
  "packages/sdk/src/redact/patterns.ts": 2,
};

interface Found {
  readonly literals: { readonly pattern: string; readonly flags: string }[];
  made: number;
}

function expressionsIn(file: string, source: string): Found {
  const found: Found = { literals: [], made: 0 };
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const item of node) visit(item);
    if (typeof node !== "object" || node === null || Array.isArray(node)) return;
    if ("regex" in node && isLiteral(node.regex)) found.literals.push(node.regex);
    if ("callee" in node && nameOf(node.callee) === "RegExp") found.made += 1;
    for (const value of Object.values(node)) visit(value);
  };
  visit(parseSync(file, source).program.body);
  return found;
}

function isLiteral(regex: unknown): regex is { pattern: string; flags: string } {
  return typeof regex === "object" && regex !== null && "pattern" in regex && "flags" in regex;
}

function nameOf(callee: unknown): unknown {
  return typeof callee === "object" && callee !== null && "name" in callee
    ? callee.name
    : undefined;
}

function slowIn({ literals }: Found): string[] {
  return literals
    .filter(({ pattern, flags }) => analyse({ source: pattern, flags }).reports.length > 0)
    .map(({ pattern, flags }) => `/${pattern}/${flags}`);
}

const sources = readdirSync(`${root}packages`)
  .flatMap((name) => [`packages/${name}/src`, `packages/${name}/bin`])
  .filter((folder) => existsSync(root + folder))
  .flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: "utf8" }).map(
      (file) => `${folder}/${file}`,
    ),
  )
  .filter((file) => /\.[cm]?[jt]sx?$/.test(file) && !file.includes(".test."));

describe("no expression takes more than linear time", () => {
  it("finds the sources", () => expect(sources.length).toBeGreaterThan(250));

  it.each(sources)("%s", (file) => {
    const found = expressionsIn(file, readFileSync(`${root}${file}`, "utf8"));
    expect(slowIn(found)).toEqual([]);
    expect(found.made).toBe(MADE_AT_RUN_TIME[file] ?? 0);
  });
});

it.each([
  ["blanks at the end", "const a = text.replace(/^[ \\t]+|[ \\t]+$/g, '')"],
  ["two that share characters", "if (/^\\s*(?:text)?\\s*(?:;|$)/.test(type)) {}"],
  ["nested repetitions", "const a = /^(?:a+)+$/"],
  ["a search for an end that is not there", "const a = /\\[(?:\\\\.|[^\\]\\\\])*\\]/g"],
])("sees %s", (_what, source) => {
  expect(slowIn(expressionsIn("a.ts", source))).toHaveLength(1);
});

it("sees expressions that are made at run time", () => {
  expect(expressionsIn("a.ts", "new RegExp(a); RegExp(b); RegExp").made).toBe(2);
});
