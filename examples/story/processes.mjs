// @ts-check
// Starts the programs of the story and stops them again.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** @typedef {{ port: number, stop: () => Promise<number | null>, output: string[] }} Service */

/**
 * Starts a program of this folder that prints `listening PORT`.
 * @param {string} file
 * @param {Record<string, string>} env
 * @returns {Promise<Service>}
 */
export function startService(file, env = {}) {
  const child = start([fileURLToPath(new URL(file, import.meta.url))], env);
  return new Promise((resolve, reject) => {
    const stop = stopOf(child);
    child.once("exit", (code) => reject(new Error(`${file} ended with code ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const port = /^listening (\d+)$/.exec(line)?.[1];
      if (port !== undefined) resolve({ port: Number(port), stop, output: [] });
    });
  });
}

/**
 * Starts the `mirrorball` command with a counters page and waits until the page answers.
 * @param {string[]} flags
 * @param {number} page port of the counters page
 * @returns {Promise<Service>}
 */
export async function startServer(flags, page) {
  const command = `${root}packages/cli/bin/mirrorball.mjs`;
  const child = start([command, ...flags, "--http-pprof", `127.0.0.1:${page}`], {});
  /** @type {string[]} */
  const output = [];
  createInterface({ input: child.stderr }).on("line", (line) => output.push(line));
  const stop = stopOf(child);
  while (child.exitCode === null) {
    const ready = await fetch(`http://127.0.0.1:${page}/debug/vars`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return { port: page, stop, output };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`mirrorball ended with code ${child.exitCode}: ${output.join(" ")}`);
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
  return spawn(process.execPath, words, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @returns {() => Promise<number | null>}
 */
function stopOf(child) {
  const ended = new Promise((resolve) => {
    child.once("exit", resolve);
  });
  return () => {
    child.kill("SIGTERM");
    return ended;
  };
}
