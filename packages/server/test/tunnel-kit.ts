/** Headers of tunnels and of link types, made by hand from their specifications. For tests. */
import { ethernet, ipv4, ipv6, words } from "./packet-kit.ts";

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}

/** The parts one behind the other: hexadecimal digits, or bytes. */
export function join(...parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? hex(part) : part)));
}

export function udp(destinationPort: number, payload: Uint8Array, sourcePort = 40_000): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** Something in IPv4 between two other machines. */
export function outer4(protocol: number, payload: Uint8Array): Buffer {
  return ipv4(payload, { source: "192.0.2.1", destination: "192.0.2.2", protocol });
}

export function outer6(nextHeader: number, payload: Uint8Array): Buffer {
  return ipv6(payload, { nextHeader });
}

export function inUdp(port: number, payload: Uint8Array): Buffer {
  return outer4(17, udp(port, payload));
}

export function vxlan(frame: Uint8Array, vni = 7): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 8;
  header.writeUInt32BE(vni * 256, 4);
  return Buffer.concat([header, frame]);
}

export interface Wrapped {
  readonly name: string;
  readonly linkType: number;
  readonly bytes: Buffer;
  /** What is passed over, outermost first; absent where that is no tunnel. */
  readonly opened: readonly string[];
}

const SNAP = "aaaa03000000";
/** Data to an access point: three addresses. */
const WIFI = `0801 0000 ${"0a".repeat(18)} 1000`;
const WIFI_QOS = `8802 0000 ${"0a".repeat(18)} 1000 0500`;

/** The IPv4 packet in everything that is opened, and the IPv6 packet in some. */
export function wrappings(v4: Buffer, v6: Buffer): Wrapped[] {
  const frame = ethernet(v4);
  const raw = (name: string, bytes: Buffer, ...opened: string[]): Wrapped => ({
    name,
    linkType: 101,
    bytes,
    opened,
  });
  const link = (name: string, linkType: number, bytes: Buffer, ...opened: string[]): Wrapped => ({
    name,
    linkType,
    bytes,
    opened,
  });
  const etherType = (name: string, type: number, bytes: Buffer, ...opened: string[]): Wrapped =>
    link(name, 1, ethernet(bytes, type), ...opened);
  const gre = (name: string, header: string, bytes: Buffer, ...more: string[]): Wrapped =>
    raw(name, outer4(47, join(header, bytes)), "GRE", ...more);
  return [
    // IP in IP, and in GRE.
    raw("IPv4 in IPv4", outer4(4, v4), "IPv4 in IP"),
    raw("6in4", outer4(41, v6), "IPv6 in IP"),
    raw("IPv4 in IPv6", outer6(4, v4), "IPv4 in IP"),
    raw("IPv6 in IPv6", outer6(41, v6), "IPv6 in IP"),
    raw(
      "AH of IPv4",
      ipv4(join("0604 0000 00000001 00000001", Buffer.alloc(12), v4.subarray(20)), {
        protocol: 51,
      }),
    ),
    gre("GRE", "0000 0800", v4),
    gre("GRE with IPv6", "0000 86dd", v6),
    gre("GRE with checksum, key and number", "b000 0800 00000000 00000001 00000002", v4),
    gre("GRE with Ethernet (NVGRE)", "2000 6558 00000700", frame),
    gre("GRE with MPLS", "0000 8847 00064140", v4, "MPLS"),
    gre("GRE of PPTP", "3081 880b 00000001 00000002 00000003", join("ff03 0021", v4)),
    gre("GRE with WCCP", "0000 883e", v4),
    gre("GRE with WCCP 2", "0000 883e 00000000", v4),
    gre("ERSPAN I", "0000 88be", frame),
    gre("ERSPAN II", "1000 88be 00000001 10010001 00000000", frame, "ERSPAN"),
    gre("ERSPAN III", "1000 22eb 00000001 20010001 00000000 00000000", frame, "ERSPAN"),
    gre("ERSPAN III with a subheader", "1000 22eb 00000001 20010001 00000000 00000001 0000000000000000", frame, "ERSPAN"), // prettier-ignore
    gre("ERSPAN III with IP", "1000 22eb 00000001 20010001 00000000 00000800", v4, "ERSPAN"),
    raw("EtherIP", outer4(97, join("3000", frame)), "EtherIP"),
    raw("MPLS in IP", outer4(137, join("00064140", v4)), "MPLS"),
    // In UDP.
    raw("VXLAN", inUdp(4789, vxlan(frame)), "VXLAN"),
    raw("VXLAN with a tag and IPv6", inUdp(4789, vxlan(ethernet(v6, 0x86dd, [0x8100]))), "VXLAN"),
    raw("VXLAN of Linux", inUdp(8472, vxlan(frame)), "VXLAN"),
    raw("VXLAN over IPv6", outer6(17, udp(4789, vxlan(frame))), "VXLAN"),
    raw("VXLAN-GPE", inUdp(4790, join("0c000001 00000700", v4)), "VXLAN"),
    raw("VXLAN-GPE with NSH", inUdp(4790, join("0c000004 00000700 00020201 00000000", v4)), "VXLAN", "NSH"), // prettier-ignore
    raw("GENEVE", inUdp(6081, join("0000 6558 00000700", frame)), "GENEVE"),
    raw("GENEVE with options", inUdp(6081, join("0200 0800 00000700 0102030400000000", v4)), "GENEVE"), // prettier-ignore
    raw("GTP-U", inUdp(2152, join("30ff 0000 00000001", v4)), "GTP-U"),
    raw("GTP-U with a number", inUdp(2152, join("32ff 0000 00000001 00010000", v6)), "GTP-U"),
    raw("GTP-U with extensions", inUdp(2152, join("34ff 0000 00000001 00000085 01000040 01000000", v4)), "GTP-U"), // prettier-ignore
    raw("Teredo", inUdp(3544, v6), "Teredo"),
    raw("Teredo with fields", inUdp(3544, join("0001 0000 0000000000000000 00 0000 0000 00000000", v6)), "Teredo"), // prettier-ignore
    raw("LISP", inUdp(4341, join("0000000000000000", v4)), "LISP"),
    raw("GRE in UDP", inUdp(4754, join("0000 0800", v4)), "GRE"),
    raw("MPLS in UDP", inUdp(6635, join("00064140", v4)), "MPLS"),
    raw("TZSP", inUdp(37_008, join("01000001 00 0a0201ff 01", frame)), "TZSP"),
    raw("L2TP", inUdp(1701, join("4002 0000 0001 0002", "ff03 0021", v4)), "L2TP"),
    raw("L2TP with all fields", inUdp(1701, join("4a02 0000 0001 0002 00000000 0002 0000", "21", v4)), "L2TP"), // prettier-ignore
    // Behind an EtherType.
    etherType("LLC with SNAP", 40, join(SNAP, "0800", v4)),
    etherType("LLC", 40, join("060603", v4)),
    etherType("PPPoE", 0x8864, join("1100 0001 0000 0021", v4), "PPPoE"),
    etherType("PPPoE with IPv6", 0x8864, join("1100 0001 0000 0057", v6), "PPPoE"),
    etherType("MPLS", 0x8847, join("00064040 00065140", v4), "MPLS"),
    etherType("MPLS with Ethernet behind a control word", 0x8847, join("00064140 00000000", frame), "MPLS"), // prettier-ignore
    etherType(
      "MPLS with Ethernet",
      0x8848,
      join("00064140", join("02", frame.subarray(1))),
      "MPLS",
    ),
    etherType("802.1ah", 0x88e7, join("00000007", frame), "802.1ah"),
    etherType("802.1BR", 0x893f, join("000000000000 0800", v4)),
    etherType("VN-Tag", 0x8926, join("00000000 86dd", v6)),
    etherType("NSH", 0x894f, join("0002 0202 00000000", v6), "NSH"),
    // Links.
    link("PPP", 9, join("ff03 0021", v4)),
    link("PPP with short fields", 9, join("57", v6)),
    link("FDDI", 10, join(Buffer.alloc(13), SNAP, "0800", v4)),
    link("Cisco HDLC", 104, join("0f00 0800", v4)),
    link("PPP in HDLC", 50, join("ff03 0057", v6)),
    link("PPPoE alone", 51, join("1100 0001 0000 0021", v4), "PPPoE"),
    link("ATM", 100, join(SNAP, "86dd", v6)),
    link("802.11", 105, join(WIFI, SNAP, "0800", v4), "802.11"),
    link("802.11 with four addresses", 105, join(`0803 0000 ${"0a".repeat(18)} 1000 0b0b0b0b0b0b`, SNAP, "0800", v4), "802.11"), // prettier-ignore
    link("802.11 with QoS", 105, join(WIFI_QOS, SNAP, "86dd", v6), "802.11"),
    link("Frame Relay", 107, join("1841 03 cc", v4)),
    link("Frame Relay with SNAP", 107, join("1841 03 00 80 000000 0800", v4)),
    link("Frame Relay of Cisco", 107, join("1841 0800", v4)),
    link("ENC", 109, join(words(true, 2, 1, 0), v4), "ENC"),
    link("PFLOG", 117, join("3d 18", Buffer.alloc(62), v6), "PFLOG"),
    link("Prism", 119, join("00000044", words(true, 144), Buffer.alloc(136), WIFI, SNAP, "0800", v4), "802.11"), // prettier-ignore
    link("Fibre Channel", 122, join(Buffer.alloc(16), SNAP, "0800", v4)),
    link("radiotap", 127, join("0000 0800 00000000", WIFI, SNAP, "0800", v4), "802.11"),
    link("radiotap with flags", 127, join("0000 1100 03000000", Buffer.alloc(8), "10", WIFI, SNAP, "0800", v4), "802.11"), // prettier-ignore
    link("radiotap with padding", 127, join("0000 0d00 02000080 00000000 20", WIFI_QOS, "0000", SNAP, "0800", v4), "802.11"), // prettier-ignore
    link("FireWire", 138, join(Buffer.alloc(16), "0800", v4)),
    link("AVS", 163, join("80211001 00000040", Buffer.alloc(56), WIFI, SNAP, "86dd", v6), "802.11"),
    link("PPP of pppd", 166, join("0103 0021", v4)),
    link("PPI", 192, join("0000 0800 69000000", WIFI, SNAP, "0800", v4), "802.11"),
    link("PPI with Ethernet", 192, join("0000 0c00 01000000 00000000", frame)),
    link("PPP with direction", 204, join("01 ff03 0021", v4)),
    link("HDLC with direction", 205, join("01 0f00 0800", v4)),
    link("Frame Relay with direction", 206, join("01 1841 03 8e", v6)),
    link("IPNET", 226, join("0102", Buffer.alloc(22), v4), "IPNET"),
    link("NFLOG", 239, join("0200 0000 08000100 08000100 0500 0a00 41000000", words(true, 0x0009_0000 + v4.length + 4), v4), "NFLOG"), // prettier-ignore
    link("NFLOG of a big-endian machine", 239, join("0a00 0000 00080001 86dd0100", words(false, ((v6.length + 4) << 16) + 9), v6), "NFLOG"), // prettier-ignore
    link("NetAnalyzer", 240, join("00000000", frame)),
    link("NetAnalyzer with preamble", 241, join(Buffer.alloc(12), frame)),
    link("PKTAP with loopback", 258, join(words(true, 108, 1, 0), Buffer.alloc(96), words(true, 2), v4)), // prettier-ignore
    link("mPackets", 274, join(Buffer.alloc(8), frame)),
  ];
}
