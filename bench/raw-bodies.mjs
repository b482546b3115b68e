// @ts-check
// Bodies for the capture bench. argv: exchanges, exchanges a second. A server that echoes, a client that sends 1 to 256 KB and checks the echo;
// prints `port N`, waits for a line on standard input, and prints `done`.
import { Agent, createServer, request } from "node:http";
import { once } from "node:events";

const exchanges = Number(process.argv[2] ?? "1000");
const rate = Number(process.argv[3] ?? "300");
const CONNECTIONS = 8;
const KB = 1024;

const server = createServer((req, res) => {
  res.writeHead(200, { "content-length": req.headers["content-length"] });
  req.pipe(res);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
const port = typeof address === "object" ? (address?.port ?? 0) : 0;
console.log(`port ${port}`);
await once(process.stdin, "data");

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
const pool = Buffer.from(
  Uint8Array.from({ length: 512 * KB }, (_, i) => (i * 2_654_435_761) >>> 13),
);
let next = 0;
const started = performance.now();
await Promise.all(Array.from({ length: CONNECTIONS }, () => worker()));
console.log("done");
process.exit(0);

async function worker() {
  for (let i = next++; i < exchanges; i = next++) {
    const waitMs = started + (i * 1000) / rate - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const size = KB * (1 + (i % 256));
    const body = pool.subarray(i % 4096, (i % 4096) + size);
    const got = await exchange(body);
    if (got !== size) throw new Error(`sent ${size}, got ${got}`);
  }
}

/** @param {Buffer} body @returns {Promise<number>} */
function exchange(body) {
  return new Promise((resolve, reject) => {
    const req = request(
      {
        port,
        host: "127.0.0.1",
        method: "POST",
        agent,
        headers: { "content-length": body.length },
      },
      (res) => {
        let bytes = 0;
        res.on("data", (chunk) => (bytes += chunk.length));
        res.on("end", () => resolve(bytes));
      },
    );
    req.on("error", reject);
    req.end(body);
  });
}
