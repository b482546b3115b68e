import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  block,
  enhancedPacket,
  interfaceBlock,
  pcap,
  sectionHeader,
  words,
} from "../../../test/packet-kit.ts";
import { CaptureReader } from "./capture-reader.ts";
import type { CaptureCounters } from "./capture-reader.ts";

interface Read {
  readonly packets: string[];
  readonly counters: CaptureCounters;
  readonly problem: string | undefined;
}

/** One line a packet: link type, bytes in hex, length on the wire, time. */
function read(...chunks: Uint8Array[]): Read {
  const packets: string[] = [];
  const reader = new CaptureReader({
    packet(linkType, chunk, start, end, original, seconds, nanoseconds) {
      const hex = Buffer.from(chunk.subarray(start, end)).toString("hex");
      const time = `${seconds}.${String(nanoseconds).padStart(9, "0")}`;
      packets.push(`${linkType} ${hex} ${original} ${time}`);
    },
  });
  for (const chunk of chunks) {
    // A fresh copy that is spoilt afterwards: nobody may look at it later.
    const copy = Uint8Array.from(chunk);
    reader.push(copy);
    copy.fill(0xee);
  }
  return { packets, counters: reader.counters(), problem: reader.problem };
}

const one = { bytes: Buffer.from("0102", "hex"), seconds: 1_700_000_000, fraction: 999_999 };
const two = { bytes: Buffer.from("030405", "hex"), seconds: 1_700_000_001, originalBytes: 9 };

/** Two interfaces, clocks of several kinds, every kind of block. */
function everything(little: boolean): Buffer {
  const option = (code: number, value: Uint8Array): Buffer => {
    const head = Buffer.alloc(4);
    if (little) {
      head.writeUInt16LE(code, 0);
      head.writeUInt16LE(value.length, 2);
    } else {
      head.writeUInt16BE(code, 0);
      head.writeUInt16BE(value.length, 2);
    }
    return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
  };
  const offset = little ? words(true, 100, 0) : words(false, 0, 100);
  const old = words(little, 0, 0x0005_ebc8, 0x9d6b_7000, 1, 1);
  if (little) old.writeUInt16LE(1, 0);
  else old.writeUInt16BE(1, 0);
  return Buffer.concat([
    sectionHeader(little),
    interfaceBlock(little, 1, 2),
    interfaceBlock(
      little,
      101,
      0,
      Buffer.concat([option(2, Buffer.from("eth0")), option(9, Buffer.from([9]))]),
    ),
    interfaceBlock(
      little,
      113,
      0,
      Buffer.concat([option(9, Buffer.from([0x80 | 10])), option(14, offset), words(little, 0)]),
    ),
    block(little, 5, Buffer.alloc(20)),
    enhancedPacket(little, 0, 1_700_000_000_000_001n, Buffer.from("0a", "hex"), 70),
    enhancedPacket(little, 1, 1_700_000_000_123_456_789n, Buffer.from("0b0b", "hex")),
    enhancedPacket(little, 2, 5n * 1024n + 512n, Buffer.from("0c", "hex")),
    block(little, 3, Buffer.concat([words(little, 3), Buffer.from("0d0d0d", "hex")])),
    block(little, 2, Buffer.concat([old, Buffer.from("0e", "hex")])),
    block(little, 0x0bad, Buffer.from("unknown")),
  ]);
}

describe("pcap", () => {
  it.each([true, false])("reads both clocks (little endian: %s)", (little) => {
    const { packets, counters } = read(pcap([one, two], { little, linkType: 101 }));
    expect(packets).toEqual([
      "101 0102 2 1700000000.999999000",
      "101 030405 9 1700000001.000000000",
    ]);
    expect(counters).toMatchObject({ format: "pcap", truncatedTailBytes: 0, unreadBytes: 0 });
    const exact = pcap([{ ...one, fraction: 123_456_789 }], { little, nanoseconds: true });
    expect(read(exact).packets).toEqual(["1 0102 2 1700000000.123456789"]);
  });

  it("carries a fraction of more than a second over, and never claims fewer bytes than it has", () => {
    const odd = { ...one, fraction: 2_500_000, originalBytes: 0 };
    expect(read(pcap([odd])).packets).toEqual(["1 0102 2 1700000002.500000000"]);
  });

  it("ignores the frame check bits in the link type", () => {
    expect(read(pcap([one], { linkType: 0x5400_0001 })).packets[0]).toMatch(/^1 /);
  });

  it("counts a truncated tail", () => {
    const { packets, counters } = read(pcap([one, two]).subarray(0, -1));
    expect(packets).toHaveLength(1);
    expect(counters.truncatedTailBytes).toBe(18);
    expect(read(Buffer.from([0xd4, 0xc3])).counters.truncatedTailBytes).toBe(2);
  });

  it("stops at a length that cannot be, keeps what came before, and says where the rest went", () => {
    const bad = words(true, 0, 0, 0xffff_ffff, 0);
    const { packets, counters, problem } = read(pcap([one]), bad, Buffer.alloc(100));
    expect(packets).toHaveLength(1);
    expect(counters.unreadBytes).toBe(116);
    expect(problem).toMatch(/packet length: must be at most 16777216 bytes.*got 4294967311/);
  });
});

describe("pcapng", () => {
  it.each([true, false])("reads every kind of block (little endian: %s)", (little) => {
    const { packets, counters, problem } = read(everything(little));
    expect(packets).toEqual([
      "1 0a 70 1700000000.000001000",
      "101 0b0b 2 1700000000.123456789",
      "113 0c 1 105.500000000",
      "1 0d0d 3 105.500000000",
      "101 0e 1 1666621.750603776",
    ]);
    expect(problem).toBeUndefined();
    expect(counters).toMatchObject({ format: "pcapng", skippedBlocks: 2, malformedBlocks: 0 });
  });

  it("starts anew with each section, whatever its byte order", () => {
    const { packets } = read(everything(true), everything(false), sectionHeader(true));
    expect(packets).toHaveLength(10);
    expect(packets.slice(0, 5)).toEqual(packets.slice(5));
  });

  it("knows an interface in its own section only", () => {
    const { packets, counters } = read(
      everything(true),
      sectionHeader(true),
      enhancedPacket(true, 0, 0n, Buffer.from("0a", "hex")),
    );
    expect(packets).toHaveLength(5);
    expect(counters.malformedBlocks).toBe(1);
  });

  it.each([
    ["picoseconds", 12, 10n ** 12n],
    ["seconds", 0, 1n],
    ["1/2^40 s", 0x80 | 40, 2n ** 40n],
  ])("divides %s exactly", (_, resolution, units) => {
    const options = Buffer.from([9, 0, 1, 0, resolution, 0, 0, 0]);
    const time = 1_700_000n * units + (units === 1n ? 0n : units / 4n);
    const { packets } = read(
      sectionHeader(true),
      interfaceBlock(true, 1, 0, options),
      enhancedPacket(true, 0, time, Buffer.from("0a", "hex")),
    );
    expect(packets[0]).toBe(`1 0a 1 1700000.${units === 1n ? "000000000" : "250000000"}`);
  });

  it("counts blocks that contradict themselves and packets of unknown interfaces", () => {
    const wrong = enhancedPacket(true, 0, 0n, Buffer.from("0a", "hex"));
    wrong.writeUInt32LE(100, 20);
    const { packets, counters } = read(
      sectionHeader(true),
      enhancedPacket(true, 0, 0n, Buffer.from("0a", "hex")),
      block(true, 3, words(true, 1)),
      interfaceBlock(true, 1),
      wrong,
      block(true, 6, Buffer.alloc(4)),
    );
    expect(packets).toEqual([]);
    expect(counters.malformedBlocks).toBe(4);
  });

  it.each([
    ["4 GB", 0xffff_fffc],
    ["8", 8],
    ["not of four", 13],
  ])("stops at a block length of %s", (_, length) => {
    const { packets, counters, problem } = read(everything(true), words(true, 6, length, 0));
    expect(packets).toHaveLength(5);
    expect(counters.unreadBytes).toBe(12);
    expect(problem).toContain(`got ${length}`);
  });

  it("stops at a section without a byte order", () => {
    const bad = sectionHeader(true);
    bad.fill(0, 8, 12);
    expect(read(bad).problem).toContain("byte order");
  });
});

it("says what it got when it is no capture", () => {
  const { counters, problem } = read(Buffer.from("GET / HTTP/1.1"), Buffer.from("more"));
  expect(problem).toBe("capture: must begin as pcap or pcapng; got the bytes 47 45 54 20");
  expect(counters).toMatchObject({ format: "unknown", unreadBytes: 18, truncatedTailBytes: 0 });
});

describe("any split of the input", () => {
  const files: [string, Buffer][] = [
    ["pcap", Buffer.concat([pcap([one, two, one]), Buffer.from("tail")])],
    ["pcapng", Buffer.concat([everything(false), everything(true), Buffer.from("tail")])],
    ["damaged", Buffer.concat([everything(true), words(true, 6, 2 ** 31, 0), Buffer.alloc(9)])],
    ["garbage", Buffer.from("no capture at all")],
  ];

  it.each(files)("gives the same: %s in two parts", (_, file) => {
    const whole = read(file);
    for (let at = 0; at <= file.length; at += 1) {
      expect(read(file.subarray(0, at), file.subarray(at))).toEqual(whole);
    }
  });

  it.each(files)("gives the same: %s in chunks of one size", (_, file) => {
    const whole = read(file);
    for (let size = 1; size < 70; size += 1) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < file.length; at += size) chunks.push(file.subarray(at, at + size));
      expect(read(...chunks)).toEqual(whole);
    }
  });
});

it("never throws and never holds more than it was given, whatever it reads", () => {
  const begin = fc.constantFrom(
    Buffer.alloc(0),
    pcap([one]),
    pcap([one], { little: false }),
    everything(true),
    everything(false),
  );
  const parts = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 });
  fc.assert(
    fc.property(begin, parts, (start, chunks) => {
      const bytes = start.length + chunks.reduce((sum, { length }) => sum + length, 0);
      const { counters } = read(start, ...chunks);
      expect(counters.truncatedTailBytes + counters.unreadBytes).toBeLessThanOrEqual(bytes);
    }),
    { numRuns: 2000 },
  );
});

it("never throws on a capture with broken bytes", () => {
  const file = everything(true);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      (changes) => {
        const broken = Buffer.from(file);
        for (const [at, value] of changes) broken[at] = value;
        expect(read(broken)).toEqual(read(broken.subarray(0, 77), broken.subarray(77)));
      },
    ),
    { numRuns: 2000 },
  );
});
