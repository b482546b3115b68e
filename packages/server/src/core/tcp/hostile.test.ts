/** What an attacker or a broken capture does: bounded, counted, alive. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bench, ipv4, PORT, RAW_IP, tcp } from "../../../test/packet-kit.ts";
import { CaptureReader } from "../packet/capture-reader.ts";
import { PacketDecoder } from "../packet/decode.ts";
import { TcpPacket } from "../packet/tcp-packet.ts";
import { FlowHash } from "./flow-hash.ts";
import { FlowTable } from "./flow-table.ts";
import { FLOW_LIMITS } from "./limits.ts";
import type { ConnectionHandler } from "./types.ts";

const SHOP = new URL("../../../test/fixtures/shop.pcap", import.meta.url);
const SHOP_PORT = 8181;
const silent: ConnectionHandler = { data: () => {}, gap: () => {}, end: () => {} };

/** Hands `count` segments from as many addresses to the table, without the way through bytes. */
function flood(
  table: FlowTable,
  count: number,
  change: (packet: TcpPacket, i: number) => void,
): void {
  const packet = new TcpPacket();
  packet.chunk = new Uint8Array(2000);
  for (let i = 0; i < count; i += 1) {
    packet.source0 = i;
    packet.sourcePort = 1024 + (i % 50_000);
    packet.destinationPort = PORT;
    packet.seconds = 1000;
    change(packet, i);
    table.packet(packet);
  }
}

describe("too many connections", () => {
  it("gives up handshakes that never end before connections that carry data", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, payload: "before" });
    flood(bench.table, FLOW_LIMITS.flowsMax * 2, (packet, i) => {
      packet.flags = 2;
      packet.sequence = i * 7919;
      const { flows } = i % 1000 === 0 ? bench.table.counters() : { flows: 0 };
      if (flows > FLOW_LIMITS.flowsMax) throw new Error(`segment ${i}`);
    });
    bench.client({ sequence: 7, payload: " after" });
    expect(bench.streams[0]).toBe("before after");
    expect(bench.told).toHaveLength(1);
    expect(bench.counters).toMatchObject({
      flows: FLOW_LIMITS.flowsMax,
      evictedHandshakes: FLOW_LIMITS.flowsMax + 1,
      evictedOpen: 0,
    });
  });

  it("gives up closed ones first, then handshakes, then the one that was quiet for longest", () => {
    const bench = new Bench({ limits: { flowsMax: 3 } });
    const client = (sourcePort: number, flags: string, payload: string): void =>
      bench.client({ sourcePort, sequence: flags === "S" ? 0 : 1, flags, payload });
    client(1, "PA", "one");
    bench.seconds += 1;
    client(2, "PA", "two");
    client(3, "R", "");
    client(4, "S", "");
    client(5, "PA", "five");
    expect(bench.counters).toMatchObject({ flows: 3, evictedHandshakes: 1, evictedOpen: 0 });
    client(6, "PA", "six");
    expect(bench.told[0]?.text).toEqual(["one<evicted>", "<evicted>"]);
    bench.client({ sourcePort: 2, flags: "R", sequence: 4 });
    client(7, "PA", "seven");
    expect(bench.counters).toMatchObject({ flows: 3, closedByReset: 1, evictedOpen: 1 });
    bench.flush();
  });

  it("does not take a finished handshake for one that never ends", () => {
    const bench = new Bench({ limits: { flowsMax: 3 } });
    bench.handshake();
    for (let sourcePort = 1; sourcePort < 9; sourcePort += 1) {
      bench.client({ sourcePort, flags: "S" });
    }
    bench.client({ sequence: 4, acknowledgment: 1, payload: "def" });
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    expect(bench.streams[0]).toBe("abcdef");
  });

  it("remembers closed connections for a minute only", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ flags: "R", sequence: 1 });
    bench.table.tick(bench.seconds + 60);
    expect(bench.counters.flows).toBe(1);
    bench.table.tick(bench.seconds + 61);
    expect(bench.counters.flows).toBe(0);
  });

  it("takes the side that is not captured for gone when the other one ends", () => {
    const bench = new Bench();
    bench.client({ flags: "S" });
    bench.client({ flags: "FA", sequence: 1, payload: "GET" });
    expect(bench.streams).toEqual(["GET<fin>", ""]);
    bench.table.tick(bench.seconds + 61);
    expect(bench.streams).toEqual(["GET<fin>", "<idle>"]);
  });

  it("thinks better of it when that side speaks", () => {
    const bench = new Bench();
    bench.client({ flags: "S" });
    bench.client({ flags: "FA", sequence: 1, acknowledgment: 1, payload: "GET" });
    bench.server({ sequence: 1, acknowledgment: 5, payload: "20" });
    bench.seconds += 100;
    bench.table.tick(bench.seconds);
    bench.server({ sequence: 3, acknowledgment: 5, payload: "0" });
    expect(bench.streams).toEqual(["GET<fin>", "200"]);
  });
});

describe("too much ahead of a hole", () => {
  it("gives the hole of a connection up at 1 MiB", () => {
    const bench = new Bench();
    bench.handshake();
    const payload = Buffer.alloc(32 * 1024, 0x78);
    for (let i = 0; i < 33; i += 1) {
      expect(bench.streams[0]).toBe("");
      bench.client({ sequence: 11 + i * payload.length, payload });
    }
    expect(bench.streams[0]).toHaveLength(4 + 33 * payload.length);
    expect(bench.streams[0]).toMatch(/^\[10\]x+$/);
    expect(bench.counters).toMatchObject({ forcedByFlowBytes: 1, heldBytes: 0, lostBytes: 10 });
  });

  it("gives one hole up at a time at 16,384 segments", () => {
    const bench = new Bench({ limits: { heldFlowSegmentsMax: 10 } });
    bench.handshake();
    for (let i = 1; i <= 12; i += 1) bench.client({ sequence: 1 + i * 2, payload: "x" });
    expect(bench.streams[0]).toBe("[2]x[1]x");
    expect(bench.counters).toMatchObject({ forcedByFlowSegments: 2, heldBytes: 10 });
    expect(FLOW_LIMITS.heldFlowSegmentsMax).toBe(16_384);
  });

  it("holds a bounded sum, overhead included, whoever sends", () => {
    let told = 0;
    const heldBytesMax = 1024 * 1024;
    const table = new FlowTable({
      limits: { heldBytesMax },
      isServerPort: (port) => port === PORT,
      hashSeed: [1, 2, 3, 4],
      onConnection: () => ({ ...silent, data: (_, _chunk, start, end) => (told += end - start) }),
    });
    // First data at 0, then far ahead: one-byte segments cost 257 bytes each.
    for (const [length, rounds] of [
      [1, 6],
      [1400, 3],
    ] as const) {
      for (let round = 0; round < rounds; round += 1) {
        flood(table, 3000, (packet) => {
          packet.flags = 16;
          packet.sequence = round === 0 && length === 1 ? 0 : round * 3000 + length * 10;
          packet.end = length;
        });
      }
    }
    const counters = table.counters();
    expect(counters.forcedByTotalBytes).toBeGreaterThan(10_000);
    expect(counters.heldBytes).toBeLessThan(heldBytesMax);
    expect(FLOW_LIMITS.heldBytesMax).toBe(64 * 1024 * 1024);
    expect(counters.seenBytes).toBe(
      counters.deliveredBytes + counters.duplicateBytes + counters.heldBytes,
    );
    expect(told).toBe(counters.deliveredBytes);
    table.flush();
    expect(table.counters().heldBytes).toBe(0);
  });
});

it("spreads neighbouring addresses and ports evenly, and otherwise for another seed", () => {
  const buckets = 1024;
  const count = 100_000;
  const fill = (seed: readonly [number, number, number, number]): number[] => {
    const hash = new FlowHash(seed);
    const filled = Array.from({ length: buckets }, () => 0);
    const packet = new TcpPacket();
    for (let i = 0; i < count; i += 1) {
      packet.source0 = 0x0a00_0000 + (i >>> 6);
      packet.sourcePort = 40_000 + (i & 63);
      packet.destination0 = 0x0a01_0001;
      packet.destinationPort = 80;
      const index = hash.of(packet) & (buckets - 1);
      filled[index] = (filled[index] ?? 0) + 1;
    }
    return filled;
  };
  const one = fill([1, 2, 3, 4]);
  // 98 on average with a deviation of 10.
  expect(Math.max(...one)).toBeLessThan(98 + 8 * 10);
  expect(fill([5, 6, 7, 8])).not.toEqual(one);
});

describe("a recorded conversation", () => {
  const shop = readFileSync(SHOP);

  const play = (bytes: Uint8Array, chunkBytes: number, seed: number): string[] => {
    const told: string[] = [];
    const table = new FlowTable({
      isServerPort: (port) => port === SHOP_PORT,
      hashSeed: [seed, 2, 3, 4],
      onConnection: ({ number, client }) => {
        told.push(`${number} ${client.address} ${client.port}`);
        const line = (direction: number, what: string): void => {
          told.push(`${number} ${direction} ${what}`);
        };
        return {
          data: (direction, chunk, start, end, seconds, nanoseconds) =>
            line(
              direction,
              `${seconds}.${nanoseconds} ${Buffer.from(chunk.subarray(start, end)).toString("latin1")}`,
            ),
          gap: (direction, count) => line(direction, `gap ${count}`),
          end: (direction, how) => line(direction, how),
        };
      },
    });
    const reader = new CaptureReader(new PacketDecoder(table));
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      const chunk = Uint8Array.from(bytes.subarray(at, at + chunkBytes));
      reader.push(chunk);
      chunk.fill(0);
    }
    table.flush();
    return told;
  };

  it("gives the same streams, whatever the size of the chunks and the seed", () => {
    const whole = play(shop, shop.length, 1);
    const text = whole.join("\n");
    expect(text.match(/ 0 [\d.]+ (GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH) /g)).toHaveLength(24);
    expect(text).not.toContain("gap");
    expect(text.match(/ [01] fin$/gm)).toHaveLength(12);
    for (const chunkBytes of [1, 7, 24, 40, 1000, 1460, 4096, 65_536]) {
      expect(play(shop, chunkBytes, chunkBytes)).toEqual(whole);
    }
  });

  it("stays alive with bytes broken anywhere", () => {
    const edits = fc.array(fc.tuple(fc.nat(shop.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(edits, fc.nat(shop.length), (changes, end) => {
        const broken = Buffer.from(shop.subarray(0, end));
        for (const [at, value] of changes) if (at < end) broken[at] = value;
        play(broken, 8192, 1);
      }),
      { numRuns: 60 },
    );
  });
});

it("counts what is no TCP between segments, without losing them", () => {
  const bench = new Bench();
  bench.handshake();
  bench.client({ sequence: 1, payload: "ab" });
  bench.packet(ipv4(Buffer.alloc(30), { protocol: 17 }));
  bench.packet(Buffer.from("garbage"), RAW_IP);
  bench.packet(ipv4(tcp()).subarray(0, 30));
  bench.client({ sequence: 3, payload: "cd" });
  expect(bench.streams[0]).toBe("abcd");
});
