// Peers that send bombs, garbage, other protocols and other versions, all at once, to a server with little memory: each is
// refused with its reason, memory stays bounded, and an honest producer beside them loses nothing.
import { once } from "node:events";
import { connect } from "node:net";
import { randomBytes } from "node:crypto";
import { FrameType, ProducerSession, encodeFrame } from "@mirrorball/protocol";
import { afterEach, expect, it } from "vitest";
import { report } from "./figures.ts";
import { LONG, Producer } from "./oracle.ts";
import { running } from "./running.ts";

const HEAP_MB = 64;
const ROUNDS = LONG ? 200 : 10;
const BOMB_BYTES = 1024 * 1024;
/** What a server of this heap may take in all, with its code and its buffers. */
const RSS_BYTES_MAX = 320 * 1024 * 1024;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

function bomb(opening: readonly number[], filler: number): Buffer {
  const bytes = Buffer.alloc(BOMB_BYTES, filler);
  bytes.set(opening);
  return bytes;
}

/** After a proper handshake: what the frame holds, and its number. */
const PAYLOADS: Readonly<Record<string, { payload: Buffer; seq?: number; reason: string }>> = {
  "arrays nested without end": { payload: bomb([], 0x91), reason: "payload" },
  "an array of four thousand million": { payload: bomb([0xdd, 0xff, 0xff, 0xff, 0xff], 0xc0), reason: "payload" },
  "a map of four thousand million": { payload: bomb([0xdf, 0xff, 0xff, 0xff, 0xff], 0xc0), reason: "payload" },
  "a string cut short": { payload: bomb([0x91, 0xdb, 0xff, 0xff, 0xff, 0xff], 0x61), reason: "payload" },
  "a million empty arrays": { payload: bomb([0xdd, 0x00, 0x0f, 0xff, 0xfb], 0x90), reason: "payload" },
  extensions: { payload: bomb([0xdc, 0xff, 0xfd], 0xd4), reason: "payload" },
  "a hole": { payload: Buffer.from([0x90]), seq: 7, reason: "hole" },
  "the last number there is": { payload: Buffer.from([0x90]), seq: Number.MAX_SAFE_INTEGER, reason: "hole" },
}; // prettier-ignore

/** Without a handshake. */
const OPENINGS: Readonly<Record<string, { bytes: Buffer; reason: string }>> = {
  HTTP: { bytes: Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), reason: "foreign" },
  TLS: { bytes: Buffer.from("16030100c8010000c40303", "hex"), reason: "foreign" },
  garbage: { bytes: Buffer.alloc(65_536, 0xa5), reason: "foreign" },
  "the version after this one": { bytes: Buffer.from(`4d4202${"00".repeat(21)}`, "hex"), reason: "version" },
  "the version before the first": { bytes: Buffer.from(`4d4200${"00".repeat(21)}`, "hex"), reason: "version" },
  "a frame of four gigabytes": { bytes: hugeFrame(), reason: "header-checksum" },
}; // prettier-ignore

function hugeFrame(): Buffer {
  const [header] = encodeFrame(FrameType.hello, 0, Buffer.alloc(0));
  const huge = Buffer.from(header);
  huge.fill(0xff, 4, 8);
  return huge;
}

async function send(port: number, bytes: Buffer): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  socket.write(bytes);
  await once(socket, "close");
}

/** Sends its frame when there is credit for it: without, it would be refused unread. */
async function sendFrame(port: number, payload: Buffer, seq: number): Promise<void> {
  const session = new ProducerSession({ producerId: randomBytes(16), service: "x", agent: "x" });
  // One of the same size asks for the credit; the hostile one goes in its place.
  session.enqueue(Buffer.alloc(payload.length), 1);
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  let sent = false;
  socket.on("data", (chunk) => {
    session.receive(chunk, 0);
    let pieces = session.takeOutput();
    if (!sent && session.state === "open" && session.unsentFrames === 0) {
      sent = true;
      pieces = [...encodeFrame(FrameType.data, seq, payload)];
    }
    for (const piece of pieces) socket.write(piece);
    // A frame that is left out is acknowledged.
    if (session.failure !== undefined || session.unackedFrames === 0) socket.destroy();
  });
  session.connect(randomBytes(16), 0);
  for (const piece of session.takeOutput()) socket.write(piece);
  await once(socket, "close");
  expect(sent).toBe(true);
}

it("hostile peers", { timeout: LONG ? 600_000 : 120_000 }, async () => {
  const run = await running("memory", { heapMb: HEAP_MB });
  closers.push(() => run.close());
  const honest = new Producer(run.port, 500);
  closers.push(() => honest.close());
  const expected = new Map<string, number>();
  const expect1 = (reason: string): void => {
    expected.set(reason, (expected.get(reason) ?? 0) + 1);
  };
  let rss = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const sends: Promise<void>[] = [];
    for (const { payload, seq = 1, reason } of Object.values(PAYLOADS)) {
      sends.push(sendFrame(run.port, payload, seq));
      expect1(reason);
    }
    for (const { bytes, reason } of Object.values(OPENINGS)) {
      sends.push(send(run.port, bytes));
      expect1(reason);
    }
    await Promise.all(sends);
    rss = Math.max(rss, (await run.counters()).memoryBytes.rss);
  }
  await honest.finish();
  const refused = (await run.counters()).inputs[0]?.refused;
  const { lost } = await run.finish();
  const { missing, repeated, againSafe } = run.target.faults(honest.offered);
  expect(refused).toEqual(Object.fromEntries(expected));
  expect(honest.connections).toBe(1);
  expect([missing, repeated, againSafe]).toEqual([[], [], 0]);
  // What was in a frame of a peer that says nothing of its books is lost, whatever it was.
  expect(lost).toBe(expected.get("payload"));
  expect(rss).toBeLessThan(RSS_BYTES_MAX);
  report("bombs, garbage, other versions", {
    peers: ROUNDS * (Object.keys(PAYLOADS).length + Object.keys(OPENINGS).length),
    refused: Object.values(refused ?? {}).reduce((sum, count) => sum + count, 0),
    "heap MB allowed": HEAP_MB,
    "largest RSS MB": Math.round(rss / 1024 ** 2),
    "honest offered": honest.offered,
    lost,
  });
});
