// @ts-check
// Recordings: file to null (bytes and records a second), file to HTTP against nginx, pacing error, memory over a large file.
import { createWriteStream, mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ReplayServer, catalogue, defineOutput, planFrom } from "@mirrorball/server";
import { FASTEST, readFromFile, receiver, watched, wholeFile } from "./gor.mjs";
import { answeredBy, command, freePort, start, startNginx, usage } from "./processes.mjs";

const ROUNDS = 3;
const REQUESTS = 300_000;
const PACED_PER_SECOND = 5000;
/** When each recording begins. */
const FIRST_NS = 1_732_406_400_000_000_123n;
const SEPARATOR = "\n🐵🙈🙉\n";

/**
 * @param {{ gor: string | undefined, records: number, pacedSeconds: number }} options
 * @returns {Promise<object[]>}
 */
export async function benchFiles({ gor, records, pacedSeconds }) {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-bench-"));
  const small = await recording(join(folder, "small.gor"), REQUESTS, 10_000, 0);
  const bodies = await recording(join(folder, "bodies.gor"), 60_000, 10_000, 4096);
  const large = await recording(join(folder, "large.gor"), records, 10_000, 0);
  const paced = await recording(
    join(folder, "paced.gor"),
    PACED_PER_SECOND * pacedSeconds,
    1e9 / PACED_PER_SECOND,
    0,
  );
  const nginx = await startNginx();
  const rows = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    rows.push(await toNull("280 B records", small, REQUESTS, round));
    rows.push(await toNull("4 KB records", bodies, 60_000, round));
    rows.push(await toHttp(small, nginx, round));
    if (gor === undefined) continue;
    rows.push(await gorToNull(gor, "280 B records", small, REQUESTS, round));
    rows.push(await gorToNull(gor, "4 KB records", bodies, 60_000, round));
    const whole = wholeFile(small, REQUESTS);
    rows.push(await gorToHttp("gor, all in memory first", gor, whole, small, nginx, round));
    if (round > 0) continue;
    const plain = ["--input-file", `${small}${FASTEST}`];
    rows.push(await gorToHttp("gor as it comes", gor, plain, small, nginx, round));
  }
  rows.push(await toNull("large file", large, records, 0));
  rows.push(await pacing(paced, pacedSeconds));
  if (gor !== undefined) {
    const ours = [command, "--output-tcp-format", "gor", "--input-file", paced];
    const theirs = [gor, ...wholeFile(paced, PACED_PER_SECOND * pacedSeconds, "")];
    rows.push(await pacingOverTcp("mirrorball", ours, pacedSeconds));
    rows.push(await pacingOverTcp("gor", theirs, pacedSeconds));
  }
  return rows;
}

/** Requests `gapNs` apart. @param {string} path @param {number} count @param {number} gapNs @param {number} bodyBytes */
export async function recording(path, count, gapNs, bodyBytes) {
  const stream = createWriteStream(path, { highWaterMark: 1 << 22 });
  const body = "x".repeat(bodyBytes);
  const line = bodyBytes === 0 ? "GET" : "POST";
  const length = bodyBytes === 0 ? "" : `Content-Length: ${bodyBytes}\r\n`;
  let text = "";
  for (let i = 0; i < count; i += 1) {
    const at = FIRST_NS + BigInt(i) * BigInt(gapNs);
    const id = i.toString(16).padStart(24, "0");
    text += `1 ${id} ${at} 0\n${line} /products/${i}?page=2 HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: bench/1.0\r\nCookie: sid=abcdefghijklmnopqrstuvwxyz0123456789\r\nAccept: application/json\r\nConnection: keep-alive\r\n${length}\r\n${body}${SEPARATOR}`;
    if (text.length < 1 << 20) continue;
    const piece = text;
    text = "";
    if (!stream.write(piece)) await new Promise((resolve) => stream.once("drain", resolve));
  }
  await new Promise((resolve) => stream.end(text, () => resolve(undefined)));
  return path;
}

/** Runs to its end; the last figures seen of it. @param {string} program @param {string[]} words */
async function ran(program, ...words) {
  const started = performance.now();
  const child = start(program, ...words);
  let last = usage(child.child.pid);
  const watch = setInterval(() => {
    try {
      const now = usage(child.child.pid);
      // One that has ended and was not waited for yet has no memory any more.
      last = { cpuUs: now.cpuUs, peakMb: Math.max(now.peakMb, last.peakMb) };
    } catch {
      // It has just ended.
    }
  }, 20);
  const code = await child.ended;
  clearInterval(watch);
  return { ...last, seconds: (performance.now() - started) / 1000, code, stderr: child.stderr() };
}

/** @param {string} what @param {string} path @param {number} count @param {number} round */
async function toNull(what, path, count, round) {
  const run = await ran(
    command,
    "--input-file",
    path,
    "--input-file-speed",
    "max",
    "--output-null",
  );
  return row(`file to null, ${what}`, "mirrorball", round, run, count, statSync(path).size);
}

/** @param {string} path @param {number} nginx @param {number} round */
async function toHttp(path, nginx, round) {
  const run = await ran(
    command,
    "--input-file", path, "--input-file-speed", "max", "--output-http", `http://127.0.0.1:${nginx}`,
  ); // prettier-ignore
  return row("file to HTTP", "mirrorball", round, run, REQUESTS, statSync(path).size);
}

/**
 * gor does not end: this run does when it has read all. @param {string} gor @param {string} what @param {string} path @param {number} count @param {number} round
 */
async function gorToNull(gor, what, path, count, round) {
  const page = await freePort();
  const run = await watched(
    gor,
    [...wholeFile(path, count), "--output-null", "--http-pprof", `127.0.0.1:${page}`],
    () => readFromFile(page),
    count,
  );
  const variant = "gor, all in memory first";
  return row(`file to null, ${what}`, variant, round, run, run.count, statSync(path).size);
}

/**
 * Ends when nginx has answered all, after some time, or when nothing comes any more. @param {string} variant @param {string} gor
 * @param {string[]} input @param {string} path @param {number} nginx @param {number} round
 */
async function gorToHttp(variant, gor, input, path, nginx, round) {
  const answered = answeredBy(nginx);
  const before = await answered();
  const count = async () => (await answered()) - before;
  const run = await watched(
    gor,
    [...input, "--output-http", `http://127.0.0.1:${nginx}`],
    count,
    REQUESTS,
  );
  const bytes = (statSync(path).size * run.count) / REQUESTS;
  return row("file to HTTP", variant, round, run, run.count, bytes);
}

/** When each record arrives at the far end of gor's text stream, against when it should. @param {string} variant @param {string[]} words @param {number} seconds */
async function pacingOverTcp(variant, words, seconds) {
  /** @type {number[]} */
  const errorsMs = [];
  let startedMs = 0;
  const wanted = PACED_PER_SECOND * seconds;
  const far = await receiver((startedAtNs) => {
    const nowMs = performance.now();
    if (startedMs === 0) startedMs = nowMs;
    errorsMs.push(nowMs - startedMs - Number(startedAtNs - FIRST_NS) / 1e6);
  });
  const [program = "", ...rest] = words;
  const run = await watched(
    program,
    [...rest, "--output-tcp", `127.0.0.1:${far.port}`],
    () => far.records,
    wanted,
  );
  far.close();
  return pacingRow("pacing over TCP", variant, errorsMs, seconds, run.cpuUs);
}

/**
 * @param {string} bench @param {string} variant @param {number} round
 * @param {{ cpuUs: number, peakMb: number, seconds: number, code: number | null }} run
 * @param {number} count @param {number} bytes
 */
function row(bench, variant, round, run, count, bytes) {
  return {
    bench,
    variant,
    round,
    "records/s": Math.round(count / run.seconds),
    "MB/s": Math.round(bytes / 1e6 / run.seconds),
    "CPU µs/record": Number((run.cpuUs / count).toFixed(2)),
    "peak MB": Math.round(run.peakMb),
    exit: run.code,
  };
}

/** When each message arrives at an output, against when it should. @param {string} path @param {number} seconds */
async function pacing(path, seconds) {
  /** @type {number[]} */
  const errorsMs = [];
  let startedMs = 0;
  const stopwatch = defineOutput({
    name: "output-stopwatch",
    summary: "Notes when messages arrive.",
    argument: undefined,
    accepts: [1, 2, 3],
    options: {},
    create: ({ queue, ledger }) => {
      queue.onReadable = () => {
        const nowMs = performance.now();
        if (startedMs === 0) startedMs = nowMs;
        for (let taken = queue.takeBatch(1000); taken.length > 0; taken = queue.takeBatch(1000)) {
          for (const { startedAt } of taken) {
            const ns = typeof startedAt === "bigint" ? startedAt : BigInt(startedAt) * 1000n;
            errorsMs.push(nowMs - startedMs - Number(ns - FIRST_NS) / 1e6);
          }
          ledger.delivered(taken);
        }
      };
      return { start: async () => {}, drain: async () => {}, close: async () => {} };
    },
  });
  const made = planFrom(["--input-file", path, "--output-stopwatch"], {
    ...catalogue,
    outputs: [...catalogue.outputs, stopwatch],
  });
  if ("errors" in made) throw new Error(made.errors.join("\n"));
  const cpu = process.cpuUsage();
  const server = await ReplayServer.create(made.plan);
  await server.start();
  await server.ended;
  await server.stop();
  const { user, system } = process.cpuUsage(cpu);
  return pacingRow("pacing", "mirrorball", errorsMs, seconds, user + system);
}

/** @param {string} bench @param {string} variant @param {number[]} errorsMs @param {number} seconds @param {number} cpuUs */
function pacingRow(bench, variant, errorsMs, seconds, cpuUs) {
  const sorted = errorsMs.map(Math.abs).sort((a, b) => a - b);
  const lastMs = errorsMs.at(-1) ?? 0;
  return {
    bench: `${bench} at ${PACED_PER_SECOND}/s for ${seconds} s`,
    variant,
    round: 0,
    "records/s": Math.round(errorsMs.length / (seconds + Math.max(lastMs, 0) / 1000)),
    "error p50 ms": Number((sorted[Math.floor(sorted.length * 0.5)] ?? 0).toFixed(2)),
    "error p99 ms": Number((sorted[Math.floor(sorted.length * 0.99)] ?? 0).toFixed(2)),
    "drift %": Number((lastMs / 10 / seconds).toFixed(4)),
    "CPU µs/record": Number((cpuUs / errorsMs.length).toFixed(2)),
  };
}
