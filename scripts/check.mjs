// @ts-check
// Everything but the tests: format, lint with layer rules, types of the tests, generated docs, packages and how
// every kind of importer sees them, files that do not belong, unused code.
// Runs all of them even when one fails, so that one run shows everything.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** @type {[name: string, ...command: string[]][]} */
const checks = [
  ["format", "oxfmt", "--check"],
  ["lint", "oxlint", "--type-aware", "--deny-warnings"],
  ["types", "tsc", "-p", "tsconfig.tests.json", "--noEmit"],
  ["docs", process.execPath, "scripts/docs.mjs", "--check"],
  ["package protocol", "publint", "packages/protocol", "--strict"],
  ["package sdk", "publint", "packages/sdk", "--strict"],
  ["package server", "publint", "packages/server", "--strict"],
  ["package cli", "publint", "packages/cli", "--strict"],
  ["entry points protocol", "attw", "--pack", "packages/protocol"],
  ["entry points sdk", "attw", "--pack", "packages/sdk"],
  ["files", process.execPath, "scripts/files.mjs"],
  ["unused", "knip"],
];

const failed = [];
for (const [name, command = "", ...args] of checks) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, PATH: `${root}node_modules/.bin:${process.env["PATH"]}` },
  });
  const ok = status === 0;
  console.log(`${ok ? "ok  " : "FAIL"} ${name}`);
  if (!ok) {
    failed.push(name);
    console.log(`${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`);
  }
}
process.exit(failed.length === 0 ? 0 : 1);
