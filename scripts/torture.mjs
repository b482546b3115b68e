// @ts-check
// The long set of the fault tests, and a table of what each of them found. Words are passed on to vitest: the name of a test
// file runs that one only. `--short` runs what CI runs.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * What there is: name, minutes of its long form on two cores, what it does.
 *
 * @type {[name: string, minutes: number, what: string][]}
 */
const ROWS = [
  ["server-killed", 4, "SIGKILL for the server, 200 times at 5,000 exchanges a second"],
  ["middleware-killed", 4, "SIGKILL for a server with a journal and a middleware, 4 times 40 times, and for the middleware"],
  ["forwarder.test", 3, "SIGKILL for a durable forwarder, 100 times, and for it and its central server, 100 times"],
  ["forwarder-certificates", 0.5, "wrong, expired and missing certificates of a forwarder; a reload"],
  ["server-stopped", 2.5, "SIGSTOP for the server, 60 s under an Express application beside two twins without a mirror"],
  ["reconnect", 0.5, "500 producers come back at once"],
  ["network", 3.5, "1,000 resets, twice; 1,000 bit flips; single bytes; late and thin; silence and half-open"],
  ["disk-full", 0.5, "a journal on a disk of 8 MB"],
  ["bad-disk", 4, "a disk of 500 ms a flush; one whose writes or flushes fail, also with a server that is killed"],
  ["faults/journal.test", 0.5, "the journal's limit, restarts, outputs of different speed, a second server"],
  ["journal-lock", 0.5, "2,000 races of six processes for one journal, and 20 of servers"],
  ["hostile-peers", 0.5, "2,800 bombs, garbage, other protocols and versions in 64 MB of heap"],
  ["transport-security", 0.5, "wrong and missing certificates, names and tokens, over TCP and a unix socket; reloads"],
  ["escapes", 0.5, "terminal escapes and markup, one field at a time"],
  ["canaries", 0.5, "1,000 secrets in every position, searched for in everything that comes of them"],
  ["wall-clock", 0.5, "the wall clock moves a day ahead and back"],
  ["exits", 0.5, "ends, crashes and signals of a service: the same with and without a mirror"],
  ["absent-server", 2, "a million requests while the server is absent: memory"],
  ["traps", 0.5, "answers byte by byte with the server healthy, absent, stopped and hostile"],
  ["simulator", 6, "a million simulated worlds"],
  ["suites", 10, "the tests of fastify, light-my-request and busboy, with and without the SDK"],
]; // prettier-ignore
const ALL = ["test/faults/", "sdk/test/traps"];

const root = fileURLToPath(new URL("..", import.meta.url));
const words = process.argv.slice(2);
const long = !words.includes("--short");
const named = words.filter((word) => word !== "--short");
/** Not a test file of ours, but other projects' (`suites.mjs`). */
const files = named.filter((word) => word !== "suites");
const wantsSuites = named.length === 0 || named.includes("suites");

if (words.includes("--help")) help();
else process.exitCode = (onlySuites() ? 0 : run()) || (wantsSuites ? runSuites() : 0);

function help() {
  const minutes = ROWS.reduce((sum, [, each]) => sum + each, 0);
  console.log(`npm run torture [-- [--short] [NAME...]]

Runs fault tests with large numbers, about ${Math.ceil(minutes)} minutes for all on two idle cores, and prints a table of what
each found. --short: the numbers that every change is tested with, about 3 minutes.
A full disk needs root, a bad one Linux and a C compiler; others need openssl.

${ROWS.map(([name, each, what]) => `  ${name.padEnd(20)} ${what}; ${each} min`).join("\n")}`);
}

function onlySuites() {
  return named.length > 0 && files.length === 0;
}

function runSuites() {
  const args = [join(root, "scripts/suites.mjs"), ...(long ? [] : ["--short"])];
  return spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1;
}

function run() {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-torture-"));
  const figures = join(folder, "figures.jsonl");
  const startedMs = performance.now();
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      ...(files.length === 0 ? ALL : files),
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
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  console.log(`\n${long ? "long" : "short"} set, ${seconds} s`);
  for (const [fault, text] of rows(figures)) console.log(`${fault.padEnd(48)}  ${text}`);
  rmSync(folder, { recursive: true });
  return status ?? 1;
}

/**
 * @param {string} figures
 * @returns {[fault: string, figures: string][]}
 */
function rows(figures) {
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
