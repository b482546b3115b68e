import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ethernet, fragment6, ipv4, ipv6, RAW_IP, tcp, words } from "../../../test/packet-kit.ts";
import type { DecodeCounters } from "./decode-counters.ts";
import { PacketDecoder } from "./decode.ts";
import { FRAGMENT_MEMORY_BYTES_MAX } from "./fragments.ts";

/** The payloads of the segments decoded; `[3]` for bytes that the capture cut. */
class Decoded {
  readonly texts: string[] = [];
  readonly sources: number[][] = [];
  seconds = 0;
  readonly decoder: PacketDecoder = new PacketDecoder({
    packet: (packet) => {
      const text = Buffer.from(packet.chunk.subarray(packet.start, packet.end)).toString();
      this.texts.push(packet.missingBytes === 0 ? text : `${text}[${packet.missingBytes}]`);
      this.sources.push([packet.source0, packet.source1, packet.source2, packet.source3]);
    },
  });

  packet(linkType: number, bytes: Uint8Array, originalBytes = bytes.length): this {
    // In the middle of a buffer, as from a file: nothing may look beyond its packet.
    const around = Buffer.concat([Buffer.alloc(3, 0x45), bytes, Buffer.alloc(60, 0x66)]);
    this.decoder.packet(linkType, around, 3, 3 + bytes.length, originalBytes, this.seconds, 0);
    const { counters } = this.decoder;
    const sum =
      counters.tcpSegments +
      counters.unknownLinkType +
      counters.notIp +
      counters.notTcp +
      counters.unopened +
      counters.truncatedHeader +
      counters.malformed +
      counters.tooManyVlanTags +
      counters.tooManyExtensionHeaders +
      counters.tooManyHeaders +
      counters.fragmentsHeld +
      counters.fragmentsDuplicate +
      counters.fragmentsRefused;
    expect(sum).toBe(counters.packets);
    return this;
  }

  get counters(): DecodeCounters {
    return this.decoder.counters;
  }
}

const v4 = ipv4(tcp({ payload: "four" }));
const v6 = ipv6(tcp({ payload: "six" }));
const extension = (next: number, bytes = 8): Buffer => {
  const header = Buffer.alloc(bytes);
  header[0] = next;
  header[1] = bytes / 8 - 1;
  return header;
};

describe("link layers", () => {
  it.each<[string, number, Uint8Array, string]>([
    ["Ethernet", 1, ethernet(v4), "four"],
    ["Ethernet, IPv6", 1, ethernet(v6, 0x86dd), "six"],
    ["802.1Q", 1, ethernet(v4, 0x0800, [0x8100]), "four"],
    ["QinQ", 1, ethernet(v6, 0x86dd, [0x88a8, 0x8100]), "six"],
    ["four tags", 1, ethernet(v4, 0x0800, [0x9100, 0x88a8, 0x8100, 0x8100]), "four"],
    ["null, little endian", 0, Buffer.concat([words(true, 2), v4]), "four"],
    ["null, big endian", 0, Buffer.concat([words(false, 2), v4]), "four"],
    ["null, IPv6 of Linux", 0, Buffer.concat([words(true, 10), v6]), "six"],
    ["null, IPv6 of BSD", 0, Buffer.concat([words(false, 24), v6]), "six"],
    ["null, IPv6 of FreeBSD", 0, Buffer.concat([words(true, 28), v6]), "six"],
    ["null, IPv6 of macOS", 0, Buffer.concat([words(true, 30), v6]), "six"],
    ["loop", 108, Buffer.concat([words(false, 2), v4]), "four"],
    ["cooked", 113, Buffer.concat([Buffer.alloc(14), Buffer.from([8, 0]), v4]), "four"],
    [
      "cooked, with a tag",
      113,
      Buffer.concat([Buffer.alloc(14), Buffer.from([0x81, 0, 0, 5, 8, 0]), v4]),
      "four",
    ],
    ["cooked 2", 276, Buffer.concat([Buffer.from([0x86, 0xdd]), Buffer.alloc(18), v6]), "six"],
    ["raw", 101, v4, "four"],
    ["raw, IPv6", 101, v6, "six"],
    ["raw of BSD", 12, v4, "four"],
    ["raw of OpenBSD", 14, v6, "six"],
    ["IPv4", 228, v4, "four"],
    ["IPv6", 229, v6, "six"],
  ])("decodes %s", (_, linkType, bytes, text) => {
    expect(new Decoded().packet(linkType, bytes).texts).toEqual([text]);
  });

  it.each<[keyof DecodeCounters, number, Uint8Array]>([
    ["unknownLinkType", 999, v4],
    ["notIp", 1, ethernet(v4, 0x0806)],
    ["notIp", 0, Buffer.concat([words(true, 7), v4])],
    ["tooManyVlanTags", 1, ethernet(v4, 0x0800, [0x8100, 0x8100, 0x8100, 0x8100, 0x8100])],
    ["truncatedHeader", 1, Buffer.alloc(5)],
    ["truncatedHeader", 101, Buffer.alloc(0)],
    ["truncatedHeader", 101, v4.subarray(0, 19)],
    ["truncatedHeader", 101, v4.subarray(0, 39)],
    ["truncatedHeader", 101, v6.subarray(0, 39)],
    ["malformed", 101, Buffer.alloc(40)],
    ["malformed", 228, v6],
    ["malformed", 229, v4],
    ["notTcp", 101, ipv4(Buffer.alloc(8), { protocol: 17 })],
    ["notTcp", 101, ipv6(Buffer.alloc(8), { nextHeader: 58 })],
    ["malformed", 101, ipv4(tcp(), { totalBytes: 10 })],
    ["malformed", 101, ipv4(tcp(), { totalBytes: 41 })],
    ["malformed", 101, ipv4(Buffer.alloc(20))],
    [
      "malformed",
      101,
      ipv6(Buffer.concat([extension(6, 248), tcp()]).subarray(0, 60), { nextHeader: 0 }),
    ],
  ])("counts as %s, link type %i", (reason, linkType, bytes) => {
    const decoded = new Decoded();
    // As long on the wire as in the file, except where the capture shall have cut it.
    decoded.packet(linkType, bytes, reason === "truncatedHeader" ? 200 : bytes.length);
    expect(decoded.texts).toEqual([]);
    expect(decoded.counters[reason]).toBe(1);
  });
});

describe("lengths", () => {
  it("trims the padding of short Ethernet frames by the IP length", () => {
    const padded = Buffer.concat([ethernet(ipv4(tcp({ payload: "x" }))), Buffer.alloc(5, 0x7a)]);
    expect(new Decoded().packet(1, padded).texts).toEqual(["x"]);
    const padded6 = Buffer.concat([ethernet(v6, 0x86dd), Buffer.alloc(5, 0x7a)]);
    expect(new Decoded().packet(1, padded6).texts).toEqual(["six"]);
  });

  it("takes the length of super-packets from the capture", () => {
    const payload = "x".repeat(100_000);
    const big = ipv4(tcp({ payload }), { totalBytes: 0 });
    expect(new Decoded().packet(RAW_IP, big).texts).toEqual([payload]);
    const big6 = ipv6(tcp({ payload }), { payloadBytes: 0 });
    expect(new Decoded().packet(RAW_IP, big6).texts).toEqual([payload]);
    const jumbo = Buffer.concat([
      Buffer.from([6, 0, 0xc2, 4]),
      words(false, 8 + 20 + payload.length),
      tcp({ payload }),
    ]);
    const bigger = ipv6(jumbo, { nextHeader: 0, payloadBytes: 0 });
    expect(new Decoded().packet(RAW_IP, bigger).texts).toEqual([payload]);
    expect(new Decoded().packet(RAW_IP, big.subarray(0, 44), big.length).texts).toEqual([
      "xxxx[99996]",
    ]);
  });

  it("knows what the capture cut, to the byte, in the options too", () => {
    const packet = ipv4(tcp({ payload: "abcdef", options: new Uint8Array(8).fill(1) }));
    const cut = (bytes: number): string[] =>
      new Decoded().packet(RAW_IP, packet.subarray(0, packet.length - bytes), packet.length).texts;
    expect(cut(2)).toEqual(["abcd[2]"]);
    expect(cut(6)).toEqual(["[6]"]);
    expect(cut(10)).toEqual(["[6]"]);
    expect(cut(14)).toEqual(["[6]"]);
    expect(cut(15)).toEqual([]);
  });

  it("skips IPv4 options", () => {
    const packet = ipv4(tcp({ payload: "four" }), { options: new Uint8Array(40).fill(1) });
    expect(new Decoded().packet(RAW_IP, packet).texts).toEqual(["four"]);
  });
});

describe("IPv6 extension headers", () => {
  it("walks all of them", () => {
    const authentication = Buffer.alloc(16);
    authentication[0] = 44;
    authentication[1] = 2;
    const atomic = Buffer.alloc(8);
    atomic[0] = 135;
    const chain = [extension(43), extension(60, 24), extension(51), authentication, atomic];
    const packet = ipv6(Buffer.concat([...chain, extension(6), tcp({ payload: "six" })]), {
      nextHeader: 0,
    });
    expect(new Decoded().packet(RAW_IP, packet).texts).toEqual(["six"]);
  });

  it("walks ten and no more", () => {
    const chain = (count: number): Buffer =>
      ipv6(
        Buffer.concat([
          ...Array.from({ length: count }, (_, i) => extension(i === count - 1 ? 6 : 60)),
          tcp({ payload: "six" }),
        ]),
        { nextHeader: 60 },
      );
    expect(new Decoded().packet(RAW_IP, chain(10)).texts).toEqual(["six"]);
    const decoded = new Decoded().packet(RAW_IP, chain(11));
    expect(decoded.texts).toEqual([]);
    expect(decoded.counters.tooManyExtensionHeaders).toBe(1);
  });
});

describe("fragments", () => {
  const whole = tcp({ payload: "abcdefghijklmnopqrstuvwxyz" });
  const pieces4 = [
    ipv4(whole.subarray(0, 24), { offset: 0, more: true }),
    ipv4(whole.subarray(24, 40), { offset: 24, more: true }),
    ipv4(whole.subarray(40), { offset: 40 }),
  ];
  const pieces6 = [
    fragment6(whole.subarray(0, 24), 0, true),
    fragment6(whole.subarray(24, 40), 24, true),
    fragment6(whole.subarray(40), 40, false),
  ];
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];

  it.each(orders)("come together in the order %i %i %i", (...order) => {
    for (const pieces of [pieces4, pieces6]) {
      const decoded = new Decoded();
      for (const index of order) decoded.packet(RAW_IP, pieces[index] ?? Buffer.alloc(0));
      expect(decoded.texts).toEqual(["abcdefghijklmnopqrstuvwxyz"]);
      expect(decoded.counters).toMatchObject({ datagramsReassembled: 1, fragmentsHeld: 2 });
      expect(decoded.decoder.heldBytes).toBe(0);
    }
  });

  it("counts exact duplicates and is not disturbed by them", () => {
    const decoded = new Decoded();
    for (const piece of pieces6) {
      if (piece !== pieces6[2]) decoded.packet(RAW_IP, piece);
      decoded.packet(RAW_IP, piece);
    }
    expect(decoded.texts).toHaveLength(1);
    expect(decoded.counters).toMatchObject({ fragmentsDuplicate: 2, datagramsOverlapping: 0 });
  });

  it("keeps the first bytes of an IPv4 overlap, and counts", () => {
    const decoded = new Decoded();
    const evil = Buffer.from(whole.subarray(0, 32)).fill(0x21, 20);
    decoded.packet(RAW_IP, pieces4[1] ?? evil);
    decoded.packet(RAW_IP, ipv4(evil, { more: true }));
    decoded.packet(RAW_IP, pieces4[2] ?? evil);
    expect(decoded.texts).toEqual(["!!!!efghijklmnopqrstuvwxyz"]);
    expect(decoded.counters.fragmentOverlaps).toBe(1);
  });

  it("discards a datagram with an IPv6 overlap, and what comes of it later", () => {
    const decoded = new Decoded();
    decoded.packet(RAW_IP, fragment6(whole.subarray(0, 32), 0, true));
    decoded.packet(RAW_IP, pieces6[1] ?? v6);
    decoded.packet(RAW_IP, pieces6[0] ?? v6);
    decoded.packet(RAW_IP, pieces6[2] ?? v6);
    expect(decoded.texts).toEqual([]);
    expect(decoded.counters).toMatchObject({ datagramsOverlapping: 1, fragmentsRefused: 2 });
  });

  it("refuses what is beyond 64 KiB, ragged, behind its end, or cut by the capture", () => {
    const decoded = new Decoded();
    const refuse = (bytes: Uint8Array, originalBytes?: number): void => {
      const before = decoded.counters.fragmentsRefused;
      decoded.packet(RAW_IP, bytes, originalBytes);
      expect(decoded.counters.fragmentsRefused).toBe(before + 1);
    };
    refuse(ipv4(Buffer.alloc(8), { offset: 65_528 }));
    refuse(ipv4(Buffer.alloc(7), { more: true }));
    refuse(ipv4(Buffer.alloc(0), { more: true }));
    refuse(ipv4(Buffer.alloc(16), { more: true }).subarray(0, 30), 36);
    decoded.packet(RAW_IP, ipv4(Buffer.alloc(8), { offset: 24, identification: 9, more: true }));
    // Its end would lie before what is here.
    refuse(ipv4(Buffer.alloc(8), { offset: 8, identification: 9 }));
    decoded.packet(RAW_IP, ipv4(Buffer.alloc(8), { offset: 48, identification: 9 }));
    refuse(ipv4(Buffer.alloc(8), { offset: 56, identification: 9, more: true }));
    expect(decoded.texts).toEqual([]);
  });

  it("forgets a datagram after thirty seconds of packet time", () => {
    const decoded = new Decoded();
    decoded.packet(RAW_IP, pieces4[0] ?? v4);
    decoded.seconds = 31;
    decoded.packet(RAW_IP, pieces4[1] ?? v4).packet(RAW_IP, pieces4[2] ?? v4);
    expect(decoded.texts).toEqual([]);
    expect(decoded.counters.datagramsTimedOut).toBe(1);
  });

  it("refuses fragments within fragments", () => {
    const inner = Buffer.concat([Buffer.from([6, 0, 0, 1, 0, 0, 0, 5]), Buffer.alloc(8)]);
    const outer = (piece: Uint8Array, offset: number, more: boolean): Buffer => {
      const bytes = fragment6(piece, offset, more);
      bytes[40] = 44;
      return bytes;
    };
    const decoded = new Decoded();
    decoded.packet(RAW_IP, outer(inner.subarray(0, 8), 0, true));
    decoded.packet(RAW_IP, outer(inner.subarray(8), 8, false));
    expect(decoded.counters.malformed).toBe(1);
  });

  it("holds at most 4 MiB, whatever comes", () => {
    const decoded = new Decoded();
    for (let i = 0; i < 20_000; i += 1) {
      const piece = Buffer.alloc(i % 3 === 0 ? 8 : 1400);
      const fields = { identification: i, offset: (i % 7) * 1400, more: true };
      decoded.packet(RAW_IP, ipv4(piece, fields));
      if (decoded.decoder.heldBytes > FRAGMENT_MEMORY_BYTES_MAX) throw new Error(`packet ${i}`);
    }
    expect(decoded.counters.datagramsEvicted).toBeGreaterThan(10_000);
    // There is still room for an honest datagram.
    for (const piece of pieces6) decoded.packet(RAW_IP, piece);
    expect(decoded.texts).toEqual(["abcdefghijklmnopqrstuvwxyz"]);
  });
});

describe("garbage", () => {
  const linkTypes = fc.constantFrom(0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 5);

  it("never throws on random bytes", () => {
    fc.assert(
      fc.property(linkTypes, fc.array(fc.uint8Array({ maxLength: 90 })), (linkType, packets) => {
        const decoded = new Decoded();
        for (const packet of packets) decoded.packet(linkType, packet, packet.length + 3);
      }),
      { numRuns: 2000 },
    );
  });

  it("never throws on packets with broken bytes, nor reads beyond them", () => {
    const seeds = fc.constantFrom<[number, Uint8Array]>(
      [1, ethernet(v6, 0x86dd, [0x8100])],
      [101, v4],
      [101, fragment6(tcp(), 0, true)],
      [101, ipv4(tcp(), { more: true })],
      [101, ipv4(tcp({ flags: "S", options: Buffer.from([2, 4, 5, 180, 3, 3, 7, 0]) }))],
    );
    const changes = fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 5 });
    fc.assert(
      fc.property(seeds, changes, fc.nat(40), ([linkType, seed], edits, cut) => {
        const packet = Buffer.from(seed);
        for (const [at, value] of edits) if (at < packet.length) packet[at] = value;
        const decoded = new Decoded();
        decoded.packet(
          linkType,
          packet.subarray(0, Math.max(0, packet.length - cut)),
          packet.length,
        );
        for (const text of decoded.texts) expect(text).not.toContain("ffff");
      }),
      { numRuns: 5000 },
    );
  });
});
