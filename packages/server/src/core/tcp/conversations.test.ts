/** Generated conversations against a map of single bytes: what is told does not depend on how it travelled. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bench } from "../../../test/packet-kit.ts";

type Side = 0 | 1;
interface Segment {
  readonly side: Side;
  readonly start: number;
  readonly end: number;
  /** Reached the receiver, but not the capture. */
  readonly lost: boolean;
}

const isn = fc.oneof(
  fc.constantFrom(0, 2 ** 31 - 50),
  fc.integer({ min: 2 ** 32 - 300, max: 2 ** 32 - 1 }),
);
const bodyText = (length: number, salt: number): string =>
  Array.from({ length }, (_, i) => String.fromCharCode(97 + ((i * 7 + salt) % 26))).join("");

/** Cuts `length` bytes at the given places. */
function cut(
  side: Side,
  length: number,
  cuts: readonly number[],
  lost: readonly boolean[],
): Segment[] {
  const places = [...new Set([0, length, ...cuts.map((place) => place % (length + 1))])];
  places.sort((a, b) => a - b);
  return places
    .slice(1)
    .map((end, i) => ({ side, start: places[i] ?? 0, end, lost: lost[i % lost.length] ?? false }));
}

/** Moves each item at most a few places: what a network does. Draws from `picks`. */
function shuffle<T>(items: readonly T[], picks: readonly number[]): T[] {
  const out = [...items];
  picks.forEach((pick, i) => {
    const from = (i * 3) % Math.max(1, out.length);
    const [item] = out.splice(from, 1);
    if (item !== undefined) out.splice(Math.min(out.length, from + (pick % 6)), 0, item);
  });
  return out;
}

function merge<T>(first: readonly T[], second: readonly T[], picks: readonly number[]): T[] {
  const [a, b, out]: [T[], T[], T[]] = [[...first], [...second], []];
  for (let i = 0; a.length > 0 || b.length > 0; i += 1) {
    const takeFirst = b.length === 0 || (a.length > 0 && (picks[i % picks.length] ?? 0) % 2 === 0);
    const item = (takeFirst ? a : b).shift();
    if (item !== undefined) out.push(item);
  }
  return out;
}

const conversation = fc.record({
  isns: fc.tuple(isn, isn),
  lengths: fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 400 })),
  cuts: fc.tuple(
    fc.array(fc.nat(400), { maxLength: 12 }),
    fc.array(fc.nat(400), { maxLength: 12 }),
  ),
  again: fc.array(fc.tuple(fc.constantFrom<Side>(0, 1), fc.nat(400), fc.nat(80)), { maxLength: 8 }),
  picks: fc.array(fc.nat(100), { minLength: 1, maxLength: 60 }),
  lost: fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
  duplicateAll: fc.boolean(),
  deliverWhenAcknowledged: fc.boolean(),
});

/** Plays the segments, each with an honest acknowledgement of what the sender has received so far. */
function play(
  bench: Bench,
  isns: readonly [number, number],
  texts: readonly [string, string],
  segments: readonly Segment[],
  times: number,
): void {
  const received = [new Set<number>(), new Set<number>()] as const;
  const contiguous = [0, 0];
  bench.handshake(isns[0], isns[1]);
  const send = (
    side: Side,
    fields: { sequence: number; flags?: string; payload?: string },
  ): void => {
    const acknowledgment = isns[side === 0 ? 1 : 0] + 1 + (contiguous[side === 0 ? 1 : 0] ?? 0);
    for (let i = 0; i < times; i += 1) {
      if (side === 0) bench.client({ acknowledgment, ...fields });
      else bench.server({ acknowledgment, ...fields });
    }
  };
  for (const { side, start, end, lost } of segments) {
    const payload = texts[side].slice(start, end);
    if (!lost && payload.length > 0) send(side, { sequence: isns[side] + 1 + start, payload });
    for (let at = start; at < Math.min(end, texts[side].length); at += 1) received[side].add(at);
    while (received[side].has(contiguous[side] ?? 0))
      contiguous[side] = (contiguous[side] ?? 0) + 1;
    const other = side === 0 ? 1 : 0;
    send(other, { sequence: isns[other] + 1 + sentUpTo(segments, other) });
  }
  for (const side of [0, 1] as const) {
    send(side, { flags: "FA", sequence: isns[side] + 1 + texts[side].length });
  }
  for (const side of [0, 1] as const) contiguous[side] = texts[side].length + 1;
  for (const side of [0, 1] as const) {
    send(side, { sequence: isns[side] + 2 + texts[side].length });
  }
}

/** A pure acknowledgement stands anywhere in its own stream; the end is as good as any place. */
function sentUpTo(segments: readonly Segment[], side: Side): number {
  return Math.max(0, ...segments.filter((segment) => segment.side === side).map(({ end }) => end));
}

describe("a conversation that is shuffled, duplicated, split and merged", () => {
  it("is told as it was spoken, with exact gaps where the capture lost something", () => {
    fc.assert(
      fc.property(conversation, (plan) => {
        const texts: [string, string] = [
          bodyText(plan.lengths[0], 1),
          bodyText(plan.lengths[1], 5),
        ];
        const halves = ([0, 1] as const).map((side) => {
          const first = cut(side, plan.lengths[side], plan.cuts[side], plan.lost);
          // Retransmissions with other boundaries, some merging and some splitting what was sent.
          const again = plan.again
            .filter(([of]) => of === side)
            .map(([, start, length]) => {
              const from = start % plan.lengths[side];
              return {
                side,
                start: from,
                end: Math.min(plan.lengths[side], from + length),
                lost: false,
              };
            })
            .filter(({ start, end }) =>
              first.every((s) => !s.lost || s.end <= start || end <= s.start),
            );
          return shuffle([...first, ...again], plan.picks);
        });
        const segments = merge(halves[0] ?? [], halves[1] ?? [], plan.picks);
        const { deliverWhenAcknowledged } = plan;
        const bench = new Bench({ deliverWhenAcknowledged });
        play(bench, plan.isns, texts, segments, plan.duplicateAll ? 2 : 1);

        // What is lost is told when it has not come for a while.
        bench.pass(2);
        bench.pass(2);
        const expected = texts.map((text, side) => {
          const map = text
            .split("")
            .map((byte, at) =>
              segments.some((s) => s.side === side && !s.lost && s.start <= at && at < s.end)
                ? byte
                : ".",
            );
          return `${map.join("").replaceAll(/\.+/g, (dots) => `[${dots.length}]`)}<fin>`;
        });
        const told = bench.streams.map((text) =>
          text.replaceAll(/\[(\d+)\]\[(\d+)\]/g, (_, a, b) => `[${Number(a) + Number(b)}]`),
        );
        expect(told).toEqual(expected);
        bench.flush();
        expect(bench.counters.overlapConflicts).toBe(0);
      }),
      { numRuns: 1500 },
    );
  });
});

describe("overlaps that contradict each other", () => {
  const SPACE = 5;
  const ranges: [number, number][] = [];
  for (let start = 0; start < SPACE; start += 1) {
    for (let end = start + 1; end <= SPACE; end += 1) ranges.push([start, end]);
  }

  /** Every sequence of up to three chunks over five positions, against the byte map. */
  const check = (chunks: readonly (readonly [number, number])[], begin: number): void => {
    const bench = new Bench();
    bench.client({ flags: "S", sequence: begin - 1 });
    const map: string[] = [];
    chunks.forEach(([start, end], i) => {
      const letter = String.fromCharCode(65 + i);
      bench.client({ sequence: begin + start, payload: letter.repeat(end - start) });
      for (let at = start; at < end; at += 1) map[at] ??= letter;
    });
    bench.flush();
    const expected = Array.from(map, (byte) => byte ?? ".")
      .join("")
      .replaceAll(/\.+/g, (dots) => `[${dots.length}]`);
    const [toServer] = bench.streams;
    if (toServer !== `${expected}<capture-end>`) {
      throw new Error(`${JSON.stringify(chunks)} from ${begin}: ${expected}, told ${toServer}`);
    }
  };

  it.each([0, 1, 2 ** 32 - 2])("keep the first byte of each position, from %i", (begin) => {
    for (const a of ranges) {
      check([a], begin);
      for (const b of ranges) {
        check([a, b], begin);
        for (const c of ranges) check([a, b, c], begin);
      }
    }
  });
});

describe("whatever comes", () => {
  const flags = fc.constantFrom("S", "SA", "A", "PA", "F", "FA", "R", "RA", "U", "SF", "SR", "");
  const near = fc.oneof(fc.nat(60), fc.constantFrom(2 ** 30, 2 ** 31, 2 ** 32 - 5, 2 ** 32 - 30));
  const packet = fc.record({
    fromClient: fc.boolean(),
    flags,
    sequence: near,
    acknowledgment: near,
    payload: fc.string({ maxLength: 12, unit: fc.constantFrom("a", "b") }),
    cut: fc.nat(6),
    wait: fc.constantFrom(0, 0, 0, 1, 3, 11, 400, -50),
  });

  it("balances the books, and ends each direction once", () => {
    const limits = { heldFlowBytesMax: 20, heldFlowSegmentsMax: 4, heldBytesMax: 2000 };
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 40 }), fc.boolean(), (packets, acknowledged) => {
        const bench = new Bench({ limits, deliverWhenAcknowledged: acknowledged });
        for (const { fromClient, cut: cutBytes, wait, ...fields } of packets) {
          bench.seconds += wait;
          const bytes = Math.min(cutBytes, fields.payload.length);
          if (fromClient) bench.client(fields, bytes);
          else bench.server(fields, bytes);
          expect(bench.counters.heldBytes).toBeLessThanOrEqual(40);
        }
        bench.flush();
        for (const { text } of bench.told) {
          for (const side of text) expect(side.match(/<[a-z-]+>/g)).toHaveLength(1);
        }
        const { counters } = bench;
        expect(counters.connections).toBe(
          counters.closedByFin +
            counters.closedByReset +
            counters.closedByIdle +
            counters.closedByPortReuse +
            counters.closedByCaptureEnd +
            counters.evictedHandshakes +
            counters.evictedOpen,
        );
      }),
      { numRuns: 4000 },
    );
  });
});
