// @ts-check
// Makes a fresh clone ready: installs what package-lock.json names and builds the packages and the page.
// Does nothing when both are up to date, so that every script may call it first.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`mirrorball needs Node 20.19 or newer; this is ${process.versions.node}`);
  process.exit(1);
}

/** npm writes this file at the end of every install. */
const installed = `${root}node_modules/.package-lock.json`;
const stale =
  !existsSync(installed) ||
  statSync(`${root}package-lock.json`).mtimeMs > statSync(installed).mtimeMs;
if (stale) {
  // What is there already stays: a new dependency costs seconds, not all of them again. Neither changes the lock.
  const how = existsSync(installed) ? ["install", "--no-save"] : ["ci"];
  run("npm", [...how, "--no-fund", "--no-audit", "--loglevel=error"]);
}
// Incremental: about a tenth of a second when nothing changed.
run(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-b"]);

if (isOlder(`${root}packages/server/dist/page/index.html`, `${root}packages/page`)) buildPage();

/**
 * True when the file is not there, or something in the folder is newer.
 * @param {string} file
 * @param {string} folder
 */
function isOlder(file, folder) {
  if (!existsSync(file)) return true;
  const builtMs = statSync(file).mtimeMs;
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).some(
    (name) =>
      !/^(?:test|node_modules)\b/.test(name) && statSync(`${folder}/${name}`).mtimeMs > builtMs,
  );
}

/** What a browser runs becomes part of the server's package. */
function buildPage() {
  run(process.execPath, [
    `${root}node_modules/vite/bin/vite.js`,
    "build",
    `${root}packages/page`,
    "--logLevel=warn",
  ]);
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32" && command === "npm",
  });
  if (status !== 0) process.exit(status ?? 1);
}
