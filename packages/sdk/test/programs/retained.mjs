// @ts-check
// Ends exchanges in every way, one a process, and says which of the host's objects are still held once it is over and nothing else
// comes. Started with `--expose-gc`, with and without the SDK; the test beside compares.
import { once } from "node:events";
import http from "node:http";
import net from "node:net";

const [, , how = "", mounting = "none"] = process.argv;

const { createMirror } =
  mounting === "none" || mounting === "register" ? {} : await import("@mirrorball/sdk");
/** A mirror that is never reached, or only below a path: exchanges of the server are nobody's. */
const tee = createMirror?.({
  log: () => {},
  ...(mounting === "full" ? { maxBufferBytes: 262_144 } : {}),
});

/** @type {WeakRef<object>[]} */
const refs = [];
const agent = new http.Agent({ keepAlive: true });

/** @param {http.IncomingMessage} req @param {http.ServerResponse} res */
function handle(req, res) {
  if (req.url === "/scope") {
    tee?.(req, res, () => {});
    res.end("x");
    return;
  }
  for (const message of [req, res]) message.on("error", () => {});
  refs.push(new WeakRef(req), new WeakRef(res));
  if (how === "abort" || how === "abort of an upload") return;
  if (how === "error" && req.url === "/") res.destroy(new Error("the host's"));
  else if (how === "half an answer" && req.url === "/") {
    res.write("half");
    setImmediate(() => req.socket.destroy());
  } else if (mounting === "full") res.end("x".repeat(300_000));
  else res.end("fine");
}

const server = http.createServer(handle);
server.on("upgrade", hijack).on("connect", hijack);
if (mounting === "attached" || mounting === "full") tee?.attach(server);

/** @param {http.IncomingMessage} req @param {import("node:stream").Duplex} socket */
function hijack(req, socket) {
  refs.push(new WeakRef(req), new WeakRef(socket));
  socket.on("error", () => {}).end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
}

await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = /** @type {net.AddressInfo} */ (server.address());

/** @param {string} path @param {http.RequestOptions} [options] */
async function get(path, options = {}) {
  const [res] = await once(
    http.get({ port, host: "127.0.0.1", path, agent: false, ...options }),
    "response",
  );
  for await (const _ of res);
}

/** @param {string} bytes @param {boolean} leaves */
async function raw(bytes, leaves = false) {
  const socket = net
    .connect(port, "127.0.0.1")
    .on("error", () => {})
    .resume();
  const [inner] = await Promise.all([once(server, "connection"), once(socket, "connect")]);
  const closed = new WeakRef(inner[0]);
  const gone = new Promise((done) => inner[0].once("close", done));
  socket.write(bytes);
  if (leaves) {
    await once(server, "request");
    socket.destroy();
  }
  inner.length = 0;
  await gone;
  refs.push(closed);
}

const FIELDS = "HTTP/1.1\r\nHost: a\r\n";
if (mounting === "scoped") await get("/scope");
if (how === "end") await raw(`GET / ${FIELDS}Connection: close\r\n\r\n`);
else if (how === "end, connection kept") await get("/", { agent });
else if (how === "pipelined")
  await raw(`GET / ${FIELDS}\r\n`.repeat(3) + `GET / ${FIELDS}Connection: close\r\n\r\n`);
else if (how === "abort") await raw(`GET / ${FIELDS}\r\n`, true);
else if (how === "abort of an upload")
  await raw(`POST / ${FIELDS}Content-Length: 100000\r\n\r\n${"x".repeat(1000)}`, true);
else if (how === "upgrade") await raw(`GET / ${FIELDS}Connection: upgrade\r\nUpgrade: own\r\n\r\n`);
else if (how === "CONNECT") await raw(`CONNECT a:1 ${FIELDS}\r\n`);
else await raw(`GET / ${FIELDS}\r\n`);

/** @type {unknown[]} */
let alive = refs;
// A collection may need several rounds; what is held stays for all of them.
const gc = /** @type {() => void} */ (globalThis.gc);
for (let round = 0; round < 40 && alive.length > 0; round += 1) {
  await new Promise((done) => setTimeout(done, 50));
  gc();
  alive = refs.map((ref) => ref.deref()?.constructor.name).filter((name) => name !== undefined);
}
console.log(JSON.stringify({ seen: refs.length, alive, mirrored: tee?.stats().offered }));
process.exit(0);
