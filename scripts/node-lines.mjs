// @ts-check
// Runs tests on other lines of Node than the one that is installed. In: numbers of lines, then words for vitest. Out: vitest's reports,
// and the first exit code that is not 0.
import { spawnSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeOf } from "./node-line.mjs";

/** What users run beside the oldest one supported. */
const LINES = ["22", "24", "26"];
/** What runs inside other people's processes; not what is the same on every line (see `vitest.config.ts`). */
const TESTS = ["packages/sdk", "packages/protocol", "--project=!once"];

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
