// @ts-check
// Runs tests on other lines of Node than the one that is installed: fetches the newest of each line into `.cache/` with npm's
// package `node`, and starts vitest with it. In: numbers of lines, then words for vitest. Out: vitest's reports, and the first
// exit code that is not 0. What is there already is used as it is: delete the folder for a newer one.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What users run beside the oldest one supported. */
const LINES = ["22", "24", "26"];
/** What runs inside other people's processes. */
const TESTS = ["packages/sdk", "packages/protocol"];

const root = fileURLToPath(new URL("..", import.meta.url));
const words = process.argv.slice(2);

if (words.includes("--help")) {
  console.log(`npm run test:node -- [LINE...] [WORD...]

Runs tests on lines of Node (${LINES.join(", ")} when none is named); words are vitest's: the tests of the SDK and of the protocol
when there are none.`);
} else {
  const named = words.findIndex((word) => !/^\d+$/.test(word));
  const lines = named < 0 ? words : words.slice(0, named);
  const tests = named < 0 ? [] : words.slice(named);
  for (const line of lines.length === 0 ? LINES : lines) {
    const status = run(nodeOf(line), tests.length === 0 ? TESTS : tests);
    if (process.exitCode === undefined && status !== 0) process.exitCode = status;
  }
}

/**
 * The executable of a line, fetched when it is missing.
 *
 * @param {string} line
 */
function nodeOf(line) {
  const folder = join(root, ".cache/node-lines", line);
  const node = join(folder, "node_modules/node/bin/node");
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  // A package of its own, so that npm does not look for one above.
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const words = ["install", `node@${line}`, "--no-fund", "--no-audit", "--loglevel=error"];
  const { status } = spawnSync("npm", words, { cwd: folder, stdio: "inherit" });
  if (status !== 0 || !existsSync(node)) {
    console.error(`node-lines: Node ${line} could not be fetched with npm`);
    process.exit(1);
  }
  return node;
}

/**
 * @param {string} node
 * @param {readonly string[]} tests
 */
function run(node, tests) {
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
  console.log(`\nNode ${version}: ${tests.join(" ")}`);
  const { status } = spawnSync(
    node,
    [join(root, "node_modules/vitest/vitest.mjs"), "run", ...tests],
    {
      cwd: root,
      stdio: "inherit",
      // What the tests start is that Node, too.
      env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env["PATH"]}` },
    },
  );
  return status ?? 1;
}
