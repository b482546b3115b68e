// @ts-check
// The executable of a line of Node, fetched into `.cache/` with npm's package `node` when it is missing. What is there already is used
// as it is: delete the folder for a newer one. In: the line's number. Out: a path; the process ends when npm cannot get it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @param {string} line */
export function nodeOf(line) {
  const folder = join(root, ".cache/node-lines", line);
  const node = join(folder, "node_modules/node/bin/node");
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  // A package of its own, so that npm does not look for one above.
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const words = ["install", `node@${line}`, "--no-fund", "--no-audit", "--loglevel=error"];
  const { status } = spawnSync("npm", words, { cwd: folder, stdio: "inherit" });
  if (status !== 0 || !existsSync(node)) {
    console.error(`Node ${line} could not be fetched with npm`);
    process.exit(1);
  }
  return node;
}
