// @ts-check
// Writes docs/reference/ from the declarations of the components; `--check` only compares, and also looks whether every
// relative link and every flag in the hand-written pages exists.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { catalogue } from "@mirrorball/server";
import { flagsOf, referencePages, toolFlags, unsupportedFlags } from "@mirrorball/server/reference";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "docs/reference");
/** Flags that belong to the command, not to a component, and flags of other programs that the pages mention. */
const OTHER_FLAGS = new Set([
  "help",
  "version",
  "import",
  "once",
  "peer",
  "short",
  "records",
  "paced-seconds",
  "check",
  "type-aware",
  "wait",
]);

const check = process.argv.includes("--check");
const faults = check ? [...staleReference(), ...brokenPages()] : [];
if (!check) writeReference();
for (const fault of faults) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);

/** Each page names the file that declares its component, so that whoever knows a flag finds its code. */
function pagesWithSources() {
  const sources = join(root, "packages/server/src");
  const files = readdirSync(sources, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .map((file) => ({ file, text: readFileSync(join(sources, file), "utf8") }));
  return referencePages(catalogue, (name) => {
    const [found, ...more] = files.filter(({ text }) => text.includes(`name: "${name}",`));
    if (found === undefined || more.length > 0)
      throw new Error(`${more.length + (found ? 1 : 0)} files declare ${name}; one must`);
    return `packages/server/src/${found.file.replaceAll("\\", "/")}`;
  });
}

function writeReference() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { file, content } of pagesWithSources()) writeFileSync(join(folder, file), content);
}

function staleReference() {
  const pages = pagesWithSources();
  const known = new Set(pages.map(({ file }) => file));
  const present = existsSync(folder) ? readdirSync(folder) : [];
  return [
    ...pages
      .filter(({ file, content }) => {
        const path = join(folder, file);
        return !existsSync(path) || readFileSync(path, "utf8") !== content;
      })
      .map(({ file }) => `docs/reference/${file} is stale: run npm run docs`),
    ...present
      .filter((file) => !known.has(file))
      .map((file) => `docs/reference/${file} belongs to no component: run npm run docs`),
  ];
}

function brokenPages() {
  const flags = new Set([
    ...unsupportedFlags.flatMap(({ names }) => names),
    ...[...flagsOf(catalogue), ...catalogue.tools.flatMap(toolFlags)].flatMap(
      ({ name, aliases }) => [name, ...aliases],
    ),
    ...OTHER_FLAGS,
  ]);
  const faults = [];
  for (const page of pages()) {
    const text = readFileSync(page, "utf8");
    const name = relative(root, page);
    for (const [, link = ""] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      if (!existsSync(join(dirname(page), link))) faults.push(`${name}: ${link} does not exist`);
    }
    for (const [, flag = ""] of text.matchAll(/(?<![\w-])--([a-z][a-z0-9-]+)/g)) {
      if (!flags.has(flag)) faults.push(`${name}: --${flag} is not a flag`);
    }
  }
  return faults;
}

/** Every hand-written page of the project. */
function pages() {
  const folders = [
    "",
    "docs",
    "docs/guides",
    "examples",
    ...readdirSync(join(root, "packages")).map((p) => `packages/${p}`),
  ];
  return folders.flatMap((name) => {
    const path = join(root, name);
    if (!existsSync(path)) return [];
    return readdirSync(path)
      .filter((file) => file.endsWith(".md"))
      .map((file) => join(path, file));
  });
}
