// @ts-check
// Everything but the tests: format, lint with layer rules, types of the tests, generated docs, packages and how
// every kind of importer sees them, files that do not belong, unused code.
// Runs all of them even when one fails, so that one run shows everything; two at a time, each as soon as there is room.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Most of them keep one core busy, and CI has two. */
const AT_ONCE = 2;
/** Bytes of what one of them may print. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** @type {[name: string, command: string, ...words: string[]][]} */
const checks = [
  ["lint", "oxlint", "--type-aware", "--deny-warnings"],
  ["unused", "knip"],
  ["types", "tsc", "-p", "tsconfig.tests.json", "--noEmit"],
  ["entry points protocol", "attw", "--pack", "packages/protocol"],
  ["entry points sdk", "attw", "--pack", "packages/sdk"],
  ["docs", process.execPath, "scripts/docs.mjs", "--check"],
  ["package protocol", "publint", "packages/protocol", "--strict"],
  ["package sdk", "publint", "packages/sdk", "--strict"],
  ["package server", "publint", "packages/server", "--strict"],
  ["package cli", "publint", "packages/cli", "--strict"],
  ["format", "oxfmt", "--check"],
  ["files", process.execPath, "scripts/files.mjs"],
];

/** @type {string[]} */
const failed = [];
const waiting = [...checks];
await Promise.all(Array.from({ length: AT_ONCE }, runNext));
process.exitCode = failed.length === 0 ? 0 : 1;

/** Runs what is waiting, one after the other, until nothing is. */
async function runNext() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, command, ...words] = next;
    const startedMs = performance.now();
    const said = await run(command, words);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(`${said === undefined ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
    if (said === undefined) continue;
    failed.push(name);
    console.log(said);
  }
}

/**
 * What a check said when it failed; undefined when all is well.
 *
 * @param {string} command
 * @param {readonly string[]} words
 * @returns {Promise<string | undefined>}
 */
function run(command, words) {
  const env = { ...process.env, PATH: `${root}node_modules/.bin:${process.env["PATH"]}` };
  return new Promise((resolve) => {
    execFile(
      command,
      words,
      { cwd: root, env, maxBuffer: OUTPUT_BYTES_MAX },
      (error, stdout, stderr) =>
        resolve(error === null ? undefined : `${stdout}${stderr}` || error.message),
    );
  });
}
