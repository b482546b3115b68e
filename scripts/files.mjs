// @ts-check
// Refuses files that nobody meant to commit: those that `.gitignore` leaves out, and kinds of files that the list below does not name.
// In: what git tracks. Out: one line for each such file, and exit code 1.
import { spawnSync } from "node:child_process";
import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";

/** What this repository is made of. A new kind belongs here, with the change that brings it. */
const KINDS = new Set(
  (
    ".c .cjs .mjs .py .sh .ts .tsx .css .html .json .md .png .svg .yaml .yml " +
    // For systemd and logrotate.
    ".conf .logrotate .service " +
    // Recordings, captures and vectors that tests read.
    ".gor .gz .har .hex .jsonl .pcap .pcapng .stream"
  ).split(" "),
);
/** Files without an ending. */
const NAMES = new Set([".gitattributes", ".gitignore", ".npmrc", "LICENSE", "gors", "run"]);

const root = fileURLToPath(new URL("..", import.meta.url));

/** @param {string[]} words */
function listed(...words) {
  const { status, stdout, stderr } = spawnSync("git", ["ls-files", "-z", ...words], {
    cwd: root,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.split("\0").filter((name) => name !== "");
}

const ignored = listed("--cached", "--ignored", "--exclude-standard");
const unknown = listed("--cached").filter(
  (path) => !KINDS.has(extname(path)) && !NAMES.has(basename(path)),
);
for (const path of ignored) console.error(`${path}: is tracked, and .gitignore leaves it out`);
for (const path of unknown) console.error(`${path}: its kind is not listed in scripts/files.mjs`);
process.exit(ignored.length + unknown.length === 0 ? 0 : 1);
