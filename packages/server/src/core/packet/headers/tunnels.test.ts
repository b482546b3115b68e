// Every tunnel and link type that is opened: whole, cut at each byte, within each other; and what is not, by name.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ethernet, fragment6, ipv4, ipv6, tcp, words } from "../../../../test/packet-kit.ts";
import {
  hex,
  inUdp,
  join,
  outer4,
  outer6,
  udp,
  vxlan,
  wrappings,
} from "../../../../test/tunnel-kit.ts";
import type { DecodeCounters } from "../decode-counters.ts";
import { PacketDecoder } from "../decode.ts";
import { LINK_TYPE_VXLAN } from "../link-layer.ts";

const v4 = ipv4(tcp({ payload: "four" }));
const v6 = ipv6(tcp({ payload: "six" }));
const ADDRESS_4 = 0x0a00_0001;
const ADDRESS_6 = 0x2001_0db8;

interface Segment {
  readonly text: string;
  readonly missing: number;
  readonly source: number;
}

class Decoded {
  readonly segments: Segment[] = [];
  readonly decoder: PacketDecoder = new PacketDecoder({
    packet: ({ chunk, start, end, missingBytes, source0 }) => {
      const text = Buffer.from(chunk.subarray(start, end)).toString("latin1");
      this.segments.push({ text, missing: missingBytes, source: source0 });
    },
  });

  packet(linkType: number, bytes: Uint8Array, originalBytes = bytes.length): this {
    // In the middle of a buffer whose other bytes would show.
    const around = Buffer.concat([Buffer.alloc(3, 0x45), bytes, Buffer.alloc(80, 0x66)]);
    this.decoder.packet(linkType, around, 3, 3 + bytes.length, originalBytes, 0, 0);
    const { counters } = this;
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
    if (sum !== counters.packets) throw new Error(`counted ${JSON.stringify(counters)}`);
    return this;
  }

  get counters(): DecodeCounters {
    return this.decoder.counters;
  }

  get texts(): string[] {
    return this.segments.map(({ text, missing }) => (missing === 0 ? text : `${text}[${missing}]`));
  }
}

const all = wrappings(v4, v6);
const named = all.map((wrapped) => [wrapped.name, wrapped] as const);

describe("what is opened", () => {
  it.each(named)("%s", (_, { linkType, bytes, opened }) => {
    const decoded = new Decoded().packet(linkType, bytes).packet(linkType, bytes);
    const [first] = decoded.segments;
    const isFour = first?.source === ADDRESS_4;
    expect(decoded.segments).toEqual(
      Array.from({ length: 2 }, () => ({
        text: isFour ? "four" : "six",
        missing: 0,
        source: isFour ? ADDRESS_4 : ADDRESS_6,
      })),
    );
    expect(Object.fromEntries(decoded.counters.openedBy)).toEqual(
      Object.fromEntries(opened.map((name) => [name, 2])),
    );
    expect(decoded.counters.leftBy.size + decoded.counters.unreadBy.size).toBe(0);
  });

  it.each(named)("%s, cut at each byte by the capture", (_, { linkType, bytes }) => {
    for (let length = 0; length < bytes.length; length += 1) {
      const decoded = new Decoded().packet(linkType, bytes.subarray(0, length), bytes.length);
      for (const { text, missing } of decoded.segments) {
        // The bytes that are there, and the number of those that are not.
        const whole = missing + text.length === 4 ? "four" : "six";
        expect(whole.slice(0, text.length)).toBe(text);
        expect(missing).toBe(bytes.length - length);
      }
      if (decoded.segments.length === 0) expect(decoded.counters.tcpSegments).toBe(0);
    }
  });

  it.each(named)("%s, cut at each byte by its sender", (_, { linkType, bytes }) => {
    for (let length = 0; length < bytes.length; length += 1) {
      const decoded = new Decoded().packet(linkType, bytes.subarray(0, length));
      for (const { text } of decoded.segments) expect("four six").toContain(text);
    }
  });

  it("counts a mirrored frame that its mirror cut as a hole of known size", () => {
    const frame = ethernet(ipv4(tcp({ payload: "a long payload" })));
    const cut = vxlan(frame.subarray(0, frame.length - 8));
    expect(new Decoded().packet(101, inUdp(4789, cut)).texts).toEqual(["a long[8]"]);
    expect(new Decoded().packet(LINK_TYPE_VXLAN, cut).texts).toEqual(["a long[8]"]);
    const gre = join("1000 88be 00000001 10010001 00000000", frame.subarray(0, 60));
    expect(new Decoded().packet(101, outer4(47, gre)).texts).toEqual(["a long[8]"]);
    const inHeader = new Decoded().packet(LINK_TYPE_VXLAN, vxlan(frame.subarray(0, 40)));
    expect(inHeader.counters.truncatedHeader).toBe(1);
  });

  it("trusts the outer packet's length, not the padding of its frame", () => {
    const padded = join(ethernet(outer4(4, ipv4(tcp({ payload: "x" })))), Buffer.alloc(20, 0x7a));
    expect(new Decoded().packet(1, padded).texts).toEqual(["x"]);
  });
});

describe("tunnels within tunnels", () => {
  const kinds: readonly ((frame: Buffer) => Buffer)[] = [
    (frame) => ethernet(inUdp(4789, vxlan(frame))),
    (frame) => ethernet(outer4(47, join("0000 6558", frame))),
    (frame) => ethernet(join("00064140 00000000", frame), 0x8847),
    (frame) => ethernet(outer6(97, join("3000", frame)), 0x86dd),
  ];

  it("are opened in any order, four deep", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...kinds), { maxLength: 4 }), (wraps) => {
        let frame = ethernet(v4);
        for (const wrap of wraps) frame = wrap(frame);
        expect(new Decoded().packet(1, frame).texts).toEqual(["four"]);
      }),
    );
  });

  it("end at a bound, counted", () => {
    for (const wrap of kinds) {
      let frame = ethernet(v4);
      for (let depth = 0; depth < 30; depth += 1) frame = wrap(frame);
      const decoded = new Decoded().packet(1, frame);
      expect(decoded.texts).toEqual([]);
      expect(decoded.counters.tooManyHeaders).toBe(1);
    }
    let packet = v4;
    for (let depth = 0; depth < 1000; depth += 1) packet = outer4(4, packet);
    expect(new Decoded().packet(101, packet).counters.tooManyHeaders).toBe(1);
    // The next packet begins anew.
    const decoded = new Decoded().packet(101, packet).packet(101, outer4(4, v4));
    expect(decoded.texts).toEqual(["four"]);
  });
});

describe("fragments of tunnels", () => {
  const frame = ethernet(v4);
  const inner = join("0000 6558", frame);

  it("come together, in both families", () => {
    const decoded = new Decoded();
    decoded.packet(101, ipv4(inner.subarray(0, 24), { protocol: 47, more: true }));
    decoded.packet(101, ipv4(inner.subarray(24), { protocol: 47, offset: 24 }));
    expect(decoded.texts).toEqual(["four"]);
    const six = fragment6(inner.subarray(24), 24, false);
    const first = fragment6(inner.subarray(0, 24), 0, true);
    six[40] = 47;
    first[40] = 47;
    decoded.packet(101, six).packet(101, first);
    expect(decoded.texts).toEqual(["four", "four"]);
    expect(decoded.counters.datagramsReassembled).toBe(2);
  });

  it("of UDP are kept when the first one names a tunnel, and only then", () => {
    const decoded = new Decoded();
    const tunnel = udp(4789, vxlan(frame));
    decoded.packet(101, ipv4(tunnel.subarray(0, 16), { protocol: 17, more: true }));
    decoded.packet(101, ipv4(tunnel.subarray(16), { protocol: 17, offset: 16 }));
    expect(decoded.texts).toEqual(["four"]);
    const other = udp(53, Buffer.alloc(24));
    decoded.packet(101, ipv4(other.subarray(0, 16), { protocol: 17, more: true }));
    decoded.packet(101, ipv4(other.subarray(16), { protocol: 17, offset: 16 }));
    expect(decoded.counters).toMatchObject({ notTcp: 2, fragmentsHeld: 1 });
    expect(decoded.decoder.heldBytes).toBe(0);
  });

  it("of two protocols with one number are two datagrams", () => {
    const segment = tcp({ payload: "abcdefgh" });
    const decoded = new Decoded();
    decoded.packet(101, ipv4(segment.subarray(0, 24), { more: true }));
    decoded.packet(101, ipv4(inner.subarray(24), { protocol: 47, offset: 24 }));
    decoded.packet(101, ipv4(segment.subarray(24), { offset: 24 }));
    expect(decoded.texts).toEqual(["abcdefgh"]);
  });
});

describe("what is not opened", () => {
  const wifi = (control: string, sequence = "1000"): Buffer =>
    join(control, "0000", Buffer.alloc(18, 10), sequence, "aaaa03000000 0800", v4);

  it.each<[keyof DecodeCounters, string, number, Uint8Array]>([
    ["unknownLinkType", "link type 249 (USBPcap)", 249, v4],
    ["unknownLinkType", "link type 999", 999, v4],
    ["notIp", "ARP", 1, ethernet(Buffer.alloc(28), 0x0806)],
    ["notIp", "EtherType 0x1234", 1, ethernet(v4, 0x1234)],
    ["notIp", "MACsec", 1, ethernet(v4, 0x88e5)],
    ["notIp", "spanning tree", 1, ethernet(hex("424203 000000000000"), 38)],
    ["notIp", "LLC", 1, ethernet(hex("e0e003 000000000000"), 38)],
    ["notIp", "LLC with SNAP", 1, ethernet(hex("aaaa03 00000c 2000"), 38)],
    ["notIp", "OSI", 1, ethernet(hex("fefe03 83"), 38)],
    ["notIp", "PPPoE discovery", 1, ethernet(hex("1109 0000 0000"), 0x8863)],
    ["notIp", "PPPoE discovery", 1, ethernet(hex("1109 0000 0000"), 0x8864)],
    ["notIp", "address family 7", 0, join(words(true, 7), v4)],
    ["notIp", "PPP control", 9, hex("ff03 c021 0101 0004")],
    ["unopened", "PPP protocol 0x003d", 9, join("ff03 003d", v4)],
    ["notIp", "MPLS control channel", 1, ethernet(hex("00064140 10000000"), 0x8847)],
    ["notIp", "802.11 management", 105, wifi("8000")],
    ["notIp", "802.11 without data", 105, wifi("4801")],
    ["notIp", "802.11 encrypted", 105, wifi("0841")],
    ["unopened", "802.11 fragments", 105, wifi("0805")],
    ["unopened", "802.11 fragments", 105, wifi("0801", "1100")],
    ["unopened", "802.11 aggregates (A-MSDU)", 105, join("8801 0000", Buffer.alloc(18, 10), "1000 8000", v4)], // prettier-ignore
    ["notIp", "GRE without data", 101, outer4(47, hex("0000 0000"))],
    ["notIp", "GRE without data", 101, outer4(47, hex("2081 880b 00000001 00000002"))],
    ["notIp", "EtherType 0x1234", 101, outer4(47, join("0000 1234", v4))],
    ["unopened", "GRE with a source route", 101, outer4(47, hex("4000 0800 00000000 00000000"))],
    ["unopened", "ERSPAN frame type 3", 101, outer4(47, hex("1000 22eb 00000001 20010001 00000000 00000c00"))], // prettier-ignore
    ["unopened", "L2TPv3", 101, outer4(115, v4)],
    ["unopened", "L2TPv3", 101, inUdp(1701, hex("0003 0000 00000001"))],
    ["unopened", "minimal IP encapsulation", 101, outer4(55, v4)],
    ["unopened", "NSH with protocol 6", 101, inUdp(4790, join("0c000006 00000700", v4))],
    ["notTcp", "ESP", 101, outer4(50, v4)],
    ["notTcp", "ICMPv6", 101, outer6(58, Buffer.alloc(8))],
    ["notTcp", "SCTP", 101, outer4(132, v4)],
    ["notTcp", "IP protocol 200", 101, outer6(200, v4)],
    ["notTcp", "UDP", 101, inUdp(53, Buffer.alloc(12))],
    ["notTcp", "UDP port 443 (HTTP/3)", 101, outer4(17, udp(50_000, Buffer.alloc(8), 443))],
    ["notTcp", "UDP port 51820 (WireGuard)", 101, inUdp(51_820, Buffer.alloc(32))],
    ["notTcp", "GTP-U signalling", 101, inUdp(2152, hex("3201 0004 00000000 00010000"))],
    ["notTcp", "L2TP control", 101, inUdp(1701, hex("c802 000c 0001 0000 0000 0000"))],
    // Others may use these ports.
    ...[2152, 3544, 4341, 4789, 6081, 37_008].map(
      (port): [keyof DecodeCounters, string, number, Uint8Array] => [
        "notTcp",
        "UDP",
        101,
        inUdp(port, Buffer.alloc(40, 0xf0)),
      ],
    ),
    ["notTcp", "UDP", 101, inUdp(1701, Buffer.alloc(40, 0xf1))],
  ])("%s: %s (link type %i)", (reason, name, linkType, bytes) => {
    const { counters, texts } = new Decoded().packet(linkType, bytes);
    expect(texts).toEqual([]);
    expect(counters[reason]).toBe(1);
    const isUnread = reason === "unopened" || reason === "unknownLinkType";
    const by = isUnread ? counters.unreadBy : counters.leftBy;
    expect(Object.fromEntries(by)).toEqual({ [name]: 1 });
    expect(counters.leftBy.size + counters.unreadBy.size).toBe(1);
  });

  it.each<[number, Uint8Array]>([
    [192, join("0000 0800 c0000000", v4)],
    [192, join("0000 0800 00000100", vxlan(v4))],
    [192, join("0000 0400 01000000", v4)],
    [258, join(words(true, 12, 1, 258), v4)],
    [127, join("0100 0800 00000000", v4)],
    [127, join("0000 0800 02000080", v4)],
    [119, join("00000044", words(true, 3), v4)],
    [239, join("0200 0000 0300 0900", v4)],
    [117, join("0002", v4)],
    [107, join("02020202", v4)],
    [101, outer4(97, join("4000", v4))],
    [101, outer4(47, join("0002 0800", v4))],
    [1, ethernet(join("2100 0001 0000 0021", v4), 0x8864)],
  ])(
    "counts headers that contradict themselves as malformed (link type %i, %#)",
    (linkType, bytes) => {
      const { counters, texts } = new Decoded().packet(linkType, bytes);
      expect(texts).toEqual([]);
      expect(counters.malformed).toBe(1);
    },
  );

  it("keeps at most 64 names, whatever comes", () => {
    const decoded = new Decoded();
    for (let type = 0x2000; type < 0x2100; type += 1) decoded.packet(1, ethernet(v4, type));
    expect(decoded.counters.leftBy.size).toBe(65);
    expect(decoded.counters.leftBy.get("others")).toBe(256 - 64);
  });
});

describe("garbage", () => {
  it("in any header never throws, is counted, and nothing is read beyond the packet", () => {
    const changes = fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.constantFrom(...all),
        changes,
        fc.nat(60),
        ({ linkType, bytes }, edits, cut) => {
          const packet = Buffer.from(bytes);
          for (const [at, value] of edits) if (at < packet.length) packet[at] = value;
          const end = Math.max(0, packet.length - cut);
          const decoded = new Decoded().packet(linkType, packet.subarray(0, end), packet.length);
          for (const { text } of decoded.segments) expect(text).not.toContain("ffff");
        },
      ),
      { numRuns: 4000 },
    );
  });
});
