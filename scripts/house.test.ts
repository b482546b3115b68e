/**
 * The measures of the house, over the whole tree: how many files a folder may have, how many fields a class. Lines of a file and of a
 * function, and circles of imports, are the linter's; here stands that its rules have no exceptions.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Source files of a folder's own: more are not found at a glance, and ask for folders. */
const FILES_MAX = 16;
/** Fields of a class: more are hardly one thing, unless a line in front of it says why. */
const FIELDS_MAX = 16;
const WHY = /More fields than a class should have: \S/;

const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "packages", "scripts", "examples"], {
  cwd: root,
  encoding: "utf8",
}); // prettier-ignore
const sources = listed.split("\n").filter((file) => {
  return /\.(?:tsx?|mjs)$/.test(file) && !/\.(?:test|d)\.ts$|\/test\//.test(file);
});

interface Measured {
  readonly name: string;
  readonly fields: number;
  readonly saysWhy: boolean;
}

/** The classes of a file, each with how many fields an instance of it has. */
export function classesIn(file: string, text: string): Measured[] {
  const { program, comments } = parseSync(file, text);
  const found: Measured[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const item of node) visit(item);
    if (typeof node !== "object" || node === null || Array.isArray(node)) return;
    if (isClass(node)) {
      const fields = node.body.body.filter(
        (member) => member.type === "PropertyDefinition" && member.static !== true,
      ).length;
      const before = comments.filter(({ end }) => {
        return (
          end < node.start && /^\s*(?:export )?(?:abstract )?$/.test(text.slice(end, node.start))
        );
      });
      const saysWhy = before.some(({ value }) => WHY.test(value.replaceAll(/\s*\*\s*/g, " ")));
      found.push({ name: node.id?.name ?? "", fields, saysWhy });
    }
    for (const value of Object.values(node)) visit(value);
  };
  visit(program.body);
  return found;
}

interface ClassNode {
  readonly start: number;
  readonly id: { readonly name: string } | null;
  readonly body: { readonly body: readonly { readonly type: string; readonly static?: boolean }[] };
}

function isClass(node: object): node is ClassNode {
  return "type" in node && (node.type === "ClassDeclaration" || node.type === "ClassExpression");
}

describe("ARCHITECTURE.md", () => {
  it("names files that there are", () => {
    const named = readFileSync(`${root}/ARCHITECTURE.md`, "utf8").matchAll(/`([\w/-]+\.ts)`/g);
    const files = new Set([...named].map(([, file = ""]) => file));
    expect(files.size).toBeGreaterThan(20);
    const all = listed.split("\n");
    expect([...files].filter((file) => !all.some((each) => each.endsWith(`/${file}`)))).toEqual([]);
  });
});

describe("a folder", () => {
  it(`has at most ${FILES_MAX} source files of its own`, () => {
    const counts = new Map<string, number>();
    for (const file of sources) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > FILES_MAX)).toEqual([]);
  });
});

describe("a class", () => {
  it("is measured with its private, public and initialised fields, not with what is static", () => {
    const fields = [
      "a = 1;",
      "#b: number;",
      "readonly c: string;",
      "static d = 1;",
      "get e() { return 1; }",
      "f() {}",
    ];
    const text = `/** More fields than a class should have: why. */\nexport class Some {\n${fields.join("\n")}\n}\nclass Other {}`;
    expect(classesIn("some.ts", text)).toEqual([
      { name: "Some", fields: 3, saysWhy: true },
      { name: "Other", fields: 0, saysWhy: false },
    ]);
  });

  it(`has at most ${FIELDS_MAX} fields, or a line that says why`, () => {
    const large = sources.flatMap((file) =>
      classesIn(file, readFileSync(`${root}/${file}`, "utf8"))
        .filter(({ fields, saysWhy }) => fields > FIELDS_MAX && !saysWhy)
        .map(({ name, fields }) => `${file}: ${name} has ${fields} fields`),
    );
    expect(large).toEqual([]);
  });
});

describe("the linter", () => {
  interface Config {
    readonly rules: Readonly<Record<string, unknown>>;
    readonly overrides: readonly {
      readonly files: readonly string[];
      readonly rules: Readonly<Record<string, unknown>>;
    }[];
  }
  const config = JSON.parse(readFileSync(`${root}/.oxlintrc.json`, "utf8")) as Config;
  const measures = ["import/no-cycle", "max-lines", "max-lines-per-function"];

  it("knows no circle of imports, types included, no file beyond 350 lines and no function beyond 40", () => {
    expect(measures.map((rule) => config.rules[rule])).toEqual([
      ["error", { ignoreTypes: false }],
      ["error", expect.objectContaining({ max: 350, skipBlankLines: false, skipComments: false })],
      ["error", expect.objectContaining({ max: 40 })],
    ]);
  });

  it("makes exceptions for tests, benches and markup only", () => {
    const freed = config.overrides.filter(({ rules }) => measures.some((rule) => rule in rules));
    const files = new Set(freed.flatMap((override) => override.files));
    expect([...files].toSorted()).toEqual([
      "**/*.test.ts",
      "**/test/**",
      "bench/**",
      "packages/*/test/**",
      "packages/page/src/**/*.tsx",
    ]);
  });
});
