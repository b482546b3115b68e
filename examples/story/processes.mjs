// @ts-check
// Starts the programs of the story and stops them again. Each has a process group of its own, so that Ctrl-C reaches the story
// alone, which then stops them in the order of the data.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();
// However the story ends, nothing of it stays behind.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** @typedef {{ port: number, stop: () => Promise<number | null>, stdout: string[], stderr: string[] }} Service */

/**
 * Starts a program of this folder that prints `listening PORT`.
 * @param {string} file
 * @param {Record<string, string>} env
 * @returns {Promise<Service>}
 */
export async function startService(file, env = {}) {
  const program = start([fileURLToPath(new URL(file, import.meta.url))], env);
  const port = await new Promise((resolve, reject) => {
    program.lines.on("line", (line) => {
      const found = /^listening (\d+)$/.exec(line)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    void program.ended.then((code) => reject(new EndedEarly(file, code, program.stderr)));
  });
  return { ...program, port };
}

/**
 * Starts the `mirrorball` command with a counters page and waits until the page answers.
 * @param {string[]} flags
 * @param {number} page port of the counters page
 * @returns {Promise<Service>}
 */
export async function startServer(flags, page) {
  const command = `${root}packages/cli/bin/mirrorball.mjs`;
  const program = start([command, ...flags, "--http-pprof", `127.0.0.1:${page}`], {});
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${page}/debug/vars`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return { ...program, port: page };
    const over = await Promise.race([program.ended.then((code) => ({ code })), pause(20)]);
    if (over !== undefined) throw new EndedEarly("mirrorball", over.code, program.stderr);
  }
}

/** A port that nobody listens on now. */
export async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => {
    probe.listen(0, "127.0.0.1", () => resolve(undefined));
  });
  const address = probe.address();
  await new Promise((resolve) => {
    probe.close(resolve);
  });
  return typeof address === "object" && address !== null ? address.port : 0;
}

/**
 * @param {string[]} words
 * @param {Record<string, string>} env
 */
function start(words, env) {
  const child = spawn(process.execPath, words, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: process.platform !== "win32",
  });
  running.add(child);
  /** @type {string[]} */
  const stdout = [];
  /** @type {string[]} */
  const stderr = [];
  const lines = createInterface({ input: child.stdout }).on("line", (line) => stdout.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => stderr.push(line));
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => {
    child.once("close", (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  const stop = () => {
    child.kill("SIGTERM");
    return ended;
  };
  return { lines, stdout, stderr, ended, stop };
}

/** A program that ended before it was ready. */
export class EndedEarly extends Error {
  /**
   * @param {string} name
   * @param {number | null} code
   * @param {string[]} stderr
   */
  constructor(name, code, stderr) {
    super(`${name} ended with code ${code}: ${stderr.join(" ")}`);
  }
}
