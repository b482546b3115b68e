/** Packets and captures made by hand, and a recorder of what TCP reassembly tells. For tests. */
import { expect } from "vitest";
import { PacketDecoder } from "../src/core/packet/decode.ts";
import { FlowTable } from "../src/core/tcp/flow-table.ts";
import type { FlowCounters, FlowTableOptions } from "../src/core/tcp/flow-table.ts";
import type { ConnectionHandler, ConnectionInfo, Direction } from "../src/core/tcp/types.ts";

export const PORT = 80;
export const CLIENT_PORT = 50_000;
export const RAW_IP = 101;
const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32 };

export interface TcpFields {
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  /** Letters: `SA`, `PA`, `F`, `R` … */
  readonly flags?: string;
  readonly window?: number;
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array | string;
}

export function tcp(fields: TcpFields = {}): Buffer {
  const options = fields.options ?? new Uint8Array(0);
  const header = Buffer.alloc(20 + Math.ceil(options.length / 4) * 4);
  header.writeUInt16BE(fields.sourcePort ?? CLIENT_PORT, 0);
  header.writeUInt16BE(fields.destinationPort ?? PORT, 2);
  header.writeUInt32BE((fields.sequence ?? 0) >>> 0, 4);
  header.writeUInt32BE((fields.acknowledgment ?? 0) >>> 0, 8);
  header[12] = (header.length / 4) << 4;
  header[13] = (fields.flags ?? "A").split("").reduce((sum, flag) => sum | (FLAGS[flag] ?? 0), 0);
  header.writeUInt16BE(fields.window ?? 65_535, 14);
  header.set(options, 20);
  const payload = fields.payload ?? "";
  return Buffer.concat([header, typeof payload === "string" ? Buffer.from(payload) : payload]);
}

export interface Ipv4Fields {
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: number;
  readonly options?: Uint8Array;
  readonly identification?: number;
  readonly offset?: number;
  readonly more?: boolean;
  readonly totalBytes?: number;
}

export function ipv4(payload: Uint8Array, fields: Ipv4Fields = {}): Buffer {
  const options = fields.options ?? new Uint8Array(0);
  const header = Buffer.alloc(20 + options.length);
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(fields.totalBytes ?? header.length + payload.length, 2);
  header.writeUInt16BE(fields.identification ?? 1, 4);
  header.writeUInt16BE(((fields.offset ?? 0) / 8) | (fields.more === true ? 0x2000 : 0), 6);
  header[8] = 64;
  header[9] = fields.protocol ?? 6;
  header.set((fields.source ?? "10.0.0.1").split(".").map(Number), 12);
  header.set((fields.destination ?? "10.0.0.2").split(".").map(Number), 16);
  header.set(options, 20);
  return Buffer.concat([header, payload]);
}

export interface Ipv6Fields {
  readonly nextHeader?: number;
  readonly payloadBytes?: number;
}

export function ipv6(payload: Uint8Array, fields: Ipv6Fields = {}): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(fields.payloadBytes ?? payload.length, 4);
  header[6] = fields.nextHeader ?? 6;
  header[7] = 64;
  header.writeUInt32BE(0x2001_0db8, 8);
  header[23] = 1;
  header.writeUInt32BE(0x2001_0db8, 24);
  header[39] = 2;
  return Buffer.concat([header, payload]);
}

/** An IPv6 fragment header and the piece behind it. */
export function fragment6(
  piece: Uint8Array,
  offset: number,
  more: boolean,
  identification = 1,
): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 6;
  header.writeUInt16BE(offset | (more ? 1 : 0), 2);
  header.writeUInt32BE(identification, 4);
  return ipv6(Buffer.concat([header, piece]), { nextHeader: 44 });
}

export function ethernet(payload: Uint8Array, etherType = 0x0800, tags: number[] = []): Buffer {
  const header = Buffer.alloc(14 + tags.length * 4);
  let at = 12;
  for (const tag of tags) {
    header.writeUInt16BE(tag, at);
    header.writeUInt16BE(7, at + 2);
    at += 4;
  }
  header.writeUInt16BE(etherType, at);
  return Buffer.concat([header, payload]);
}

export interface Captured {
  readonly bytes: Uint8Array;
  readonly seconds?: number;
  /** Microseconds or nanoseconds, as the file has it. */
  readonly fraction?: number;
  readonly originalBytes?: number;
}

export interface PcapFields {
  readonly little?: boolean;
  readonly nanoseconds?: boolean;
  readonly linkType?: number;
}

export function words(little: boolean, ...values: number[]): Buffer {
  const out = Buffer.alloc(values.length * 4);
  values.forEach((value, i) =>
    little ? out.writeUInt32LE(value >>> 0, i * 4) : out.writeUInt32BE(value >>> 0, i * 4),
  );
  return out;
}

export function pcap(packets: readonly Captured[], fields: PcapFields = {}): Buffer {
  const little = fields.little ?? true;
  const magic = fields.nanoseconds === true ? 0xa1b23c4d : 0xa1b2c3d4;
  const version = little ? 0x0004_0002 : 0x0002_0004;
  const parts = [words(little, magic, version, 0, 0, 262_144, fields.linkType ?? 1)];
  for (const { bytes, seconds = 0, fraction = 0, originalBytes = bytes.length } of packets) {
    parts.push(words(little, seconds, fraction, bytes.length, originalBytes), Buffer.from(bytes));
  }
  return Buffer.concat(parts);
}

/** A pcapng block: type, length, body padded to four bytes, length. */
export function block(little: boolean, type: number, body: Uint8Array): Buffer {
  const padding = Buffer.alloc((4 - (body.length % 4)) % 4);
  const length = 12 + body.length + padding.length;
  return Buffer.concat([
    words(little, type, length),
    Buffer.from(body),
    padding,
    words(little, length),
  ]);
}

export function sectionHeader(little: boolean): Buffer {
  const version = little ? 1 : 0x0001_0000;
  return block(little, 0x0a0d0d0a, words(little, 0x1a2b3c4d, version, -1, -1));
}

export function interfaceBlock(
  little: boolean,
  linkType: number,
  snapBytes = 0,
  options: Uint8Array = new Uint8Array(0),
): Buffer {
  const head = Buffer.alloc(4);
  if (little) head.writeUInt16LE(linkType, 0);
  else head.writeUInt16BE(linkType, 0);
  return block(little, 1, Buffer.concat([head, words(little, snapBytes), options]));
}

export function enhancedPacket(
  little: boolean,
  interfaceNumber: number,
  time: bigint,
  bytes: Uint8Array,
  originalBytes = bytes.length,
): Buffer {
  const high = Number(time >> 32n);
  const low = Number(time & 0xffff_ffffn);
  const head = words(little, interfaceNumber, high, low, bytes.length, originalBytes);
  return block(little, 6, Buffer.concat([head, bytes]));
}

/** What was told of one connection, readable: `GET /` for data, `[3]` for a gap, `<fin>` for an end. */
export interface Told {
  readonly info: ConnectionInfo;
  readonly text: [string, string];
}

/** Feeds segments to a table, through the decoder, and checks the books after each. */
export class Bench {
  readonly told: Told[] = [];
  readonly table: FlowTable;
  readonly decoder: PacketDecoder;
  /** Packet time of the next segment. */
  seconds = 1000;
  nanoseconds = 0;
  #dataBytes = 0;
  #gapBytes = 0;

  constructor(options: Partial<FlowTableOptions> = {}) {
    this.table = new FlowTable({
      isServerPort: (port) => port === PORT,
      hashSeed: [1, 2, 3, 4],
      onConnection: (info) => this.#open(info),
      ...options,
    });
    this.decoder = new PacketDecoder(this.table);
  }

  client(fields: TcpFields, cutBytes = 0): void {
    this.#send(ipv4(tcp(fields)), cutBytes);
  }

  server(fields: TcpFields, cutBytes = 0): void {
    const swapped = { sourcePort: PORT, destinationPort: CLIENT_PORT, ...fields };
    this.#send(ipv4(tcp(swapped), { source: "10.0.0.2", destination: "10.0.0.1" }), cutBytes);
  }

  /** SYN, SYN ACK, ACK; then the client is at `clientIsn + 1` and the server at `serverIsn + 1`. */
  handshake(clientIsn = 0, serverIsn = 0): void {
    this.client({ flags: "S", sequence: clientIsn });
    this.server({ flags: "SA", sequence: serverIsn, acknowledgment: clientIsn + 1 });
    this.client({ flags: "A", sequence: clientIsn + 1, acknowledgment: serverIsn + 1 });
  }

  packet(bytes: Uint8Array, linkType = RAW_IP, originalBytes = bytes.length): void {
    const { seconds, nanoseconds } = this;
    this.decoder.packet(linkType, bytes, 0, bytes.length, originalBytes, seconds, nanoseconds);
    this.checkBooks();
  }

  /** Nothing is captured for so long. */
  pass(seconds: number): void {
    this.seconds += seconds;
    this.table.tick(this.seconds);
    this.checkBooks();
  }

  flush(): void {
    this.table.flush();
    this.checkBooks();
    expect(this.counters.heldBytes).toBe(0);
    expect(this.counters.flows).toBe(0);
  }

  get counters(): FlowCounters {
    return this.table.counters();
  }

  /** The texts of the latest connection, to the server and to the client. */
  get streams(): [string, string] {
    return this.told[this.told.length - 1]?.text ?? ["", ""];
  }

  checkBooks(): void {
    const counters = this.counters;
    const refused =
      counters.refusedAfterEndBytes +
      counters.refusedInResetBytes +
      counters.refusedOutOfWindowBytes;
    const settled = counters.deliveredBytes + counters.duplicateBytes + counters.heldBytes;
    // Compared by hand: `expect` after each of a million segments would be all that the tests do.
    const isBalanced =
      counters.seenBytes === settled + refused &&
      counters.deliveredBytes === this.#dataBytes &&
      counters.lostBytes === this.#gapBytes;
    if (!isBalanced) {
      const told = `told ${this.#dataBytes} bytes and gaps of ${this.#gapBytes}`;
      throw new Error(`the books do not balance: ${told}, counted ${JSON.stringify(counters)}`);
    }
  }

  #send(bytes: Uint8Array, cutBytes: number): void {
    this.packet(bytes.subarray(0, bytes.length - cutBytes), RAW_IP, bytes.length);
  }

  #open(info: ConnectionInfo): ConnectionHandler {
    const text: [string, string] = ["", ""];
    const ended = [false, false];
    this.told.push({ info, text });
    expect(info.number).toBe(this.told.length);
    const add = (direction: Direction, what: string): void => {
      expect(ended[direction]).toBe(false);
      text[direction] += what;
    };
    return {
      data: (direction, chunk, start, end) => {
        expect(end).toBeGreaterThan(start);
        this.#dataBytes += end - start;
        add(direction, Buffer.from(chunk.subarray(start, end)).toString("latin1"));
      },
      gap: (direction, bytes) => {
        expect(bytes).toBeGreaterThan(0);
        this.#gapBytes += bytes;
        add(direction, `[${bytes}]`);
      },
      end: (direction, how) => {
        add(direction, `<${how}>`);
        ended[direction] = true;
      },
    };
  }
}
