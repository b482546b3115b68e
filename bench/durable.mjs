// @ts-check
// Durable ingest: exchanges of 1 KB over the acknowledged protocol into a server with a journal. As fast as it goes, then at
// 30,000 a second for the time from offering to acknowledgement, then the time to the first acknowledgement after a restart
// with a large journal. As a program: argv port, count, per second (0: as fast as acknowledged); prints one line of JSON.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ProducerSession, RecordType, packRecords } from "@mirrorball/protocol";
import { command, freePort, start, usage } from "./processes.mjs";

const EXCHANGES = 300_000;
const ROUNDS = 3;
const PER_SECOND = 30_000;
/** Exchanges of 1 KB that make half a gigabyte. */
const RECOVERY_EXCHANGES = 512 * 1024;

/** @returns {Promise<object[]>} */
export async function benchDurable() {
  const rows = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    rows.push(await ingest(round, 0), await ingest(round, PER_SECOND));
  }
  rows.push(await recovery());
  return rows;
}

/** @param {number} round @param {number} perSecond */
async function ingest(round, perSecond) {
  const directory = mkdtempSync(join(tmpdir(), "mirrorball-bench-"));
  const { server, tcp } = await serve(directory, "--output-null");
  const before = usage(server.child.pid).cpuUs;
  const load = await offer(tcp, EXCHANGES, perSecond);
  const { cpuUs, peakMb } = usage(server.child.pid);
  server.child.kill("SIGTERM");
  const code = await server.ended;
  rmSync(directory, { recursive: true });
  return {
    bench: "durable ingest",
    variant: perSecond === 0 ? "as fast as it goes" : `${perSecond}/s offered`,
    round,
    "exchanges/s": Math.round(EXCHANGES / load.seconds),
    "CPU µs/exchange": Number(((cpuUs - before) / EXCHANGES).toFixed(1)),
    "ack p50 ms": load.ackMs.p50,
    "ack p99 ms": load.ackMs.p99,
    "peak MB": Math.round(peakMb),
    "exit code": code,
  };
}

/** Half a gigabyte that no output has settled; then a new process. */
async function recovery() {
  const directory = mkdtempSync(join(tmpdir(), "mirrorball-bench-"));
  // A target that never answers: the journal keeps everything.
  const hole = await start("durable-hole.mjs").line(/^listening (\d+)/);
  const target = `http://127.0.0.1:${hole}`;
  const words = ["--journal-limit", "2gb", "--output-http", target, "--output-http-timeout", "1h"];
  const first = await serve(directory, ...words);
  await offer(first.tcp, RECOVERY_EXCHANGES, 0);
  first.server.child.kill("SIGKILL");
  await first.server.ended;
  const started = performance.now();
  const { server, tcp } = await serve(directory, ...words);
  const ready = performance.now() - started;
  const load = await offer(tcp, 1, 0);
  const row = {
    bench: "recovery with 512 MB in the journal",
    "process start to listening ms": Math.round(ready),
    "first ack after connecting ms": load.ackMs.p50,
  };
  server.child.kill("SIGKILL");
  await server.ended;
  rmSync(directory, { recursive: true });
  return row;
}

/** @param {string} directory @param {string[]} words */
async function serve(directory, ...words) {
  const tcp = await freePort();
  const address = `127.0.0.1:${tcp}`;
  const server = start(command, "--input-tcp", address, "--journal", directory, ...words);
  await listening(tcp);
  return { server, tcp };
}

/** @param {number} port @returns {Promise<void>} */
function listening(port) {
  return new Promise((resolve) => {
    const attempt = () => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve();
      });
      socket.on("error", () => setTimeout(attempt, 5));
    };
    attempt();
  });
}

/**
 * @param {number} port @param {number} count @param {number} perSecond
 * @returns {Promise<{ seconds: number, ackMs: { p50: number, p99: number } }>}
 */
async function offer(port, count, perSecond) {
  const program = start("durable.mjs", String(port), String(count), String(perSecond));
  return JSON.parse(await program.line(/^(\{.*\})/));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) produce(process.argv.slice(2).map(Number));

/** @param {number[]} words */
function produce([port = 0, count = 0, perSecond = 0]) {
  const session = new ProducerSession({
    producerId: randomBytes(16),
    service: "bench",
    agent: "bench",
  });
  const batch = 60;
  /** @type {number[]} */
  const offeredAt = [];
  /** @type {number[]} */
  const ackMs = [];
  let made = 0;
  let started = 0;
  const socket = connect(port, "127.0.0.1", () => session.connect(randomBytes(16), 0));
  socket.setNoDelay(true);
  const pump = () => {
    if (session.state === "open") {
      if (started === 0) started = performance.now();
      const elapsed = (performance.now() - started) / 1000;
      const due = perSecond === 0 ? count : Math.min(count, Math.ceil(elapsed * perSecond));
      while (session.unackedFrames < 64 && made < due) {
        const size = Math.min(batch, count - made);
        const first = made + 1;
        made += size;
        session.enqueue(
          packRecords(Array.from({ length: size }, (_, i) => exchange(first + i))),
          size,
        );
        offeredAt.push(performance.now());
      }
    }
    for (const piece of session.takeOutput()) socket.write(piece);
  };
  socket.on("connect", pump);
  socket.on("data", (chunk) => {
    session.receive(chunk, 0);
    if (session.failure !== undefined) throw new Error(session.failure.message);
    const now = performance.now();
    while (ackMs.length < offeredAt.length - session.unackedFrames) {
      ackMs.push(now - (offeredAt[ackMs.length] ?? 0));
    }
    if (session.ackedWeight >= count) {
      const seconds = (now - started) / 1000;
      ackMs.sort((a, b) => a - b);
      /** @param {number} share */
      const at = (share) => Number((ackMs[Math.floor((ackMs.length - 1) * share)] ?? 0).toFixed(2));
      console.log(JSON.stringify({ seconds, ackMs: { p50: at(0.5), p99: at(0.99) } }));
      process.exit(0);
    }
    pump();
  });
  if (perSecond > 0) setInterval(pump, 1);
}

/** @param {number} id @returns {import("@mirrorball/protocol").ExchangeRecord} */
function exchange(id) {
  const headers = [
    "Host",
    "shop.test",
    "Accept",
    "*/*",
    "Cookie",
    `sid=${id}`,
    "Content-Length",
    "400",
  ];
  return [
    RecordType.exchange, id, 1.7e15 + id, 10, 1, id, "127.0.0.1:1", "POST", `/orders/${id}`, "HTTP/1.1", headers,
    Buffer.alloc(400, 0x61), 0, null, 1.7e15 + id, 10, "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n",
    Buffer.alloc(400, 0x62), 0, null, null, null,
  ]; // prettier-ignore
}
