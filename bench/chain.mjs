// @ts-check
// The main job without a service: TCP input to HTTP output against nginx. With a peer, the same requests in gor's text stream,
// through us and through gor.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sendStream, settled } from "./gor.mjs";
import { mixed } from "./mix.mjs";
import {
  answeredBy,
  command,
  freePort,
  produced,
  start,
  startNginx,
  until,
  usage,
} from "./processes.mjs";

const REQUESTS = 300_000;
/** Requests before the measurement: compiling and growing to size are not the cost of a request. */
const WARM_UP = 50_000;
const ROUNDS = 3;

/** @param {string | undefined} gor path of a gor binary @returns {Promise<object[]>} */
export async function benchChain(gor) {
  const nginx = await startNginx();
  const rows = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    rows.push(await mirrorball(nginx, round));
    if (gor === undefined) continue;
    rows.push(await overStream("mirrorball, gor's stream", [command], round));
    rows.push(await overStream("gor, gor's stream", [gor], round));
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
  let warm = usage(server.child.pid);
  let started = 0;
  await produced({ tcp, page, warmUp: WARM_UP, requests: REQUESTS }, () => {
    warm = usage(server.child.pid);
    started = performance.now();
  });
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

/**
 * A server that takes gor's text stream, which a gor would send: ours or a gor. The stream has no acknowledgement, so nginx
 * tells what has come: a request is lost when its target was never asked for.
 * @param {string} variant @param {string[]} words @param {number} round
 */
async function overStream(variant, words, round) {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-bench-"));
  const log = join(folder, "targets");
  const nginx = await startNginx({ log });
  const tcp = await freePort();
  const [program = "", ...rest] = words;
  const target = `http://127.0.0.1:${nginx}`;
  const server = start(
    program,
    ...rest,
    "--input-tcp",
    `127.0.0.1:${tcp}`,
    "--output-http",
    target,
  );
  await listening(tcp);
  const answered = answeredBy(nginx);
  const before = await answered();
  const sender = sendStream(tcp, WARM_UP, REQUESTS);
  await sender.line(/^(warm)/);
  const { count: warmed } = await settled(answered, before + WARM_UP);
  const warm = usage(server.child.pid);
  const started = performance.now();
  sender.child.stdin.write("go\n");
  await sender.line(/^(done)/);
  const end = await settled(answered, before + WARM_UP + REQUESTS);
  const seconds = (end.lastMs - started) / 1000;
  const { cpuUs, peakMb } = usage(server.child.pid);
  server.child.kill("SIGKILL");
  // nginx writes its log once a second.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const targets = new Set(readFileSync(log, "latin1").split("\n"));
  rmSync(folder, { recursive: true });
  let lost = 0;
  for (let number = WARM_UP + 1; number <= WARM_UP + REQUESTS; number += 1)
    if (!targets.has(mixed(number).path)) lost += 1;
  return row(variant, round, {
    seconds,
    cpuUs: cpuUs - warm.cpuUs,
    allCpuUsEach: cpuUs / (WARM_UP + REQUESTS),
    lost,
    sent: end.count - warmed,
    warmMb: warm.peakMb,
    peakMb,
  });
}

/** Resolves when a connection is taken. @param {number} port */
async function listening(port) {
  await until(
    () =>
      new Promise((resolve) => {
        const socket = connect(port, "127.0.0.1", () => {
          socket.end();
          resolve(true);
        });
        socket.on("error", () => resolve(false));
      }),
  );
}

/**
 * @param {string} variant
 * @param {number} round
 * @param {{ seconds: number, cpuUs: number, allCpuUsEach: number, lost: number, sent?: number, warmMb: number, peakMb: number }} figures
 */
function row(
  variant,
  round,
  { seconds, cpuUs, allCpuUsEach, lost, sent = REQUESTS, warmMb, peakMb },
) {
  return {
    bench: "TCP to HTTP",
    variant,
    round,
    "req/s": Math.round((REQUESTS - lost) / seconds),
    // What a server makes of lost requests costs it, too: the rate of what it sent.
    "CPU µs/req": Number((cpuUs / sent).toFixed(1)),
    "with start-up": Number(allCpuUsEach.toFixed(1)),
    lost,
    "warm MB": Math.round(warmMb),
    "peak MB": Math.round(peakMb),
  };
}
