// @ts-check
// What is possible at all on this machine: undici's dispatch, and raw sockets, against the same nginx; each a process of its own.
// As a program: argv "undici" or "sockets", port, count; prints `done SECONDS CPU_US`.
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { Client } from "undici";
import { start, startNginx } from "./processes.mjs";

const REQUESTS = 300_000;
const ROUNDS = 3;
const CONNECTIONS = 32;

/** @returns {Promise<object[]>} */
export async function benchCeiling() {
  const nginx = await startNginx();
  const rows = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const variant of ["undici", "sockets"]) {
      const program = start("ceiling.mjs", variant, String(nginx), String(REQUESTS));
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
  const [variant, port, count] = process.argv.slice(2);
  const started = performance.now();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, () =>
      (variant === "undici" ? byUndici : bySockets)(Number(port), Number(count) / CONNECTIONS),
    ),
  );
  const { user, system } = process.cpuUsage();
  console.log(`done ${(performance.now() - started) / 1000} ${user + system}`);
}

/** @param {number} port @param {number} count @returns {Promise<void>} */
function byUndici(port, count) {
  const client = new Client(`http://127.0.0.1:${port}`, { pipelining: 1 });
  const headers = ["User-Agent", "bench/1", "Accept", "application/json", "Cookie", "sid=1"];
  let left = count;
  return new Promise((resolve, reject) => {
    const handler = {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd() {
        left -= 1;
        if (left > 0) send();
        else resolve(client.close());
      },
      /** @param {unknown} _controller @param {Error} error */
      onResponseError(_controller, error) {
        reject(error);
      },
    };
    const send = () =>
      client.dispatch({ path: "/products/1?page=1", method: "GET", headers }, handler);
    send();
  });
}

/** @param {number} port @param {number} count @returns {Promise<void>} */
function bySockets(port, count) {
  const request = Buffer.from(
    "GET /products/1?page=1 HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench/1\r\nAccept: application/json\r\nCookie: sid=1\r\n\r\n",
  );
  let left = count;
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    socket.setNoDelay(true);
    socket.on("error", reject);
    // nginx answers with one packet.
    socket.on("data", () => {
      left -= 1;
      if (left > 0) socket.write(request);
      else {
        socket.destroy();
        resolve();
      }
    });
  });
}
