// @ts-check
// What is possible at all on this machine: undici's dispatch, and raw sockets, with the mixed load against the same nginx; each
// a process of its own. As a program: argv "undici" or "sockets", port, connections, warm-up, count; prints `done SECONDS CPU_US`.
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { Client } from "undici";
import { mixed, mixedBytes } from "./mix.mjs";
import { start, startNginx } from "./processes.mjs";

const REQUESTS = 300_000;
const WARM_UP = 50_000;
const ROUNDS = 3;
const CONNECTIONS = 16;

/** @returns {Promise<object[]>} */
export async function benchCeiling() {
  const nginx = await startNginx();
  const rows = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const variant of ["undici", "sockets"]) {
      const words = [variant, nginx, CONNECTIONS, WARM_UP, REQUESTS].map(String);
      const program = start("ceiling.mjs", ...words);
      const [seconds = 0, cpuUs = 0] = (await program.line(/^done (.*)/)).split(" ").map(Number);
      rows.push({
        bench: "ceiling",
        variant,
        round,
        "req/s": Math.round(REQUESTS / seconds),
        "CPU µs/req": Number((cpuUs / REQUESTS).toFixed(1)),
      });
    }
  }
  return rows;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [variant, port = "0", connections = "1", warmUp = "0", count = "0"] = process.argv.slice(2);
  let sent = 0;
  let most = Number(warmUp);
  /** The number of the next request, 0 when there are enough. */
  const next = () => (sent < most ? (sent += 1) : 0);
  const lane = variant === "undici" ? byUndici : bySockets;
  const lanes = Array.from({ length: Number(connections) }, () => lane(Number(port), next));
  const all = () => Promise.all(lanes.map((run) => run()));
  await all();
  const started = performance.now();
  const before = process.cpuUsage();
  most += Number(count);
  await all();
  const { user, system } = process.cpuUsage(before);
  console.log(`done ${(performance.now() - started) / 1000} ${user + system}`);
  process.exit(0);
}

/** @param {number} port @param {() => number} next @returns {() => Promise<void>} */
function byUndici(port, next) {
  const client = new Client(`http://127.0.0.1:${port}`, { pipelining: 1 });
  let done = () => {};
  let failed = /** @param {Error} _error */ (_error) => {};
  const handler = {
    onRequestStart() {},
    onResponseStart() {},
    onResponseData() {},
    onResponseEnd() {
      send();
    },
    /** @param {unknown} _controller @param {Error} error */
    onResponseError(_controller, error) {
      failed(error);
    },
  };
  const send = () => {
    const number = next();
    if (number === 0) return done();
    client.dispatch(mixed(number), handler);
  };
  return () =>
    new Promise((resolve, reject) => {
      done = resolve;
      failed = reject;
      send();
    });
}

/** @param {number} port @param {() => number} next @returns {() => Promise<void>} */
function bySockets(port, next) {
  const socket = connect(port, "127.0.0.1");
  let done = () => {};
  socket.setNoDelay(true);
  const send = () => {
    const number = next();
    if (number === 0) return done();
    socket.write(mixedBytes(number));
  };
  // nginx answers with one packet.
  socket.on("data", send);
  return () =>
    new Promise((resolve, reject) => {
      done = resolve;
      socket.on("error", reject);
      send();
    });
}
