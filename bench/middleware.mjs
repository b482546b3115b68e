// @ts-check
// Messages a second through --middleware: none, a `cat` child, the hex-line example in Node, a plugin that only looks, a plugin
// that edits. From a source in memory to --output-null, in one process, rounds alternating. With a peer: the command and a gor,
// each from a recording through `cat` to a receiver of gor's text stream.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HttpMessage } from "@mirrorball/protocol";
import { receiver, watched, wholeFile } from "./gor.mjs";
import { ReplayServer, catalogue, defineInput, planFrom } from "@mirrorball/server";
import { command } from "./processes.mjs";

const MESSAGES = 200_000;
const BATCH = 64;
const ROUNDS = 3;
/** A typical small request, 360 bytes. */
const REQUEST = Buffer.from(
  `GET /api/items/1?page=2 HTTP/1.1\r\nHost: shop.example.com\r\nAccept: */*\r\nCookie: ${"x".repeat(275)}\r\n\r\n`,
);

/** @param {string | undefined} gor path of a gor binary @returns {Promise<object[]>} */
export async function benchMiddleware(gor) {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-bench-"));
  const looks = join(folder, "looks.mjs");
  const edits = join(folder, "edits.mjs");
  writeFileSync(
    looks,
    `export const plugin = { onRequest: (request) => request.target.startsWith("/health") ? false : undefined };`,
  );
  writeFileSync(
    edits,
    `export const plugin = { onRequest(request) { request.setHeader("Authorization", "Bearer x"); request.setParam("page", "3"); } };`,
  );
  const child = new URL("../examples/middleware/token-child.mjs", import.meta.url).pathname;
  /** @type {[string, string[]][]} */
  const variants = [
    ["none", []],
    ["cat", ["--middleware", "cat"]],
    ["Node program, hex lines", ["--middleware", `"${process.execPath}" "${child}"`]],
    ["plugin that looks", ["--middleware", looks]],
    ["plugin that edits", ["--middleware", edits]],
  ];
  const rows = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [variant, flags] of variants) rows.push(await measure(variant, flags, round));
    if (gor !== undefined) rows.push(...(await besideGor(gor, folder, round)));
  }
  return rows;
}

/** @param {string} gor @param {string} folder @param {number} round */
async function besideGor(gor, folder, round) {
  const path = join(folder, "requests.gor");
  const records = Array.from({ length: MESSAGES }, (_, id) => {
    const meta = `1 ${id.toString(16).padStart(24, "0")} ${1_732_406_400_000_000_000 + id * 1000} 0\n`;
    return Buffer.concat([Buffer.from(meta), REQUEST, Buffer.from("\n🐵🙈🙉\n")]);
  });
  writeFileSync(path, Buffer.concat(records));
  const ours = ["--input-file", path, "--input-file-speed", "max", "--output-tcp-format", "gor"];
  const theirs = wholeFile(path, MESSAGES);
  const rows = [];
  for (const withCat of [false, true]) {
    const cat = withCat ? ["--middleware", "cat"] : [];
    rows.push(await through("mirrorball", [command, ...ours, ...cat], withCat, round));
    rows.push(await through("gor", [gor, ...theirs, ...cat], withCat, round));
  }
  rmSync(path);
  return rows;
}

/** @param {string} who @param {string[]} words @param {boolean} withCat @param {number} round */
async function through(who, words, withCat, round) {
  const far = await receiver();
  const [program = "", ...rest] = words;
  const run = await watched(
    program,
    [...rest, "--output-tcp", `127.0.0.1:${far.port}`],
    () => far.records,
    MESSAGES,
  );
  far.close();
  return {
    bench: "middleware, file to TCP",
    variant: `${who}, ${withCat ? "cat" : "none"}`,
    round,
    "msg/s": Math.round(run.count / run.seconds),
    "CPU µs/msg": Number((run.cpuUs / MESSAGES).toFixed(2)),
    lost: MESSAGES - run.count,
  };
}

/** @param {string} variant @param {string[]} flags @param {number} round */
async function measure(variant, flags, round) {
  const words = ["--input-memory", "--output-null", ...flags];
  const made = planFrom(words, { ...catalogue, inputs: [...catalogue.inputs, memory] });
  if ("errors" in made) throw new Error(made.errors.join("\n"));
  const server = await ReplayServer.create(made.plan);
  const cpu = process.cpuUsage();
  const started = performance.now();
  await server.start();
  await server.ended;
  // Not `stop`, which waits for a program to end.
  const page = () => server.counters();
  while ((page().outputs[0]?.delivered ?? 0) < MESSAGES) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const { lost } = await server.stop();
  return {
    bench: "middleware",
    variant,
    round,
    "msg/s": Math.round(MESSAGES / seconds),
    "CPU µs/msg": Number(((user + system) / MESSAGES).toFixed(2)),
    lost,
  };
}

const memory = defineInput({
  name: "input-memory",
  summary: "Emits the same request again and again.",
  argument: undefined,
  options: {},
  create: (context) => {
    /** @type {() => void} */
    let done = () => {};
    /** @type {Promise<void>} */
    const ended = new Promise((resolve) => {
      done = resolve;
    });
    const emitAll = async () => {
      for (let id = 0; id < MESSAGES;) {
        const batch = [];
        for (let i = 0; i < BATCH && id < MESSAGES; i += 1, id += 1) batch.push(request(id));
        await context.emit(batch);
      }
      done();
    };
    return { ended, start: async () => void emitAll(), stop: async () => {} };
  },
});

/** @param {number} number @returns {import("@mirrorball/protocol").Message} */
function request(number) {
  const id = number.toString(16).padStart(24, "0");
  const http = HttpMessage.fromRaw(REQUEST);
  return { kind: 1, id, startedAt: 1_732_406_400_000_000 + number, latencyNs: 0, http };
}
