// @ts-check
// Answers requests of many kinds and prints what it then finds on its own objects: keys, values, and what every getter says. Runs
// with and without the SDK; the test beside compares. Whatever differs from run to run by itself is masked.
import { once } from "node:events";
import http from "node:http";
import net from "node:net";

/** Values that are another one in every run: ids, moments, ports that the system chose. */
const VARIES =
  /async_?id|triggerId|idleStart|timestamp|^port$|remotePort|localPort|_peername|_connectionKey|^fd$|^_events$|startTime/i;
const DEPTH_MAX = 3;

/** @param {unknown} value @param {number} depth @param {Set<object>} seen @returns {unknown} */
function shown(value, depth, seen) {
  if (typeof value === "string")
    return value.replaceAll(/Date: [^\r]*/g, "Date").replaceAll(/:\d{4,5}\b/g, ":port");
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  if (typeof value !== "object" || value === null) return value ?? String(value);
  if (seen.has(value)) return "seen";
  const kind = value.constructor?.name ?? "object";
  // Timers hang on all others of the process.
  if (depth === 0 || kind.startsWith("Time")) return kind;
  return described(value, depth - 1, seen);
}

/** @param {object} object @param {number} depth @param {Set<object>} seen */
function described(object, depth, seen) {
  seen.add(object);
  /** @type {Record<string, unknown>} */
  const own = {};
  for (const key of Reflect.ownKeys(object)) {
    const { value, get } = Object.getOwnPropertyDescriptor(object, key) ?? {};
    own[String(key)] = VARIES.test(String(key))
      ? typeof value
      : get === undefined
        ? shown(value, depth, seen)
        : "getter";
  }
  return own;
}

/** What the getters of its classes say. Asked last: some of them change the object. @param {object} object */
function gotten(object) {
  /** @type {Record<string, unknown>} */
  const found = {};
  for (
    let level = Object.getPrototypeOf(object);
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level)
  ) {
    for (const key of Reflect.ownKeys(level)) {
      const { get } = Object.getOwnPropertyDescriptor(level, key) ?? {};
      if (get === undefined || String(key) in found) continue;
      try {
        const value = get.call(object);
        found[String(key)] = VARIES.test(String(key)) ? typeof value : shown(value, 1, new Set());
      } catch (error) {
        found[String(key)] = String(error);
      }
    }
  }
  return found;
}

/** @param {import("node:events").EventEmitter} emitter */
const listeners = (emitter) =>
  emitter.eventNames().map((name) => `${String(name)} ${emitter.listenerCount(name)}`);

/** @param {Record<string, import("node:events").EventEmitter>} objects */
function look(objects) {
  /** @type {Record<string, unknown>} */
  const found = {};
  for (const [name, object] of Object.entries(objects)) {
    found[name] = { own: described(object, DEPTH_MAX, new Set()), listeners: listeners(object) };
  }
  for (const [name, object] of Object.entries(objects)) found[`${name} getters`] = gotten(object);
  return found;
}

const HEAD = "HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n";
/** What the client sends, and then waits for: the answer's end, its first byte, or nothing. @type {Record<string, [bytes: string, leaves?: boolean]>} */
const CLIENTS = {
  GET: [`GET / ${HEAD}\r\n`],
  HEAD: [`HEAD / ${HEAD}\r\n`],
  POST: [`POST / ${HEAD}Content-Length: 5\r\n\r\nhello`],
  chunks: [`POST / ${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n`],
  continue: [`POST / ${HEAD}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello`],
  pipelined: [`GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET / ${HEAD}\r\n`],
  "half a body": [`POST / ${HEAD}Content-Length: 50\r\n\r\nhello`, true],
  leaves: [`GET / ${HEAD}\r\n`, true],
  "odd names": [`GET / ${HEAD}__proto__: 1\r\nconstructor: 2\r\nX-A: 1\r\nX-A: 2\r\n\r\n`],
};
/** @type {Record<string, (req: http.IncomingMessage, res: http.ServerResponse) => void>} */
const HANDLERS = {
  end: (_req, res) => void res.end("fine"),
  "write, trailers": (req, res) => {
    if (req.method !== "HEAD") res.writeHead(200, { Trailer: "X-T" });
    res.write("fi");
    res.addTrailers({ "X-T": "1" });
    res.end("ne");
  },
  echo: (req, res) => void req.pipe(res),
  "destroys the request": (req) => void req.destroy(),
  "destroys the response": (_req, res) => {
    res.write("half");
    res.destroy();
  },
  "never answers": (req) => {
    setTimeout(() => req.socket.destroy(), 50);
  },
};

/** @param {string} client @param {string} handler @param {"begin" | "closed"} when */
async function run(client, handler, when) {
  const [bytes, leaves = false] = CLIENTS[client] ?? [""];
  /** @type {unknown[]} */
  const found = [];
  const server = http.createServer((req, res) => {
    const { socket } = req;
    if (when === "begin") found.push(look({ req, res, socket, server }));
    else
      socket.once("close", () =>
        setImmediate(() => found.push(look({ req, res, socket, server }))),
      );
    HANDLERS[handler]?.(req, res);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  const socket = net.connect(port, "127.0.0.1").on("error", () => {});
  socket.write(bytes);
  if (leaves) {
    await once(server, "request");
    socket.destroy();
  } else socket.resume();
  await new Promise((done) => (socket.closed ? done(undefined) : socket.once("close", done)));
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await new Promise((done) => setImmediate(() => setImmediate(done)));
  return found;
}

/** @type {Record<string, unknown>} */
const all = {};
for (const when of /** @type {const} */ (["begin", "closed"])) {
  for (const client of Object.keys(CLIENTS)) {
    for (const handler of Object.keys(HANDLERS)) {
      all[`${client}, ${handler}, ${when}`] = await run(client, handler, when);
    }
  }
}
process.stdout.write(JSON.stringify(all));
