// @ts-check
// Messages a second through --middleware: none, a `cat` child, the hex-line example in Node, a plugin that only looks, a plugin
// that edits. From a source in memory to --output-null, in one process, rounds alternating.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HttpMessage } from "@mirrorball/protocol";
import { ReplayServer, catalogue, defineInput, planFrom } from "@mirrorball/server";

const MESSAGES = 200_000;
const BATCH = 64;
const ROUNDS = 3;
/** A typical small request, 360 bytes. */
const REQUEST = Buffer.from(
  `GET /api/items/1?page=2 HTTP/1.1\r\nHost: shop.example.com\r\nAccept: */*\r\nCookie: ${"x".repeat(275)}\r\n\r\n`,
);

/** @returns {Promise<object[]>} */
export async function benchMiddleware() {
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
  }
  return rows;
}

/** @param {string} variant @param {string[]} flags @param {number} round */
async function measure(variant, flags, round) {
  const words = ["--input-memory", "--output-null", ...flags];
  const made = planFrom(words, { ...catalogue, inputs: [...catalogue.inputs, memory] });
  if ("errors" in made) throw new Error(made.errors.join("\n"));
  const server = new ReplayServer(made.plan);
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
