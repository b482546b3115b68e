// @ts-check
// The load of the capture bench for bodies. argv: exchanges. A server and its clients on keep-alive connections; every request and
// every response has a body of its own, 1 to 256 KB, log-uniform, binary, and tells its number and its body's SHA-1; one response in
// ten is chunked. Prints `port N`, waits for `go COUNTERS_URL` on standard input, and prints `done SECONDS BYTES` when all has been
// captured, or nothing more comes.
//
// It goes as fast as the capture: what is on the wire and not yet captured, by the capture's own counters, stays within a window.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

const exchanges = Number(process.argv[2] ?? "1000");
const CONNECTIONS = 16;
const KB = 1024;
const SIZE_MIN = KB;
const SIZE_MAX = 256 * KB;
const CHUNK_BYTES = 16 * KB;
const CHUNKED_EVERY = 10;
/** Bytes that may wait for the capture: a fraction of the kernel's buffer, which wastes the ends of its blocks. */
const WINDOW_BYTES = 48 * KB * KB;
const POLL_MS = 10;
/** Polls without progress after which the rest counts as lost: five seconds. */
const STILL_POLLS = 500;
const pool = randomBytes(16 * KB * KB);
const HEAD_END = Buffer.from("\r\n\r\n");

let bytesSent = 0;
let bytesCaptured = 0;
let answered = 0;
let next = 0;
/** @type {(() => void)[]} */
let waiting = [];

const server = createServer({ noDelay: true }, (socket) => {
  let missing = -1;
  let number = "";
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    let body = chunk.length;
    if (missing < 0) {
      const headBytes = chunk.indexOf(HEAD_END) + HEAD_END.length;
      const head = chunk.latin1Slice(0, headBytes);
      number = /X-Number: (\d+)/.exec(head)?.[1] ?? "";
      missing = Number(/Content-Length: (\d+)/.exec(head)?.[1]);
      body -= headBytes;
    }
    missing -= body;
    if (missing > 0) return;
    missing = -1;
    answer(socket, number);
  });
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
const port = typeof address === "object" ? (address?.port ?? 0) : 0;
console.log(`port ${port}`);
const [line] = await once(createInterface({ input: process.stdin }), "line");
const url = String(line).split(" ")[1] ?? "";

const agent = new Agent({ keepAlive: true });
const started = performance.now();
const polling = poll();
await Promise.all(Array.from({ length: CONNECTIONS }, () => client()));
await polling;
console.log(`done ${(performance.now() - started) / 1000} ${bytesSent}`);
process.exit(0);

function body() {
  const size = Math.floor(SIZE_MIN * (SIZE_MAX / SIZE_MIN) ** Math.random());
  const at = Math.floor(Math.random() * (pool.length - size));
  const bytes = pool.subarray(at, at + size);
  return { bytes, sha1: createHash("sha1").update(bytes).digest("hex") };
}

/** @param {import("node:net").Socket} socket @param {string} start @param {string} number @param {boolean} chunked */
function send(socket, start, number, chunked) {
  const { bytes, sha1 } = body();
  const framing = chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${bytes.length}`;
  const head = `${start}\r\nX-Number: ${number}\r\nX-Sha1: ${sha1}\r\n${framing}\r\n\r\n`;
  bytesSent += head.length;
  socket.cork();
  socket.write(head, "latin1");
  if (chunked) {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const piece = bytes.subarray(at, at + CHUNK_BYTES);
      const size = `${at === 0 ? "" : "\r\n"}${piece.length.toString(16)}\r\n`;
      socket.write(size, "latin1");
      socket.write(piece);
      bytesSent += size.length + piece.length;
    }
    socket.write("\r\n0\r\n\r\n", "latin1");
    bytesSent += 7;
  } else {
    socket.write(bytes);
    bytesSent += bytes.length;
  }
  socket.uncork();
}

/** @param {import("node:net").Socket} socket @param {string} number */
function answer(socket, number) {
  send(socket, "HTTP/1.1 200 OK", number, Number(number) % CHUNKED_EVERY === 0);
}

function isWindowFull() {
  return bytesSent - bytesCaptured > WINDOW_BYTES;
}

/** One connection: a request, its whole answer, the next. */
async function client() {
  /** @type {() => void} */
  let onAnswer = () => {};
  let missing = -1;
  let tail = "";
  const socket = connect({
    port,
    host: "127.0.0.1",
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafeSlow(256 * KB),
      callback: (bytes, buffer) => {
        let got = bytes;
        if (missing < 0 && tail === "") {
          const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, bytes);
          const headBytes = chunk.indexOf(HEAD_END) + HEAD_END.length;
          const length = /Content-Length: (\d+)/.exec(chunk.latin1Slice(0, headBytes))?.[1];
          // Chunked: over when its last chunk is here.
          missing = length === undefined ? Number.POSITIVE_INFINITY : Number(length);
          got -= headBytes;
        }
        missing -= got;
        if (missing === Number.POSITIVE_INFINITY) {
          const end = Buffer.from(buffer.buffer, buffer.byteOffset, bytes).latin1Slice(Math.max(0, bytes - 7)); // prettier-ignore
          tail = (tail + end).slice(-7);
          if (tail === "\r\n0\r\n\r\n") missing = 0;
        }
        if (missing > 0) return true;
        missing = -1;
        tail = "";
        answered += 1;
        onAnswer();
        return true;
      },
    },
  });
  await once(socket, "connect");
  for (let number = next++; number < exchanges; number = next++) {
    while (isWindowFull()) {
      await new Promise((resolve) => waiting.push(() => resolve(undefined)));
    }
    const done = new Promise((resolve) => {
      onAnswer = () => resolve(undefined);
    });
    send(socket, "POST /body HTTP/1.1\r\nHost: bodies.example", String(number), false);
    await done;
  }
}

/** Watches the capture's counters until all is captured and checked. */
async function poll() {
  let checkedBefore = 0;
  for (let still = 0; still < STILL_POLLS; still += 1) {
    const { inputs, outputs } = await counters();
    const { bytesSeen, bytesDuplicate } = inputs[0].stats.figures;
    // What TCP sent twice was sent once by us.
    bytesCaptured = bytesSeen - bytesDuplicate;
    const checked = outputs[0].delivered;
    if (checked !== checkedBefore) still = 0;
    checkedBefore = checked;
    const resume = waiting;
    waiting = [];
    for (const resolve of resume) resolve();
    if (answered === exchanges && checked >= 2 * exchanges) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  if (answered < exchanges) throw new Error(`nothing goes on: ${answered} were answered`);
}

/** @returns {Promise<any>} */
function counters() {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (res) => {
      let text = "";
      res.on("data", (chunk) => (text += chunk));
      res.on("end", () => resolve(JSON.parse(text)));
    }).on("error", reject);
  });
}
