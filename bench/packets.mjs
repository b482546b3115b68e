// @ts-check
// From a pcap in memory to TCP streams, on one core: what a packet costs to read, to decode and to put in its stream.
// The traffic is keep-alive GETs and their answers: request, answer, and an acknowledgement without data every second time.
// As a program: argv VARIANT, CONNECTIONS; prints `done PACKETS CPU_US DELIVERED_BYTES`.
import { fileURLToPath } from "node:url";
import { start } from "./processes.mjs";

const ROUNDS = 3;
const EXCHANGES = 100_000;
const REPEATS = 12;
/** As a file stream reads. */
const CHUNK_BYTES = 64 * 1024;
const PORT = 80;
const VARIANTS = ["reader", "reader + decoder", "all", "all, 1 in 50 out of order"];

/** @returns {Promise<object[]>} */
export async function benchPackets() {
  const rows = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const connections of [32, 10_000]) {
      for (const variant of VARIANTS) {
        const program = start("packets.mjs", variant, String(connections));
        const line = await program.line(/^done (.*)/);
        const [packets = 0, cpuUs = 0, bytes = 0] = line.split(" ").map(Number);
        rows.push({
          bench: "packets",
          variant,
          connections,
          round,
          "packets/s of CPU": Math.round(packets / (cpuUs / 1e6)),
          "CPU ns/packet": Math.round((cpuUs * 1000) / packets),
          "MB/s of payload": Math.round(bytes / cpuUs),
        });
      }
    }
  }
  return rows;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , variant = "all", connections = "32"] = process.argv;
  const core = "../packages/server/dist/core";
  const { CaptureReader } = await import(`${core}/packet/capture-reader.js`);
  const { PacketDecoder } = await import(`${core}/packet/decode.js`);
  const { FlowTable } = await import(`${core}/tcp/flow-table.js`);
  const capture = synthesise(Number(connections), variant.includes("out of order"));

  let delivered = 0;
  const handler = {
    /** @param {number} _direction @param {Uint8Array} _chunk @param {number} start @param {number} end */
    data(_direction, _chunk, start, end) {
      delivered += end - start;
    },
    gap() {
      throw new Error("the bench lost bytes");
    },
    end() {},
  };
  let packets = 0;
  const run = () => {
    const table = new FlowTable({
      isServerPort: (/** @type {number} */ port) => port === PORT,
      onConnection: () => handler,
      hashSeed: [1, 2, 3, 4],
    });
    const counting = { packet: () => {} };
    const decoder = new PacketDecoder(variant === "reader + decoder" ? counting : table);
    const only = { packet: () => (packets += 1) };
    const reader = new CaptureReader(variant === "reader" ? only : decoder);
    for (let at = 0; at < capture.length; at += CHUNK_BYTES) {
      reader.push(capture.subarray(at, at + CHUNK_BYTES));
    }
    if (reader.problem !== undefined) throw new Error(reader.problem);
    table.flush();
    packets += decoder.counters.packets;
    const counters = table.counters();
    if (variant.startsWith("all") && counters.seenBytes !== counters.deliveredBytes) {
      throw new Error(`seen ${counters.seenBytes} bytes, delivered ${counters.deliveredBytes}`);
    }
  };
  // Once to warm up.
  run();
  packets = 0;
  delivered = 0;
  const before = process.cpuUsage();
  for (let repeat = 0; repeat < REPEATS; repeat += 1) run();
  const { user, system } = process.cpuUsage(before);
  console.log(`done ${packets} ${user + system} ${delivered}`);
}

/**
 * @param {number} connections @param {boolean} shuffled one packet in fifty comes after the next of its kind
 * @returns {Uint8Array}
 */
export function synthesise(connections, shuffled, exchanges = EXCHANGES) {
  const request = Buffer.from(
    "GET /api/items/1?page=2 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench/1\r\nAccept: application/json\r\n\r\n",
  );
  const body = JSON.stringify({ items: Array.from({ length: 12 }, (_, id) => ({ id })) });
  const answer = Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(1, 20);
  /** @type {Buffer[]} */
  const packets = [header];
  const streams = Array.from({ length: connections }, (_, i) => ({
    source: Buffer.from([10, 0, (i >>> 8) & 255, i & 255]),
    port: 20_000 + (i % 40_000),
    sequence: (i * 7919) >>> 0,
    acknowledgment: (i * 104_729) >>> 0,
  }));
  const server = Buffer.from([10, 1, 0, 1]);
  let us = 0;
  /** @param {(typeof streams)[0]} stream @param {boolean} fromClient @param {number} flags @param {Buffer} payload */
  const add = (stream, fromClient, flags, payload) => {
    us += 5;
    const packet = Buffer.alloc(16 + 14 + 20 + 32 + payload.length);
    packet.writeUInt32LE(1_700_000_000 + Math.floor(us / 1e6), 0);
    packet.writeUInt32LE(us % 1e6, 4);
    packet.writeUInt32LE(packet.length - 16, 8);
    packet.writeUInt32LE(packet.length - 16, 12);
    packet.writeUInt16BE(0x0800, 28);
    packet[30] = 0x45;
    packet.writeUInt16BE(packet.length - 30, 32);
    packet[39] = 6;
    (fromClient ? stream.source : server).copy(packet, 42);
    (fromClient ? server : stream.source).copy(packet, 46);
    packet.writeUInt16BE(fromClient ? stream.port : PORT, 50);
    packet.writeUInt16BE(fromClient ? PORT : stream.port, 52);
    packet.writeUInt32BE(fromClient ? stream.sequence : stream.acknowledgment, 54);
    packet.writeUInt32BE(fromClient ? stream.acknowledgment : stream.sequence, 58);
    packet[62] = 0x80;
    packet[63] = flags;
    packet.writeUInt16BE(65_535, 64);
    payload.copy(packet, 82);
    packets.push(packet);
    const length = payload.length + ((flags & 2) === 0 ? 0 : 1);
    if (fromClient) stream.sequence = (stream.sequence + length) >>> 0;
    else stream.acknowledgment = (stream.acknowledgment + length) >>> 0;
  };
  const none = Buffer.alloc(0);
  for (const stream of streams) {
    add(stream, true, 2, none);
    add(stream, false, 18, none);
    add(stream, true, 16, none);
  }
  for (let i = 0; i < exchanges; i += 1) {
    const stream = streams[(i * 31) % connections];
    if (stream === undefined) continue;
    if (shuffled && i % 50 === 0) {
      const at = packets.length;
      add(stream, true, 24, request.subarray(0, 40));
      add(stream, true, 24, request.subarray(40));
      const [first, second] = packets.splice(at, 2);
      if (first !== undefined && second !== undefined) packets.push(second, first);
    } else {
      add(stream, true, 24, request);
    }
    add(stream, false, 24, answer);
    if (i % 2 === 0) add(stream, true, 16, none);
  }
  return Buffer.concat(packets);
}
