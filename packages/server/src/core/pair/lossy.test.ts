// Captures that miss packets, from the packets up: what comes out is whole, and no answer is given to another request.
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { RAW_IP, PORT, CLIENT_PORT, ipv4, tcp } from "../../../test/packet-kit.ts";
import { StreamTally } from "../http/captured/stream-limits.ts";
import { PacketDecoder } from "../packet/decode.ts";
import { FlowTable } from "../tcp/flow-table.ts";
import { CaptureCounters } from "./capture-counters.ts";
import { HttpConnection } from "./http-connection.ts";

interface Told {
  readonly pairs: string[];
  readonly lost: number;
  readonly bytesLost: number;
}

/** A connection's packets, in order; the sides acknowledge all they have with each. */
function packetsOf(exchanges: number, segments: number, isn: number): Buffer[] {
  const packets: Buffer[] = [];
  const next = [isn, isn + 7];
  const send = (side: 0 | 1, flags: string, payload: string): void => {
    const ports = [CLIENT_PORT, PORT];
    const hosts = ["10.0.0.1", "10.0.0.2"];
    const bytes = tcp({
      sourcePort: ports[side] ?? 0,
      destinationPort: ports[1 - side] ?? 0,
      sequence: next[side] ?? 0,
      acknowledgment: next[1 - side] ?? 0,
      flags,
      payload,
    });
    packets.push(ipv4(bytes, { source: hosts[side] ?? "", destination: hosts[1 - side] ?? "" }));
    next[side] = (next[side] ?? 0) + payload.length + (flags.startsWith("S") ? 1 : 0);
  };
  const sendCut = (side: 0 | 1, text: string): void => {
    const size = Math.ceil(text.length / segments);
    for (let at = 0; at < text.length; at += size) send(side, "PA", text.slice(at, at + size));
  };
  send(0, "S", "");
  send(1, "SA", "");
  for (let number = 0; number < exchanges; number += 1) {
    const name = String(number).padStart(4, "0");
    sendCut(0, `GET /${name} HTTP/1.1\r\nHost: a.example\r\n\r\n`);
    sendCut(1, `HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n${name.repeat(10)}`);
  }
  send(0, "A", "");
  return packets;
}

function capture(packets: readonly Uint8Array[]): Told {
  const messages: Message[] = [];
  let lost = 0;
  const shared = {
    trackResponses: true,
    allowIncomplete: false,
    skipReplays: true,
    tally: new StreamTally(),
    counters: new CaptureCounters(),
    emit: (message: Message) => messages.push(message),
    lost: () => (lost += 1),
  };
  const table = new FlowTable({
    isServerPort: (port) => port === PORT,
    onConnection: (info) => new HttpConnection(info, shared),
    hashSeed: [1, 2, 3, 4],
  });
  const decoder = new PacketDecoder(table);
  packets.forEach((bytes, i) => {
    decoder.packet(RAW_IP, bytes, 0, bytes.length, bytes.length, 1_700_000_000, i * 1000);
  });
  table.flush();
  const targets = new Map(
    messages
      .filter(({ kind }) => kind === MessageKind.request)
      .map(({ id, http }) => [id, /\/(\d+)/.exec(Buffer.from(http.raw).toString())?.[1]]),
  );
  const pairs = messages
    .filter(({ kind }) => kind === MessageKind.response)
    .map(({ id, http }) => {
      const body = Buffer.from(http.body).toString();
      expect(body).toBe(body.slice(0, 4).repeat(10));
      return `${targets.get(id)} ${body.slice(0, 4)}`;
    });
  return { pairs, lost, bytesLost: table.counters().lostBytes };
}

const traffic = fc.record({
  exchanges: fc.integer({ min: 1, max: 12 }),
  segments: fc.integer({ min: 1, max: 3 }),
  isn: fc.constantFrom(1, 2 ** 32 - 200),
});

it("gives every answer to its own request of a client that waits for it, whatever packets are missing", () => {
  let told = 0;
  let missed = 0;
  fc.assert(
    fc.property(
      traffic,
      fc.infiniteStream(fc.nat(99)),
      fc.constantFrom(0, 3, 10, 30, 60),
      ({ exchanges, segments, isn }, picks, percent) => {
        const packets = packetsOf(exchanges, segments, isn);
        const { pairs, lost, bytesLost } = capture(
          // From the handshake on: who comes later cannot know what he missed.
          packets.filter((_, i) => i < 2 || (picks.next().value ?? 0) >= percent),
        );
        for (const pair of pairs) expect(pair).toBe(`${pair.slice(0, 4)} ${pair.slice(0, 4)}`);
        if (percent === 0) expect([pairs.length, lost, bytesLost]).toEqual([exchanges, 0, 0]);
        told += pairs.length;
        missed += exchanges - pairs.length;
      },
    ),
    { numRuns: 1000 },
  );
  // Both happened, or nothing was tested.
  expect(Math.min(told, missed)).toBeGreaterThan(100);
});
