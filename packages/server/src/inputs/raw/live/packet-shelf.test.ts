// Packets set aside come back as they were, in order, and take no more memory than allowed.
import fc from "fast-check";
import { expect, it } from "vitest";
import { PacketShelf } from "./packet-shelf.ts";

const LINK_TYPE = 113;

/** All that is on it, each packet as `bytes/original/seconds/nanoseconds`. */
function takeAll(shelf: PacketShelf, countMax = Number.POSITIVE_INFINITY): string[] {
  const taken: string[] = [];
  const sink = {
    packet: (linkType: number, chunk: Uint8Array, start: number, end: number, original: number, seconds: number, nanoseconds: number) => {
      expect(linkType).toBe(LINK_TYPE);
      taken.push(text(chunk.subarray(start, end), original, seconds, nanoseconds));
    },
  }; // prettier-ignore
  while (!shelf.isEmpty && taken.length < countMax) shelf.takeOne(LINK_TYPE, sink);
  return taken;
}

function text(bytes: Uint8Array, ...numbers: number[]): string {
  return [Buffer.from(bytes).toString("hex"), ...numbers].join("/");
}

const word = fc.nat(2 ** 32 - 1);

it("gives back what was put there, whatever is put and taken in between", () => {
  const step = fc.record({
    bytes: fc.uint8Array({ maxLength: 40 }),
    numbers: fc.tuple(word, word, fc.nat(999_999_999)),
    take: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const shelf = new PacketShelf(2 ** 20);
      // The reader's one buffer, longer than any packet.
      const buffer = new Uint8Array(64);
      const put: string[] = [];
      const taken: string[] = [];
      for (const { bytes, numbers, take } of steps) {
        buffer.fill(0xee);
        buffer.set(bytes);
        expect(shelf.put(buffer, bytes.length, ...numbers)).toBe(true);
        put.push(text(bytes, ...numbers));
        taken.push(...takeAll(shelf, take));
      }
      taken.push(...takeAll(shelf));
      expect(taken).toEqual(put);
      expect(shelf.isEmpty).toBe(true);
    }),
  );
});

it("goes over from one piece of memory to the next", () => {
  const shelf = new PacketShelf(64 * 1024 * 1024);
  const packet = new Uint8Array(262_144);
  for (let at = 0; at < 100; at += 1) {
    packet[0] = at;
    expect(shelf.put(packet, packet.length - at, packet.length, at, 0)).toBe(true);
  }
  const firsts = takeAll(shelf).map((packetText) => Number.parseInt(packetText.slice(0, 2), 16));
  expect(firsts).toEqual(Array.from({ length: 100 }, (_, at) => at));
});

it("refuses what is beyond its bound, and takes more once there is room", () => {
  const shelf = new PacketShelf(3000);
  const packet = new Uint8Array(984);
  const put = (): boolean => shelf.put(packet, 984, 984, 1, 2);
  expect([put(), put(), put(), put()]).toEqual([true, true, true, false]);
  expect(takeAll(shelf, 1)).toHaveLength(1);
  expect([put(), put()]).toEqual([true, false]);
  expect(takeAll(shelf)).toHaveLength(3);
});
