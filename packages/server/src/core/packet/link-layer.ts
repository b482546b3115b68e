/**
 * Link headers: from a link type and a frame to where the IP packet begins. Sans-IO. Reads what nearly all packets have itself
 * (Ethernet, BSD loopback, Linux cooked captures, raw IP, up to four VLAN tags) and leaves the rest to `HeaderWalk`.
 */
import { i32be, u16, u16be, u32 } from "./bytes.ts";
import type { HeaderWalk } from "./headers/header-walk.ts";
import type { Header, Outcome } from "./headers/header.ts";
import { linkTypeName } from "./headers/names.ts";

/** VXLAN without anything before it, as a socket receives it: a number of ours, beyond those that files can have. */
export const LINK_TYPE_VXLAN = 0x1_0000;

const LinkType = {
  null: 0,
  ethernet: 1,
  rawBsd: 12,
  rawOpenBsd: 14,
  raw: 101,
  loop: 108,
  linuxCooked: 113,
  /** IEEE 1394: two addresses and an EtherType. */
  firewire: 138,
  /** PPI: its length and the link type of what follows. */
  perPacket: 192,
  ipv4: 228,
  ipv6: 229,
  /** The same of macOS. */
  pktap: 258,
  linuxCookedV2: 276,
} as const;

const EtherType = {
  ipv4: 0x0800,
  ipv6: 0x86dd,
  vlan: 0x8100,
  qinq: 0x88a8,
  oldQinq: 0x9100,
} as const;

const VLAN_TAGS_MAX = 4;
const VLAN_TAG_BYTES = 4;
/** Address families: IPv4 is 2 everywhere, IPv6 is 10 on Linux, 24, 28 and 30 on the BSDs and macOS. */
const FAMILY_IPV4 = 2;
const FAMILIES_IPV6: readonly number[] = [10, 24, 28, 30];

/** Link types that begin with a header of `HeaderWalk`, behind so many bytes that tell nothing. */
const RARE: ReadonlyMap<number, readonly [Header, number]> = new Map<
  number,
  readonly [Header, number]
>([
  [9, ["ppp", 0]],
  // FDDI: a byte of control and two addresses.
  [10, ["llc", 13]],
  [50, ["hdlc", 0]],
  [51, ["pppoe", 0]],
  // ATM, as RFC 2684 has it.
  [100, ["llc", 0]],
  [104, ["hdlc", 0]],
  [105, ["ieee80211", 0]],
  [107, ["frameRelay", 0]],
  [109, ["enc", 0]],
  [117, ["pflog", 0]],
  [119, ["prism", 0]],
  // Fibre Channel: two addresses.
  [122, ["llc", 16]],
  [127, ["radiotap", 0]],
  [163, ["avs", 0]],
  // PPP with the direction in place of the address.
  [166, ["ppp", 2]],
  [204, ["ppp", 1]],
  [205, ["hdlc", 1]],
  [206, ["frameRelay", 1]],
  [226, ["ipnet", 0]],
  [239, ["nflog", 0]],
  // Ethernet behind a header of the analyser, a preamble, or both.
  [240, ["ethernet", 4]],
  [241, ["ethernet", 12]],
  [274, ["ethernet", 8]],
  [LINK_TYPE_VXLAN, ["vxlan", 0]],
]);

/** Up to the link type of what follows. */
const PER_PACKET_BYTES = 8;
const PKTAP_BYTES = 12;
const LINK_TYPE_MAX = 0xffff;

export class LinkLayer {
  /** Where the IP header begins, after `read` returned `ipv4` or `ipv6`. */
  at = 0;
  readonly #walk: HeaderWalk;

  constructor(walk: HeaderWalk) {
    this.#walk = walk;
  }

  read(linkType: number, bytes: Uint8Array, start: number, end: number): Outcome {
    switch (linkType) {
      case LinkType.ethernet:
        return this.#byEtherType(bytes, start + 14, end, start + 12);
      case LinkType.linuxCooked:
        return this.#byEtherType(bytes, start + 16, end, start + 14);
      case LinkType.linuxCookedV2:
        return this.#byEtherType(bytes, start + 20, end, start);
      case LinkType.null:
        return this.#byFamily(start, end, nullFamily(bytes, start));
      case LinkType.loop:
        return this.#byFamily(start, end, i32be(bytes, start));
      case LinkType.raw:
      case LinkType.rawBsd:
      case LinkType.rawOpenBsd:
        return this.#byVersion(bytes, start, end);
      case LinkType.ipv4:
        this.at = start;
        return "ipv4";
      case LinkType.ipv6:
        this.at = start;
        return "ipv6";
      case LinkType.firewire:
        return this.#byEtherType(bytes, start + 18, end, start + 16);
      default:
        return this.#rare(linkType, bytes, start, end);
    }
  }

  #rare(linkType: number, bytes: Uint8Array, start: number, end: number): Outcome {
    if (linkType === LinkType.perPacket || linkType === LinkType.pktap) {
      return this.#wrapped(linkType, bytes, start, end);
    }
    const known = RARE.get(linkType);
    if (known === undefined) return this.#walk.left("unknownLinkType", linkTypeName(linkType));
    const [header, skipped] = known;
    return this.#from(header, bytes, start + skipped, end);
  }

  /** Headers of a capture that tell the link type of what is behind them, which is never one of them again. */
  #wrapped(linkType: number, bytes: Uint8Array, start: number, end: number): Outcome {
    const isShort = linkType === LinkType.perPacket;
    const headerBytes = isShort ? PER_PACKET_BYTES : PKTAP_BYTES;
    if (start + headerBytes > end) return "truncatedHeader";
    const length = isShort ? u16(bytes, start + 2, true) : u32(bytes, start, true);
    const inner = u32(bytes, start + (isShort ? 4 : 8), true);
    if (length < headerBytes) return "malformed";
    if (start + length > end) return "truncatedHeader";
    if (inner === LinkType.perPacket || inner === LinkType.pktap) return "malformed";
    // Numbers that files cannot have are ours.
    if (inner > LINK_TYPE_MAX) return "malformed";
    return this.read(inner, bytes, start + length, end);
  }

  #from(header: Header, bytes: Uint8Array, at: number, end: number): Outcome {
    const outcome = this.#walk.from(header, bytes, at, end);
    this.at = this.#walk.at;
    return outcome;
  }

  /** `at`: behind the link header; `typeAt`: where the protocol of what follows stands. */
  #byEtherType(bytes: Uint8Array, at: number, end: number, typeAt: number): Outcome {
    let next = at;
    let type = u16be(bytes, typeAt);
    for (let tags = 0; ; tags += 1) {
      if (next > end) return "truncatedHeader";
      this.at = next;
      if (type === EtherType.ipv4) return "ipv4";
      if (type === EtherType.ipv6) return "ipv6";
      const tagged =
        type === EtherType.vlan || type === EtherType.qinq || type === EtherType.oldQinq;
      if (!tagged) {
        this.#walk.type = type;
        return this.#from("etherType", bytes, next, end);
      }
      if (tags === VLAN_TAGS_MAX) return "tooManyVlanTags";
      type = u16be(bytes, next + 2);
      next += VLAN_TAG_BYTES;
    }
  }

  #byFamily(start: number, end: number, family: number): Outcome {
    if (start + 4 > end) return "truncatedHeader";
    this.at = start + 4;
    if (family === FAMILY_IPV4) return "ipv4";
    return FAMILIES_IPV6.includes(family)
      ? "ipv6"
      : this.#walk.left("notIp", `address family ${family}`);
  }

  #byVersion(bytes: Uint8Array, start: number, end: number): Outcome {
    if (start >= end) return "truncatedHeader";
    this.at = start;
    const version = (bytes[start] ?? 0) >> 4;
    return version === 4 ? "ipv4" : version === 6 ? "ipv6" : "malformed";
  }
}

/** In the byte order of the machine that captured, which the file need not share. Families are small numbers. */
function nullFamily(bytes: Uint8Array, start: number): number {
  const little = u32(bytes, start, true);
  return little > 0xffff ? u32(bytes, start, false) : little;
}
