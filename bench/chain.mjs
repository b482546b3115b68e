// @ts-check
// The main job without a service: TCP input to HTTP output against nginx. With a peer, the same requests from a file through gor.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, start, startNginx, usage } from "./processes.mjs";

const REQUESTS = 300_000;
/** Requests before the measurement: compiling and growing to size are not the cost of a request. */
const WARM_UP = 50_000;
const ROUNDS = 3;
const command = new URL("../packages/cli/bin/mirrorball.mjs", import.meta.url).pathname;

/** @param {string | undefined} gor path of a gor binary @returns {Promise<object[]>} */
export async function benchChain(gor) {
  const nginx = await startNginx();
  const rows = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    rows.push(await mirrorball(nginx, round));
    if (gor !== undefined) rows.push(await peer(gor, nginx, round));
  }
  return rows;
}

/** @param {number} nginx @param {number} round */
async function mirrorball(nginx, round) {
  const tcp = await freePort();
  const page = await freePort();
  const server = start(
    command,
    "--input-tcp",
    `127.0.0.1:${tcp}`,
    "--output-http",
    `http://127.0.0.1:${nginx}`,
    "--http-pprof",
    `127.0.0.1:${page}`,
  );
  await until(() => delivered(page).then((n) => n >= 0));
  const producer = start("producer.mjs", String(tcp), String(WARM_UP), String(REQUESTS));
  await producer.line(/^(warm)/);
  await until(async () => (await delivered(page)) >= WARM_UP);
  const warm = usage(server.child.pid);
  const started = performance.now();
  producer.child.stdin.write("go\n");
  // The counters page costs the server something: it is not asked before almost everything is delivered.
  await producer.line(/^(done)/);
  await until(async () => (await delivered(page)) >= WARM_UP + REQUESTS);
  const seconds = (performance.now() - started) / 1000;
  const { cpuUs, peakMb } = usage(server.child.pid);
  server.child.kill("SIGTERM");
  const code = await server.ended;
  const lost = /^lost (\d+)/m.exec(server.stderr())?.[1] ?? "0";
  return row("mirrorball", round, {
    seconds,
    cpuUs: cpuUs - warm.cpuUs,
    allCpuUsEach: cpuUs / (WARM_UP + REQUESTS),
    lost: code === 0 ? 0 : Number(lost),
    warmMb: warm.peakMb,
    peakMb,
  });
}

/** gor reads the same requests from a file that mirrorball wrote. @param {string} gor @param {number} nginx @param {number} round */
async function peer(gor, nginx, round) {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-bench-"));
  const tcp = await freePort();
  const page = await freePort();
  const writer = start(
    command,
    "--input-tcp",
    `127.0.0.1:${tcp}`,
    "--output-file",
    join(folder, "r.gor"),
    // All of it in one file: a chunk holds 256 records otherwise, and gor is given one.
    "--output-file-queue-limit",
    "0",
    "--output-file-size-limit",
    "0",
    "--http-pprof",
    `127.0.0.1:${page}`,
  );
  await until(() => delivered(page).then((n) => n >= 0));
  const producer = start("producer.mjs", String(tcp), String(REQUESTS), "0");
  await producer.line(/^(warm)/);
  producer.child.kill();
  writer.child.kill("SIGTERM");
  await writer.ended;
  const started = performance.now();
  const served = await answeredBy(nginx);
  const program = start(
    gor,
    "--input-file",
    `${join(folder, "r_0.gor")}|10000%`,
    "--output-http",
    `http://127.0.0.1:${nginx}`,
    "--exit-after",
    "600s",
  );
  let last = usage(program.child.pid);
  const watch = setInterval(() => {
    if (program.child.exitCode === null) last = usage(program.child.pid);
  }, 100);
  await program.ended;
  clearInterval(watch);
  const seconds = (performance.now() - started) / 1000;
  const lost = REQUESTS - ((await answeredBy(nginx)) - served - 1);
  return row("gor", round, {
    seconds,
    cpuUs: last.cpuUs,
    allCpuUsEach: last.cpuUs / REQUESTS,
    lost,
    warmMb: last.peakMb,
    peakMb: last.peakMb,
  });
}

/**
 * @param {string} variant
 * @param {number} round
 * @param {{ seconds: number, cpuUs: number, allCpuUsEach: number, lost: number, warmMb: number, peakMb: number }} figures
 */
function row(variant, round, { seconds, cpuUs, allCpuUsEach, lost, warmMb, peakMb }) {
  return {
    bench: "TCP to HTTP",
    variant,
    round,
    "req/s": Math.round(REQUESTS / seconds),
    "CPU µs/req": Number((cpuUs / REQUESTS).toFixed(1)),
    "with start-up": Number(allCpuUsEach.toFixed(1)),
    lost,
    "warm MB": Math.round(warmMb),
    "peak MB": Math.round(peakMb),
  };
}

/** What the last output has delivered; -1 while the page does not answer. @param {number} page */
async function delivered(page) {
  try {
    const counters = await (await fetch(`http://127.0.0.1:${page}/debug/vars`)).json();
    return Number(counters.outputs.at(-1).delivered);
  } catch {
    return -1;
  }
}

/** Requests nginx has answered. @param {number} port */
async function answeredBy(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/nginx-status`)).text();
  return Number(/\s(\d+)\s+\n?Reading/.exec(text)?.[1] ?? 0);
}

/** @param {() => Promise<boolean>} test */
async function until(test) {
  while (!(await test())) await new Promise((resolve) => setTimeout(resolve, 20));
}
