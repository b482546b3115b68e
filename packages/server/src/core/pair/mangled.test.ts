// Captures as captures are: begun anywhere, packets in another order, doubled, left out. The oracle knows what was said.
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { PORT, RAW_IP, ipv4, tcp } from "../../../test/packet-kit.ts";
import { speakerOf } from "../http/captured/speaker.ts";
import { StreamTally } from "../http/captured/stream-limits.ts";
import { PacketDecoder } from "../packet/decode.ts";
import { FlowTable } from "../tcp/flow-table.ts";
import type { FlowCounters } from "../tcp/flow-table.ts";
import { CaptureCounters } from "./capture-counters.ts";
import { HttpConnection } from "./http-connection.ts";

type Side = 0 | 1;

/** One packet, and what it carries: bytes `from` to `to` of the stream of its side, none for handshakes and ends. */
interface Packet {
  readonly bytes: Buffer;
  readonly side: Side;
  readonly from: number;
  readonly to: number;
  /** Of the exchange with this number; -1 for none. */
  readonly exchange: number;
  /** Bytes of the other side that its sender had, and the end of its own stream, when it says so. */
  readonly read: number;
}

interface Plan {
  readonly exchanges: number;
  readonly segmentBytes: number;
  readonly isns: readonly [number, number];
  readonly fastOpen: boolean;
  readonly clientPort: number;
  readonly acks: boolean;
}

const SYN_OFFSET = 1;
const name = (number: number): string => String(number).padStart(4, "0");
const request = (number: number): string =>
  number % 3 === 1
    ? `POST /${name(number)} HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n${name(number).repeat(5)}`
    : `GET /${name(number)} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
const response = (number: number): string =>
  number % 2 === 0
    ? `HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n${name(number).repeat(10)}`
    : `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n28\r\n${name(number).repeat(10)}\r\n0\r\n\r\n`;

/** A client that waits for each answer, and both sides acknowledge all they have with each packet. */
function conversation(plan: Plan): Packet[] {
  const packets: Packet[] = [];
  const at = [0, 0];
  const ports = [plan.clientPort, PORT];
  const send = (side: Side, flags: string, payload: string, exchange: number): void => {
    const other = side === 0 ? 1 : 0;
    const isOpening = flags.startsWith("S");
    const bytes = tcp({
      sourcePort: ports[side] ?? 0,
      destinationPort: ports[other] ?? 0,
      sequence: plan.isns[side] + (isOpening ? 0 : SYN_OFFSET + (at[side] ?? 0)),
      acknowledgment: flags.includes("A") ? plan.isns[other] + SYN_OFFSET + (at[other] ?? 0) : 0,
      flags,
      payload,
    });
    const from = at[side] ?? 0;
    const hosts = ["10.0.0.1", "10.0.0.2"];
    const wire = ipv4(bytes, { source: hosts[side] ?? "", destination: hosts[other] ?? "" });
    const read = flags.includes("A") ? (at[other] ?? 0) : 0;
    packets.push({ bytes: wire, side, from, to: from + payload.length, exchange, read });
    at[side] = from + payload.length;
  };
  const say = (side: Side, text: string, number: number): void => {
    for (let cut = 0; cut < text.length; cut += plan.segmentBytes) {
      send(side, "PA", text.slice(cut, cut + plan.segmentBytes), number);
    }
    if (plan.acks) send(side === 0 ? 1 : 0, "A", "", number);
  };
  send(0, "S", plan.fastOpen ? request(0) : "", plan.fastOpen ? 0 : -1);
  send(1, "SA", "", -1);
  send(0, "A", "", -1);
  for (let number = 0; number < plan.exchanges; number += 1) {
    if (number > 0 || !plan.fastOpen) say(0, request(number), number);
    say(1, response(number), number);
  }
  send(0, "FA", "", -1);
  at[0] = (at[0] ?? 0) + 1;
  send(1, "FA", "", -1);
  return packets;
}

interface Told {
  /** Numbers of the exchanges that came out as a pair. */
  readonly pairs: number[];
  readonly requests: number[];
  readonly responses: number;
  readonly counters: FlowCounters;
  readonly tally: StreamTally;
}

const numberIn = (text: string): number => Number(/\/(\d{4}) |\n(\d{4})/.exec(text)?.slice(1).find(Boolean)); // prettier-ignore

function capture(packets: readonly Packet[], anyPort: boolean): Told {
  const messages: Message[] = [];
  const tally = new StreamTally();
  const shared = {
    trackResponses: true,
    allowIncomplete: false,
    skipReplays: true,
    tally,
    counters: new CaptureCounters(),
    emit: (message: Message) => messages.push(message),
    lost: () => {},
  };
  const table = new FlowTable({
    isServerPort: (port) => anyPort || port === PORT,
    speaker: speakerOf,
    onConnection: (info) => new HttpConnection(info, shared),
    hashSeed: [1, 2, 3, 4],
  });
  const decoder = new PacketDecoder(table);
  packets.forEach(({ bytes }, i) => {
    decoder.packet(RAW_IP, bytes, 0, bytes.length, bytes.length, 1_700_000_000, i * 1000);
  });
  table.flush();
  const requests = new Map<string, number>();
  const pairs: number[] = [];
  let responses = 0;
  for (const { kind, id, http } of messages) {
    const text = Buffer.from(http.raw).toString("latin1");
    const number = numberIn(text);
    // Not a byte that nobody said, and none of theirs elsewhere.
    expect(text).toBe(kind === MessageKind.request ? request(number) : response(number));
    if (kind === MessageKind.request) {
      requests.set(id, number);
    } else {
      responses += 1;
      expect(requests.get(id)).toBe(number);
      pairs.push(number);
    }
  }
  return { pairs, requests: [...requests.values()], responses, counters: table.counters(), tally };
}

const plan = fc.record({
  exchanges: fc.integer({ min: 1, max: 8 }),
  segmentBytes: fc.constantFrom(7, 23, 60, 1000),
  isns: fc.tuple(fc.constantFrom(1, 2 ** 31 - 60, 2 ** 32 - 90), fc.constantFrom(9, 2 ** 32 - 50)),
  fastOpen: fc.boolean(),
  clientPort: fc.constantFrom(50_000, 70),
  acks: fc.boolean(),
});
const picks = fc.array(fc.nat(99), { minLength: 1, maxLength: 80 });

/** Some packets change places with one of the next few; none with the SYNs, as only they tell where the streams begin. */
function swapped(packets: readonly Packet[], draws: readonly number[], percent: number): Packet[] {
  const out = [...packets];
  for (let i = 2; i + 1 < out.length; i += 1) {
    const draw = draws[i % draws.length] ?? 0;
    if (draw >= percent) continue;
    const other = Math.min(out.length - 1, i + 1 + (draw % 3));
    const [a, b] = [out[i], out[other]];
    if (a === undefined || b === undefined) continue;
    out[i] = b;
    out[other] = a;
    i = other;
  }
  return out;
}

const doubled = (packets: readonly Packet[], draws: readonly number[]): Packet[] =>
  packets.flatMap((packet, i) => ((draws[i % draws.length] ?? 0) < 20 ? [packet, packet] : [packet])); // prettier-ignore

/** Bytes that nobody captured although they were said, as far as what was captured tells. */
function lostBytes(kept: readonly Packet[]): number {
  let lost = 0;
  for (const side of [0, 1] as const) {
    const own = kept.filter((packet) => packet.side === side);
    const heard = kept.filter((packet) => packet.side !== side).map(({ read }) => read);
    const known = Math.max(...own.map(({ to }) => to), ...heard);
    const seen = new Set(own.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i))); // prettier-ignore
    const isFinSeen = own.some(({ bytes }) => ((bytes[33] ?? 0) & 1) !== 0);
    const fin = isFinSeen ? Math.max(...own.map(({ to }) => to)) : known;
    for (let at = 0; at < Math.min(known, fin); at += 1) if (!seen.has(at)) lost += 1;
  }
  return lost;
}

const all = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

it("is complete, whatever the order, and however often packets come", () => {
  let fastOpened = 0;
  fc.assert(
    fc.property(plan, picks, picks, fc.constantFrom(0, 20, 50), (of, places, twice, percent) => {
      const packets = conversation(of);
      const { pairs, requests, counters, tally } = capture(
        doubled(swapped(packets, places, percent), twice),
        false,
      );
      expect(requests).toEqual(all(of.exchanges));
      expect(pairs).toEqual(all(of.exchanges));
      expect(counters).toMatchObject({ connections: 1, lostBytes: 0, overlapConflicts: 0 });
      const seen = packets.reduce((sum, { from, to }) => sum + to - from, 0);
      expect(counters.seenBytes - counters.duplicateBytes).toBe(seen);
      expect(tally.skippedBytes + tally.incompleteBytes).toBe(0);
      fastOpened += of.fastOpen ? 1 : 0;
    }),
    { numRuns: 1000 },
  );
  expect(fastOpened).toBeGreaterThan(100);
});

it("has every exchange of which no packet is missing, and counts what is", () => {
  let whole = 0;
  let missed = 0;
  fc.assert(
    fc.property(
      plan,
      picks,
      picks,
      picks,
      fc.constantFrom(3, 10, 30),
      (of, places, twice, holes, percent) => {
        // prettier-ignore
        const packets = conversation(of);
        const mixed = swapped(packets, places, 20);
        // The handshake and both ends stay: without them nobody can know where the streams begin and end.
        const isEdge = (packet: Packet): boolean =>
          packets.indexOf(packet) < 3 || packets.indexOf(packet) >= packets.length - 2;
        const kept = mixed.filter(
          (packet, i) => isEdge(packet) || (holes[i % holes.length] ?? 0) >= percent,
        );
        const { pairs, counters } = capture(doubled(kept, twice), false);
        expect(counters.lostBytes).toBe(lostBytes(kept));
        const broken = new Set(packets.filter((packet) => !kept.includes(packet) && packet.to > packet.from).map(({ exchange }) => exchange)); // prettier-ignore
        expect(pairs).toEqual(all(of.exchanges).filter((number) => !broken.has(number)));
        whole += pairs.length;
        missed += broken.size;
      },
    ),
    { numRuns: 1000 },
  );
  expect(Math.min(whole, missed)).toBeGreaterThan(500);
});

it("begins anywhere, and knows the sides whatever their ports", () => {
  let reversed = 0;
  fc.assert(
    fc.property(plan, picks, fc.nat(99), fc.boolean(), (of, twice, cut, anyPort) => {
      const packets = conversation(of);
      const begin = 3 + Math.floor(((packets.length - 3) * cut) / 100);
      const kept = packets.slice(begin);
      // A start line in pieces tells nobody's side.
      const isOpen = anyPort && of.segmentBytes > 20;
      const { pairs, counters } = capture(doubled(kept, twice), isOpen);
      const before = new Set(packets.slice(0, begin).map(({ exchange }) => exchange));
      const expected = all(of.exchanges).filter((number) => !before.has(number));
      expect(pairs).toEqual(expected);
      expect(counters.lostBytes).toBe(0);
      if (isOpen && of.clientPort < PORT) reversed += expected.length;
    }),
    { numRuns: 1000 },
  );
  expect(reversed).toBeGreaterThan(100);
});
