// @ts-check
// One hostile peer: `node hostile-peer.mjs KIND PORT`. It sends what costs a receiver the most for the least, as fast as it is let,
// and ends when all is sent, when it is turned away, or after a bound of time. Prints `sent BYTES` at its end.
import { randomBytes } from "node:crypto";
import { createConnection } from "node:net";
import { FrameType, ProducerSession, encodeFrame, packRecords } from "@mirrorball/protocol";

/** What stalls is let go after this long. */
const STALL_MS = 1500;
/** Whatever the machine does, a peer ends. */
const LIFE_MS = 15_000;
const MIB = 1024 * 1024;

const [kind = "", portText = ""] = process.argv.slice(2);
const port = Number(portText);
let sentBytes = 0;

/** @returns {Promise<import("node:net").Socket>} */
async function dial() {
  const socket = createConnection({ port, host: "127.0.0.1" });
  // The server may close us at any moment: that is an end, not an error.
  socket.on("error", () => {});
  await happens(socket, "connect");
  return socket;
}

/** Resolves when the other side takes it, or has gone. @param {import("node:net").Socket} socket @param {Uint8Array | string} bytes */
async function write(socket, bytes) {
  if (!socket.writable) return;
  sentBytes += bytes.length;
  if (!socket.write(bytes)) await happens(socket, "drain");
}

/** Resolves with this event, or when the socket is closed. @param {import("node:net").Socket} socket @param {string} event */
function happens(socket, event) {
  return new Promise((resolve) => {
    const over = () => {
      socket.off(event, over);
      socket.off("close", over);
      resolve(undefined);
    };
    socket.on(event, over);
    socket.on("close", over);
  });
}

/** @param {import("node:net").Socket} socket @param {number} ms */
async function stall(socket, ms = STALL_MS) {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), ms);
  await happens(socket, "close");
  clearTimeout(timer);
}

/** A producer of this wire that has shaken hands; `frame` waits for credit. */
async function producer() {
  const session = new ProducerSession({ producerId: randomBytes(16), service: "x", agent: "x" });
  const socket = await dial();
  const flush = () => {
    for (const piece of session.takeOutput()) if (socket.writable) socket.write(piece);
  };
  socket.on("data", (chunk) => {
    session.receive(chunk, performance.now());
    flush();
    if (session.failure !== undefined) socket.destroy();
  });
  session.connect(randomBytes(16), performance.now());
  flush();
  while (session.state !== "open" && !socket.destroyed) await turn();
  /** @param {Uint8Array} payload */
  const frame = async (payload) => {
    while (session.unackedBytes > 4 * MIB && !socket.destroyed) await turn();
    if (socket.destroyed) return;
    session.enqueue(payload, 1);
    sentBytes += payload.length;
    flush();
  };
  return { socket, session, frame };
}

/** @returns {Promise<void>} */
function turn() {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** @param {number} exchange @param {string[]} headers @returns {any} */
function requestHead(exchange, headers) {
  return [2, exchange, 1.7e15, 1, exchange, null, "GET", "/", "HTTP/1.1", headers, null, null];
}

/** @param {number} count @param {() => Promise<void>} act */
async function together(count, act) {
  await Promise.all(Array.from({ length: count }, act));
}

/** @type {Record<string, () => Promise<void>>} */
const KINDS = {
  // Exchanges that begin with almost a megabyte of head, and never end.
  async heads() {
    const { socket, frame } = await producer();
    const large = "x".repeat(240 * 1024);
    for (let n = 1; n <= 400 && !socket.destroyed; n += 1) {
      await frame(packRecords([requestHead(n, ["a", `${large}${n}`, "b", large, "c", large])]));
    }
    await stall(socket);
  },
  // The same by eight producers that come together.
  async "small-heads"() {
    await together(8, async () => {
      const { socket, frame } = await producer();
      for (let n = 0; n < 12 && !socket.destroyed; n += 1) {
        const records = Array.from({ length: 4000 }, (_, i) =>
          requestHead(n * 4000 + i + 1, ["a", "b"]),
        );
        await frame(packRecords(records));
      }
      await stall(socket);
    });
  },
  // A body in pieces of one byte.
  async "tiny-records"() {
    const { socket, frame } = await producer();
    await frame(packRecords([requestHead(1, [])]));
    const piece = Buffer.from("a");
    const payload = packRecords(
      Array.from({ length: 40_000 }, () => /** @type {any} */ ([3, 1, piece])),
    );
    for (let n = 0; n < 30 && !socket.destroyed; n += 1) await frame(payload);
    await stall(socket);
  },
  // Frames of a megabyte, of which the last byte never comes, by many; those without credit too.
  async "half-frames"() {
    const [header, payload] = encodeFrame(FrameType.data, 1, Buffer.alloc(MIB, 0x90));
    await together(900, async () => {
      const { socket } = await producer();
      await write(socket, header);
      await write(socket, payload.subarray(0, -1));
      await stall(socket);
    });
  },
  // Greetings of a megabyte, of which the last byte never comes.
  async "half-greetings"() {
    const [header, payload] = encodeFrame(FrameType.hello, 0, Buffer.alloc(MIB, 0x90));
    await together(900, async () => {
      const socket = await dial();
      await write(socket, header);
      await write(socket, payload.subarray(0, -1));
      await stall(socket);
    });
  },
  // gor's stream: a record of 300 MB.
  async "gor-endless"() {
    const socket = await dial();
    await write(socket, "1 aa 1700000000000000000 1\nPOST / HTTP/1.1\r\nHost: a\r\n\r\n");
    const block = Buffer.alloc(MIB, 0x61);
    for (let n = 0; n < 300; n += 1) await write(socket, block);
    socket.destroy();
  },
  // gor's stream: large records that do not end, by many.
  async "gor-stalled"() {
    const block = Buffer.alloc(4 * MIB, 0x61);
    await together(60, async () => {
      const socket = await dial();
      await write(socket, "1 aa 1700000000000000000 1\nPOST / HTTP/1.1\r\nHost: a\r\n\r\n");
      await write(socket, block);
      await stall(socket);
    });
  },
  // gor's stream: a record of which each packet brings a byte.
  async "gor-bytes"() {
    await together(20, async () => {
      const socket = await dial();
      socket.setNoDelay(true);
      await write(socket, "1 aa 1700000000000000000 1\nPOST / HTTP/1.1\r\nHost: a\r\n\r\n");
      for (let n = 0; n < 1000 && !socket.destroyed; n += 1) {
        await write(socket, "a");
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.destroy();
    });
  },
  // Uploads in chunks of one byte: five bytes of framing each, but objects for every one.
  async "http-tiny-chunks"() {
    const chunks = "1\r\na\r\n".repeat(10_000);
    await together(4, async () => {
      const socket = await dial();
      await write(
        socket,
        "POST /hostile HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
      );
      for (let n = 0; n < 60; n += 1) await write(socket, chunks);
      await stall(socket);
    });
  },
  // Uploads that stop before their end.
  async "http-stalled"() {
    const block = Buffer.alloc(4 * MIB, 0x61);
    await together(60, async () => {
      const socket = await dial();
      await write(socket, "POST /hostile HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
      await write(socket, block);
      await stall(socket);
    });
  },
  // Heads without an end.
  async "http-heads"() {
    const fields = "X-A: b\r\n".repeat(7000);
    await together(300, async () => {
      const socket = await dial();
      await write(socket, `GET /hostile HTTP/1.1\r\nHost: a\r\n${fields}`);
      await stall(socket);
    });
  },
};

const life = setTimeout(() => process.exit(0), LIFE_MS);
const act = KINDS[kind];
if (act === undefined) throw new Error(`there is no kind ${JSON.stringify(kind)}`);
await act();
clearTimeout(life);
console.log(`sent ${sentBytes}`);
process.exit(0);
