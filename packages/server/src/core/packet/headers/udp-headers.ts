/** Tunnels in UDP, found by their ports and believed only when their header looks like one. Readers; see `header.ts`. */
import { u16be } from "../bytes.ts";
import { nextOfNsh } from "./ethernet-headers.ts";
import type { Header, Place, Reader, Reject } from "./header.ts";
import { ipVersion } from "./header.ts";

const UDP_BYTES = 8;
const VXLAN_BYTES = 8;
const GENEVE_BYTES = 8;
const GTP_BYTES = 8;
/** Packet of a user. */
const GTP_DATA = 255;
/** Honest packets have one or two. */
const GTP_EXTENSIONS_MAX = 16;
/** Tagged fields of TZSP. */
const TZSP_FIELDS_MAX = 32;

const TUNNELS: ReadonlyMap<number, Header> = new Map<number, Header>([
  [1701, "l2tp"],
  [2152, "gtp"],
  [3544, "teredo"],
  [4341, "lisp"],
  [4754, "gre"],
  [4789, "vxlan"],
  [4790, "vxlan"],
  [6081, "geneve"],
  [6635, "mpls"],
  // Linux's, from before there was a number.
  [8472, "vxlan"],
  [37_008, "tzsp"],
]);

/** What carries TCP or IP in ways that are not read. */
const CLOSED: ReadonlyMap<number, string> = new Map([
  [443, "UDP port 443 (HTTP/3)"],
  [4500, "UDP port 4500 (IPsec)"],
  [5247, "UDP port 5247 (CAPWAP)"],
  [51_820, "UDP port 51820 (WireGuard)"],
]);

/** The tunnel that a datagram's ports tell; the receiver's first. */
export function tunnelOf(bytes: Uint8Array, at: number): Header | undefined {
  return TUNNELS.get(u16be(bytes, at + 2)) ?? TUNNELS.get(u16be(bytes, at));
}

export const udp: Reader = (bytes, at, end, place) => {
  if (at + UDP_BYTES > end) return "truncatedHeader";
  const tunnel = tunnelOf(bytes, at);
  if (tunnel === undefined) {
    const name = CLOSED.get(u16be(bytes, at + 2)) ?? CLOSED.get(u16be(bytes, at));
    return place.left("notTcp", name ?? "UDP");
  }
  place.at = at + UDP_BYTES;
  return tunnel;
};

/** Somebody else uses the port. */
function other(place: Place): Reject {
  return place.left("notTcp", "UDP");
}

/** RFC 7348; with the bit for it, its generic extension names what follows. */
export const vxlan: Reader = (bytes, at, end, place) => {
  if (at + VXLAN_BYTES > end) return "truncatedHeader";
  const flags = bytes[at] ?? 0;
  if ((flags & 0x08) === 0) return other(place);
  place.opened("VXLAN");
  place.at = at + VXLAN_BYTES;
  return (flags & 0x04) === 0 ? "ethernet" : nextOfNsh(bytes[at + 3] ?? 0, place);
};

/** RFC 8926. */
export const geneve: Reader = (bytes, at, end, place) => {
  if (at + GENEVE_BYTES > end) return "truncatedHeader";
  const first = bytes[at] ?? 0;
  if (first >> 6 !== 0) return other(place);
  place.opened("GENEVE");
  place.at = at + GENEVE_BYTES + (first & 63) * 4;
  place.type = u16be(bytes, at + 2);
  return "etherType";
};

/** User data of mobile networks (3GPP TS 29.281). */
export const gtp: Reader = (bytes, at, end, place) => {
  if (at + GTP_BYTES > end) return "truncatedHeader";
  const flags = bytes[at] ?? 0;
  if (flags >> 4 !== 3) return other(place);
  if (bytes[at + 1] !== GTP_DATA) return place.left("notTcp", "GTP-U signalling");
  let next = at + GTP_BYTES;
  if ((flags & 7) !== 0) {
    next += 4;
    if (next > end) return "truncatedHeader";
    let extension = (flags & 4) === 0 ? 0 : (bytes[next - 1] ?? 0);
    for (let walked = 0; extension !== 0; walked += 1) {
      if (walked === GTP_EXTENSIONS_MAX) return "tooManyHeaders";
      if (next >= end) return "truncatedHeader";
      const length = (bytes[next] ?? 0) * 4;
      if (length === 0) return "malformed";
      next += length;
      if (next > end) return "truncatedHeader";
      extension = bytes[next - 1] ?? 0;
    }
  }
  place.opened("GTP-U");
  place.at = next;
  return "ip";
};

/** IPv6 through home routers (RFC 4380), behind up to two fields. */
export const teredo: Reader = (bytes, start, end, place) => {
  let at = start;
  if (at + 2 > end) return "truncatedHeader";
  if (u16be(bytes, at) === 1) {
    if (at + 4 > end) return "truncatedHeader";
    at += 13 + (bytes[at + 2] ?? 0) + (bytes[at + 3] ?? 0);
  }
  if (u16be(bytes, at) === 0) at += 8;
  if (at >= end) return "truncatedHeader";
  if ((bytes[at] ?? 0) >> 4 !== 6) return other(place);
  place.opened("Teredo");
  place.at = at;
  return "ipv6";
};

/** RFC 9300. */
export const lisp: Reader = (bytes, at, end, place) => {
  if (at + 8 >= end) return "truncatedHeader";
  const outcome = ipVersion(bytes, at + 8, end, place);
  if (outcome === "malformed") return other(place);
  place.opened("LISP");
  return outcome;
};

/** What sniffers of access points and routers send. */
export const tzsp: Reader = (bytes, start, end, place) => {
  if (start + 4 > end) return "truncatedHeader";
  const carried = u16be(bytes, start + 2);
  if (bytes[start] !== 1 || (carried !== 1 && carried !== 18)) return other(place);
  let at = start + 4;
  for (let fields = 0; fields < TZSP_FIELDS_MAX; fields += 1) {
    if (at >= end) return "truncatedHeader";
    const tag = bytes[at];
    if (tag === 1) {
      place.opened("TZSP");
      place.at = at + 1;
      place.type = 0;
      return carried === 1 ? "ethernet" : "ieee80211";
    }
    if (tag !== 0 && at + 1 >= end) return "truncatedHeader";
    at += tag === 0 ? 1 : 2 + (bytes[at + 1] ?? 0);
  }
  return "malformed";
};

/** Data of version 2 (RFC 2661). */
export const l2tp: Reader = (bytes, start, end, place) => {
  if (start + 2 > end) return "truncatedHeader";
  const flags = u16be(bytes, start);
  if ((flags & 15) === 3) return place.left("unopened", "L2TPv3");
  if ((flags & 15) !== 2) return other(place);
  if ((flags & 0x8000) !== 0) return place.left("notTcp", "L2TP control");
  let at = start + 6;
  if ((flags & 0x4000) !== 0) at += 2;
  if ((flags & 0x0800) !== 0) at += 4;
  if ((flags & 0x0200) !== 0) {
    if (at + 2 > end) return "truncatedHeader";
    at += 2 + u16be(bytes, at);
  }
  if (at > end) return "truncatedHeader";
  place.opened("L2TP");
  place.at = at;
  return "ppp";
};
