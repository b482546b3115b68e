// @ts-check
// A relay in front of a bank that writes what passes as a packet capture, as tcpdump would: connections, segments, times. It needs no rights.
import { createWriteStream } from "node:fs";
import { connect, createServer } from "node:net";

/** Bytes a segment: what offloading puts together. */
const SEGMENT_BYTES = 32 * 1024;
/** Where the captured service seems to be. */
const SERVER = { address: [10, 0, 0, 1], port: 8080 };
const CLIENT_ADDRESS = [10, 0, 0, 2];
const FLAGS = { fin: 0x01, syn: 0x02, ack: 0x10, dataAck: 0x18 };
const RAW_IP = 101;
const SNAP_BYTES = 262_144;

/** @typedef {{ address: number[], port: number, next: number }} End */

/** Listens, passes on to `port`, and writes `file`. @param {number} port @param {string} file */
export async function capturing(port, file) {
  const out = createWriteStream(file);
  out.write(fileHead());
  let connections = 0;
  const relay = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    connections += 1;
    /** @type {End} */
    const caller = { address: CLIENT_ADDRESS, port: 20_000 + (connections % 40_000), next: 1000 };
    /** @type {End} */
    const service = { ...SERVER, next: 5000 };
    const put = (/** @type {End} */ from, /** @type {End} */ to, /** @type {number} */ flags, body = Buffer.alloc(0)) => {
      out.write(packet(from, to, flags, body));
      from.next += body.length + ((flags & (FLAGS.syn | FLAGS.fin)) === 0 ? 0 : 1);
    }; // prettier-ignore
    put(caller, service, FLAGS.syn);
    put(service, caller, FLAGS.syn | FLAGS.ack);
    put(caller, service, FLAGS.ack);
    const bank = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    for (const [source, sink, from, to] of /** @type {const} */ ([
      [client, bank, caller, service],
      [bank, client, service, caller],
    ])) {
      source.on("data", (/** @type {Buffer} */ chunk) => {
        for (let at = 0; at < chunk.length; at += SEGMENT_BYTES)
          put(from, to, FLAGS.dataAck, chunk.subarray(at, at + SEGMENT_BYTES));
        sink.write(chunk);
      });
      source.on("end", () => {
        put(from, to, FLAGS.fin | FLAGS.ack);
        sink.end();
      });
      source.on("error", () => sink.destroy());
    }
  });
  await new Promise((resolve) => relay.listen(0, "127.0.0.1", () => resolve(undefined)));
  const bound = relay.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : 0,
    /** When every connection is over. */
    close: async () => {
      await new Promise((resolve) => relay.close(resolve));
      await new Promise((resolve) => out.end(() => resolve(undefined)));
    },
  };
}

/** pcap, microseconds, packets that begin with their IP header. */
function fileHead() {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(SNAP_BYTES, 16);
  head.writeUInt32LE(RAW_IP, 20);
  return head;
}

/** A record of the capture: its head, an IPv4 and a TCP header, without checksums, as offloading leaves them. @param {End} from @param {End} to @param {number} flags @param {Buffer} body */
function packet(from, to, flags, body) {
  const us = Math.round((performance.timeOrigin + performance.now()) * 1000);
  const length = 40 + body.length;
  const bytes = Buffer.alloc(16 + length);
  bytes.writeUInt32LE(Math.floor(us / 1e6), 0);
  bytes.writeUInt32LE(us % 1e6, 4);
  bytes.writeUInt32LE(length, 8);
  bytes.writeUInt32LE(length, 12);
  const ip = bytes.subarray(16);
  ip[0] = 0x45;
  ip.writeUInt16BE(length, 2);
  ip[8] = 64;
  ip[9] = 6;
  ip.set(from.address, 12);
  ip.set(to.address, 16);
  const tcp = ip.subarray(20);
  tcp.writeUInt16BE(from.port, 0);
  tcp.writeUInt16BE(to.port, 2);
  tcp.writeUInt32BE(from.next, 4);
  tcp.writeUInt32BE((flags & FLAGS.ack) === 0 ? 0 : to.next, 8);
  tcp[12] = 0x50;
  tcp[13] = flags;
  tcp.writeUInt16BE(0xffff, 14);
  tcp.set(body, 20);
  return bytes;
}
