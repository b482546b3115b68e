/**
 * Link headers: from a link type and a frame to where the IP packet begins. Sans-IO. Knows Ethernet, BSD loopback, Linux
 * cooked captures, raw IP and up to four VLAN tags. Tunnels (MPLS, GRE, VXLAN, PPPoE) are left closed.
 */
import { i32be, u16be, u32 } from "./bytes.ts";

const LinkType = {
  null: 0,
  ethernet: 1,
  rawBsd: 12,
  rawOpenBsd: 14,
  raw: 101,
  loop: 108,
  linuxCooked: 113,
  ipv4: 228,
  ipv6: 229,
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

export type LinkOutcome =
  | "ipv4"
  | "ipv6"
  | "unknownLinkType"
  | "notIp"
  | "truncatedHeader"
  | "malformed"
  | "tooManyVlanTags";

export class LinkLayer {
  /** Where the IP header begins, after `read` returned `ipv4` or `ipv6`. */
  at = 0;

  read(linkType: number, bytes: Uint8Array, start: number, end: number): LinkOutcome {
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
      default:
        return "unknownLinkType";
    }
  }

  /** `at`: behind the link header; `typeAt`: where the protocol of what follows stands. */
  #byEtherType(bytes: Uint8Array, at: number, end: number, typeAt: number): LinkOutcome {
    let next = at;
    let type = u16be(bytes, typeAt);
    for (let tags = 0; ; tags += 1) {
      if (next > end) return "truncatedHeader";
      this.at = next;
      if (type === EtherType.ipv4) return "ipv4";
      if (type === EtherType.ipv6) return "ipv6";
      const tagged =
        type === EtherType.vlan || type === EtherType.qinq || type === EtherType.oldQinq;
      if (!tagged) return "notIp";
      if (tags === VLAN_TAGS_MAX) return "tooManyVlanTags";
      type = u16be(bytes, next + 2);
      next += VLAN_TAG_BYTES;
    }
  }

  #byFamily(start: number, end: number, family: number): LinkOutcome {
    if (start + 4 > end) return "truncatedHeader";
    this.at = start + 4;
    if (family === FAMILY_IPV4) return "ipv4";
    return FAMILIES_IPV6.includes(family) ? "ipv6" : "notIp";
  }

  #byVersion(bytes: Uint8Array, start: number, end: number): LinkOutcome {
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
