// @ts-check
// The rig of the truth runs: banks in a process of their own, recordings by the SDK, and the command.
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ReplayServer, catalogue, planFrom } from "@mirrorball/server";
import { customers } from "./customers.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const command = `${root}packages/cli/bin/mirrorball.mjs`;
/** Where the ids of the recorded bank start. */
export const RECORDED = { base: 10_000, seed: 1 };

/** @typedef {{ base: number, seed: number, clockMs?: number, fault?: string, mirror?: string }} BankOptions */

/** A process that holds banks. */
export class Banks {
  #child = spawn(process.execPath, [fileURLToPath(new URL("bank-host.mjs", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, MIRRORBALL_BREAKER: "off" },
  });
  /** @type {Map<number, (answer: { port?: number }) => void>} */
  #waiting = new Map();
  #orders = 0;

  constructor() {
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      const answer = JSON.parse(line);
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** @param {object} order @returns {Promise<{ port?: number }>} */
  #order(order) {
    return new Promise((resolve) => {
      this.#orders += 1;
      this.#waiting.set(this.#orders, resolve);
      this.#child.stdin.write(`${JSON.stringify({ id: this.#orders, ...order })}\n`);
    });
  }

  /** Gives the port. @param {BankOptions} options */
  async start(options) {
    return (await this.#order({ start: options })).port ?? 0;
  }

  /** @param {number} port */
  async stop(port) {
    await this.#order({ stop: port });
  }

  end() {
    this.#child.kill();
  }
}

/** @returns {Promise<number>} */
export async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", () => resolve(undefined)));
  const bound = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

/** @param {string[]} words */
export function mirrorball(words) {
  const child = spawn(process.execPath, [command, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const out = { text: "", errors: "" };
  /** @type {Set<() => void>} */
  const watchers = new Set();
  const look = () => {
    for (const watcher of watchers) watcher();
  };
  child.stdout.on("data", (chunk) => {
    out.text += String(chunk);
    look();
  });
  child.stderr.on("data", (chunk) => {
    out.errors += String(chunk);
    look();
  });
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => child.once("close", resolve));
  /** @param {RegExp} pattern @returns {Promise<string>} the first group */
  const printed = (pattern) =>
    new Promise((resolve, reject) => {
      const watcher = () => {
        const match = pattern.exec(out.text) ?? pattern.exec(out.errors);
        if (match === null) return;
        watchers.delete(watcher);
        resolve(match[1] ?? "");
      };
      watchers.add(watcher);
      watcher();
      void ended.then(() => reject(new Error(`ended: ${out.text}${out.errors}`)));
    });
  return { child, out, ended, printed };
}

/**
 * Records the traffic of a fresh bank; gives the number of requests.
 * @param {Banks} banks @param {string} file @param {{ sessions: number, seed: number }} traffic @param {BankOptions} [recorded]
 */
export async function record(banks, file, traffic, recorded = RECORDED) {
  rmSync(file, { force: true });
  const address = `127.0.0.1:${await freePort()}`;
  const words = ["--input-tcp", address, "--output-file", file, "--output-file-append"];
  const made = planFrom(words, catalogue);
  if ("errors" in made) throw new Error(made.errors.join("\n"));
  const server = await ReplayServer.create(made.plan, { log: () => {} });
  await server.start();
  const port = await banks.start({ ...recorded, mirror: address });
  const requests = await customers({ port, ...traffic });
  await banks.stop(port);
  const { lost } = await server.stop();
  if (lost > 0) throw new Error(`${lost} records were lost on the way into ${file}`);
  return requests;
}

/**
 * Replays a recording against a fresh bank and gives the report. `control`: a second bank without the fault.
 * @param {Banks} banks @param {string} recording @param {string} report
 * @param {{ target: BankOptions, control?: BankOptions | undefined, words?: string[] }} run
 */
export async function compare(banks, recording, report, { target, control, words = [] }) {
  const port = await banks.start(target);
  const other = control === undefined ? undefined : await banks.start(control);
  const against = other === undefined ? [] : ["--control", `http://127.0.0.1:${other}`];
  const run = mirrorball([
    "compare",
    recording,
    "--target",
    `http://127.0.0.1:${port}`,
    ...against,
    "--report",
    report,
    "--summary",
    "off",
    ...words,
  ]);
  const code = await run.ended;
  await banks.stop(port);
  if (other !== undefined) await banks.stop(other);
  return { code, errors: run.out.errors, report: JSON.parse(readFileSync(report, "utf8")) };
}

/** The differences of a report, one text a line. @param {any} report */
export function differencesOf(report) {
  return report.endpoints.flatMap((/** @type {any} */ { method, route, differences }) =>
    differences.map((/** @type {any} */ each) => ({ method, route, ...each })),
  );
}
