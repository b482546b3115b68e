// @ts-check
// Capturing from the wire, each beside its peers in the same run:
// keep-alive GETs that wrk sends to nginx over loopback, responses off: lost, CPU a request; beside tcpdump and, with a peer, gor;
// a capture file: packets a second; 10,000 connections that stay open: memory; bodies of 1 to 256 KB both ways: every one compared.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command, start, startNginx, usage } from "./processes.mjs";
import { benchBodies } from "./raw-bodies.mjs";

const SECONDS = Number(process.env["RAW_SECONDS"] ?? "10");
const ROUNDS = 2;
const BODIES = Number(process.env["RAW_BODIES"] ?? "20000");
const CONNECTIONS = 10_000;
const FILE_EXCHANGES = 800_000;

/** @param {string | undefined} gor path of a gor binary @returns {Promise<object[]>} */
export async function benchRaw(gor) {
  const nginx = await startNginx();
  const rows = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    rows.push(await wire("mirrorball, libpcap", round, nginx, ours(nginx, "libpcap")));
    rows.push(await wire("mirrorball, tcpdump", round, nginx, ours(nginx, "tcpdump")));
    rows.push(await wire("tcpdump -w /dev/null", round, nginx, tcpdump(nginx)));
    if (gor !== undefined) {
      rows.push(await wire("gor", round, nginx, theirs(gor, nginx)));
      const [kept, theirsKept] = [toFile([command], nginx), toFile([gor], nginx)];
      rows.push(await wire("mirrorball, libpcap, to a file", round, nginx, kept));
      rows.push(await wire("gor, to a file", round, nginx, theirsKept));
    }
    rows.push(await file(round, false), await file(round, true));
  }
  rows.push(await connections());
  rows.push(await benchBodies(BODIES));
  return rows;
}

/**
 * @typedef {{ words: string[], ready: RegExp, counted: (stderr: string) => number }} Contender
 */

/** @param {number} port @param {string} engine @returns {Contender} */
function ours(port, engine) {
  return {
    words: [
      command,
      "--input-raw",
      `lo:${port}`,
      "--input-raw-engine",
      engine,
      "--output-null",
      "--verbose",
      "1",
    ],
    ready: /capturing on lo/,
    counted: (stderr) => Number(/messages: (\d+) requests/.exec(stderr)?.[1]),
  };
}

/** @param {number} port @returns {Contender} */
function tcpdump(port) {
  return {
    words: [
      "/usr/bin/tcpdump",
      "-i",
      "lo",
      "-s",
      "262144",
      "-B",
      "32768",
      "-w",
      "/dev/null",
      `tcp dst port ${port}`,
    ],
    ready: /listening on/,
    counted: () => Number.NaN,
  };
}

/** What it has seen, a gor tells nobody: only its cost is known. @param {string} gor @param {number} port @returns {Contender} */
function theirs(gor, port) {
  const words = [gor, "--input-raw", `lo:${port}`, "--output-null"];
  return { words, ready: /Version:/, counted: () => Number.NaN };
}

/** The same for both, and what is in the file counts. @param {string[]} command @param {number} port @returns {Contender} */
function toFile(command, port) {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-bench-"));
  return {
    words: [
      ...command,
      "--input-raw",
      `lo:${port}`,
      "--output-file",
      join(folder, "r.gor"),
      "--output-file-size-limit",
      "10gb",
      "--output-file-queue-limit",
      "0",
      "--verbose",
      "1",
    ],
    ready: /capturing on lo|Version:/,
    counted: () => {
      const text = readFileSync(join(folder, "r_0.gor"), "latin1");
      rmSync(folder, { recursive: true });
      return text.split("\n1 ").length;
    },
  };
}

/** @param {string} variant @param {number} round @param {number} nginx @param {Contender} contender */
async function wire(variant, round, nginx, { words, ready, counted }) {
  const [program = "", ...rest] = words;
  const capture = start(program, ...rest);
  await until(() => ready.test(capture.stderr()));
  // What was started before belongs to nobody's count.
  const cpuBefore = cpuOf(capture.child.pid);
  const servedBefore = await answeredBy(nginx);
  const wrk = start("/usr/bin/wrk", "-t1", "-c32", `-d${SECONDS}s`, `http://127.0.0.1:${nginx}/`);
  await wrk.ended;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  // Less the request that asks.
  const requests = (await answeredBy(nginx)) - servedBefore - 1;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const cpuUs = cpuOf(capture.child.pid) - cpuBefore;
  const peakMb = usage(capture.child.pid).peakMb;
  capture.child.kill("SIGTERM");
  await capture.ended;
  // The two requests that asked were captured too.
  const seen = counted(capture.stderr()) - 2;
  return {
    bench: "wire",
    variant,
    round,
    "req/s": Math.round(requests / SECONDS),
    requests,
    lost: Number.isNaN(seen) ? dropsOf(capture.stderr()) : requests - seen,
    "CPU µs/req": Number((cpuUs / requests).toFixed(2)),
    "peak MB": Math.round(peakMb),
  };
}

/** Of the process and its children, which tcpdump is to us. @param {number | undefined} pid */
function cpuOf(pid) {
  let total = usage(pid).cpuUs;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  for (const child of children === "" ? [] : children.split(" ")) total += cpuOf(Number(child));
  return total;
}

/** @param {string} stderr */
function dropsOf(stderr) {
  const drops = /(\d+) packets? dropped by kernel/.exec(stderr)?.[1];
  return drops === undefined ? "not told" : `${drops} packets`;
}

/** The command on a capture of keep-alive GETs and answers, start and end included. @param {number} round @param {boolean} tracked */
async function file(round, tracked) {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-bench-"));
  const path = join(folder, "load.pcap");
  const { synthesise } = await import("./packets.mjs");
  // Flushed, so that writing it does not go on while it is read.
  writeFileSync(path, synthesise(32, false, FILE_EXCHANGES), { flush: true });
  const started = performance.now();
  const program = start(
    command,
    "--input-raw",
    `${path}:80`,
    ...(tracked ? ["--input-raw-track-response"] : []),
    "--output-null",
  );
  let cpuUs = 0;
  const watch = setInterval(() => {
    if (program.child.exitCode === null) cpuUs = usage(program.child.pid).cpuUs;
  }, 20);
  await program.ended;
  clearInterval(watch);
  const seconds = (performance.now() - started) / 1000;
  const text = program.stderr();
  const packets = Number(/packets: (\d+)/.exec(text)?.[1]);
  const requests = Number(/messages: (\d+) requests/.exec(text)?.[1]);
  const mb = statSync(path).size / 1e6;
  rmSync(folder, { recursive: true });
  return {
    bench: "pcap_file",
    variant: tracked ? "requests and responses" : "requests",
    round,
    "packets/s": Math.round(packets / seconds),
    "packets/s of CPU": Math.round((packets / cpuUs) * 1e6),
    "MB/s": Math.round(mb / seconds),
    requests,
    lost: FILE_EXCHANGES - requests,
  };
}

/** 10,000 connections with a request each, all open at once. The server is a process of its own: each has its own limit of files. */
async function connections() {
  const server = start("raw.mjs", "serve");
  const port = Number(await server.line(/^port (\d+)/));
  const capture = start(
    command,
    "--input-raw",
    `lo:${port}`,
    "--input-raw-track-response",
    "--output-null",
    "--verbose",
    "1",
  );
  await until(() => /capturing on lo/.test(capture.stderr()));
  /** @type {import("node:net").Socket[]} */
  const open = [];
  while (open.length < CONNECTIONS) {
    const batch = Array.from({ length: 250 }, (_, i) => exchange(port, `127.0.1.${1 + (i % 250)}`));
    open.push(...(await Promise.all(batch)));
  }
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const { peakMb } = usage(capture.child.pid);
  capture.child.kill("SIGTERM");
  await capture.ended;
  for (const socket of open) socket.destroy();
  server.child.kill("SIGKILL");
  const requests = Number(/messages: (\d+) requests/.exec(capture.stderr())?.[1]);
  return {
    bench: "connections",
    variant: `${CONNECTIONS} open at once`,
    requests,
    lost: CONNECTIONS - requests,
    "peak MB": Math.round(peakMb),
  };
}

function serve() {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
    const address = server.address();
    console.log(`port ${typeof address === "object" ? address?.port : 0}`);
  });
}

/** @param {number} port @param {string} localAddress @returns {Promise<import("node:net").Socket>} */
function exchange(port, localAddress) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress });
    // Resets at the very end are nobody's loss.
    socket.on("error", reject);
    socket.once("data", () => resolve(socket));
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  });
}

/** Requests nginx has answered. @param {number} port */
async function answeredBy(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/nginx-status`)).text();
  return Number(/\s(\d+)\s+\n?Reading/.exec(text)?.[1] ?? 0);
}

/** @param {() => boolean} test */
async function until(test) {
  while (!test()) await new Promise((resolve) => setTimeout(resolve, 20));
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === "serve") serve();
