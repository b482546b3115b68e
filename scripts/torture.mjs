// @ts-check
// The long set of the fault tests, and a table of what each of them found. Words are passed on to vitest: the name of a test
// file runs that one only. `--short` runs what CI runs.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const words = process.argv.slice(2);
const long = !words.includes("--short");
const files = words.filter((word) => word !== "--short");
const folder = mkdtempSync(join(tmpdir(), "mirrorball-torture-"));
const figures = join(folder, "figures.jsonl");

const { status } = spawnSync(
  process.execPath,
  [
    join(root, "node_modules/vitest/vitest.mjs"),
    "run",
    ...(files.length === 0 ? ["test/faults/"] : files),
    // One at a time: they measure, and they wait for heartbeats.
    "--no-file-parallelism",
  ],
  {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      MIRRORBALL_FIGURES: figures,
      ...(long ? { MIRRORBALL_TORTURE: "1" } : {}),
    },
  },
);

console.log(`\n${long ? "long" : "short"} set`);
for (const [fault, text] of rows()) console.log(`${fault.padEnd(48)}  ${text}`);
rmSync(folder, { recursive: true });
process.exitCode = status ?? 1;

/** @returns {[fault: string, figures: string][]} */
function rows() {
  if (!existsSync(figures)) return [];
  return readFileSync(figures, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const row = JSON.parse(line);
      const text = Object.entries(row.figures).map(([name, value]) => `${name} ${shown(value)}`);
      return [row.fault, text.join(", ")];
    });
}

/** @param {unknown} value */
function shown(value) {
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) || value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
