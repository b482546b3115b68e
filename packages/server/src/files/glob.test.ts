// Patterns as Go's filepath.Glob reads them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { glob } from "./glob.ts";
import { recordings } from "./recordings.ts";

const folder = mkdtempSync(join(tmpdir(), "mirrorball-glob-"));
const names = [
  "r_0.gor",
  "r_1.gor",
  "r_2.gor",
  "r_10.gor",
  "req.gor.gz",
  "a[1].gor",
  "x-y",
  "sub/r_0.gor",
  "sub2/r_1.gor",
  ".hidden",
];
beforeAll(() => {
  for (const sub of ["sub", "sub2"]) mkdirSync(join(folder, sub));
  for (const name of names) writeFileSync(join(folder, name), "");
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  ["r_*.gor", ["r_0.gor", "r_1.gor", "r_2.gor", "r_10.gor"]],
  ["r_?.gor", ["r_0.gor", "r_1.gor", "r_2.gor"]],
  ["r_[12].gor", ["r_1.gor", "r_2.gor"]],
  ["r_[0-1].gor", ["r_0.gor", "r_1.gor"]],
  ["r_[^0].gor", ["r_1.gor", "r_2.gor"]],
  ["r_\\0.gor", ["r_0.gor"]],
  ["a\\[1].gor", ["a[1].gor"]],
  ["a[1].gor", ["a[1].gor"]],
  ["x[x\\-z]y", ["x-y"]],
  ["sub*/r_*", ["sub/r_0.gor", "sub2/r_1.gor"]],
  ["s?b/*", ["sub/r_0.gor"]],
  ["*.gz", ["req.gor.gz"]],
  ["sub", ["sub"]],
  ["sub?", []],
  ["*hid*", [".hidden"]],
  ["none*", []],
  ["none/*", []],
  ["r_0.gor", ["r_0.gor"]],
])("%s", async (pattern, expected) => {
  expect(glob(join(folder, "_").slice(0, -1) + pattern)).toEqual(
    expected.map((name) => join(folder, name)),
  );
});

it.each([
  ["x[!-z]y", ["x-y"]],
  ["x[^a-z]y", ["x-y"]],
  ["x[\\]-]y", ["x-y"]],
  ["*[.]*[.]gz", ["req.gor.gz"]],
  ["**gor", ["r_0.gor", "r_1.gor", "r_2.gor", "r_10.gor", "a[1].gor"]],
])("sets and stars: %s", (pattern, expected) => {
  expect(new Set(glob(join(folder, pattern)))).toEqual(
    new Set(expected.map((name) => join(folder, name))),
  );
});

it("is done at once with a name that was made to be slow", () => {
  // An expression that goes back through every star would need years for it.
  const name = "a".repeat(250);
  const slow = mkdtempSync(join(tmpdir(), "mirrorball-glob-"));
  writeFileSync(join(slow, name), "");
  expect(glob(join(slow, `${"a*".repeat(60)}b`))).toEqual([]);
  expect(glob(join(slow, `${"a*".repeat(60)}a`))).toEqual([join(slow, name)]);
  rmSync(slow, { recursive: true });
});

it.each(["[", "a[", "x\\", "[z-a]"])("says that %s is malformed", async (pattern) => {
  expect(() => glob(`${folder}/${pattern}`)).toThrow(/malformed/);
});

it("takes a recording's name for the numbered files that were written under it", async () => {
  const found = async (name: string): Promise<string[]> =>
    recordings(join(folder, name)).map((path) => path.slice(folder.length + 1));
  expect(await found("r.gor")).toEqual(["r_0.gor", "r_1.gor", "r_2.gor", "r_10.gor"]);
  expect(await found("r_1.gor")).toEqual(["r_1.gor"]);
  expect(await found("req.gor.gz")).toEqual(["req.gor.gz"]);
  expect(await found("x.gor")).toEqual([]);
});
