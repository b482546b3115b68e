/** Ethernet and what stands behind an EtherType: tags, LLC, MPLS, PPPoE, service headers. Readers; see `header.ts`. */
import { i32be, u16be } from "../bytes.ts";
import type { Header, Outcome, Place, Reader } from "./header.ts";
import { ipVersion } from "./header.ts";
import { etherTypeName } from "./names.ts";

const ETHERNET_BYTES = 14;
/** Below this the field is a length, and LLC follows (802.3). */
const ETHER_TYPE_MIN = 0x0600;
/** Honest packets have one to five. */
const MPLS_LABELS_MAX = 16;

const EtherType = {
  ipv4: 0x0800,
  ipv6: 0x86dd,
  vlan: 0x8100,
  qinq: 0x88a8,
  oldQinq: [0x9100, 0x9200, 0x9300],
  bridged: 0x6558,
  ppp: 0x880b,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  pppoeSession: 0x8864,
  providerBackbone: 0x88e7,
  vnTag: 0x8926,
  eTag: 0x893f,
  nsh: 0x894f,
} as const;

export const ethernet: Reader = (bytes, at, end, place) => {
  if (at + ETHERNET_BYTES > end) return "truncatedHeader";
  place.at = at + ETHERNET_BYTES;
  place.type = u16be(bytes, at + 12);
  return "etherType";
};

/** `place.type` was read; `at` is behind it. */
export const etherType: Reader = (bytes, at, end, place) => {
  const { type } = place;
  switch (type) {
    case EtherType.ipv4:
      return "ipv4";
    case EtherType.ipv6:
      return "ipv6";
    case EtherType.vlan:
    case EtherType.qinq:
    case EtherType.oldQinq[0]:
    case EtherType.oldQinq[1]:
    case EtherType.oldQinq[2]:
      return tagged(bytes, at, end, place, 4);
    case EtherType.vnTag:
      return tagged(bytes, at, end, place, 6);
    case EtherType.eTag:
      return tagged(bytes, at, end, place, 8);
    case EtherType.providerBackbone:
      place.opened("802.1ah");
      place.at = at + 4;
      return "ethernet";
    case EtherType.bridged:
      return "ethernet";
    case EtherType.ppp:
      return "ppp";
    case EtherType.mpls:
    case EtherType.mplsMulticast:
      return "mpls";
    case EtherType.pppoeSession:
      return "pppoe";
    case EtherType.nsh:
      return "nsh";
    default:
      return type < ETHER_TYPE_MIN ? "llc" : place.left("notIp", etherTypeName(type));
  }
};

/** A tag of `length` bytes, the last two of which say what follows. */
function tagged(
  bytes: Uint8Array,
  at: number,
  end: number,
  place: Place,
  length: number,
): Header | Outcome {
  if (at + length > end) return "truncatedHeader";
  place.type = u16be(bytes, at + length - 2);
  place.at = at + length;
  return "etherType";
}

/** LLC, alone or with SNAP (802.2, RFC 1042). */
export const llc: Reader = (bytes, at, end, place) => {
  if (at + 3 > end) return "truncatedHeader";
  const destination = bytes[at] ?? 0;
  if (destination === 0x42) return place.left("notIp", "spanning tree");
  // Unnumbered information is the only form that carries IP.
  if (bytes[at + 1] !== destination || bytes[at + 2] !== 3) return place.left("notIp", "LLC");
  place.at = at + 3;
  if (destination === 0x06) return "ipv4";
  if (destination === 0xfe) return osi(bytes, at + 3, end, place);
  if (destination !== 0xaa) return place.left("notIp", "LLC");
  if (at + 8 > end) return "truncatedHeader";
  const organisation = i32be(bytes, at + 3) >>> 8;
  if (organisation !== 0 && organisation !== 0x0000f8) return place.left("notIp", "LLC with SNAP");
  place.type = u16be(bytes, at + 6);
  place.at = at + 8;
  return "etherType";
};

/** A network layer identifier of ISO (RFC 2684 and Frame Relay have IP behind one). */
function osi(bytes: Uint8Array, at: number, end: number, place: Place): Outcome {
  if (at >= end) return "truncatedHeader";
  place.at = at + 1;
  if (bytes[at] === 0xcc) return "ipv4";
  return bytes[at] === 0x8e ? "ipv6" : place.left("notIp", "OSI");
}

/** Labels do not say what is below them: the first bits of it do, as routers guess as well (RFC 4928). */
export const mpls: Reader = (bytes, start, end, place) => {
  let at = start;
  for (let labels = 0; labels < MPLS_LABELS_MAX; labels += 1) {
    if (at + 4 > end) return "truncatedHeader";
    const isBottom = ((bytes[at + 2] ?? 0) & 1) === 1;
    at += 4;
    if (!isBottom) continue;
    if (at >= end) return "truncatedHeader";
    place.opened("MPLS");
    const first = (bytes[at] ?? 0) >> 4;
    if (first === 4 || first === 6) return ipVersion(bytes, at, end, place);
    if (first === 1) return place.left("notIp", "MPLS control channel");
    // A pseudowire with Ethernet, behind a control word or not; addresses may begin as such a word does.
    place.at = first === 0 && isFrame(bytes, at + 4) ? at + 4 : at;
    return "ethernet";
  }
  return "tooManyHeaders";
};

function isFrame(bytes: Uint8Array, at: number): boolean {
  switch (u16be(bytes, at + 12)) {
    case EtherType.ipv4:
    case EtherType.ipv6:
    case EtherType.vlan:
    case EtherType.qinq:
    case EtherType.mpls:
    case EtherType.pppoeSession:
      return true;
    default:
      return false;
  }
}

export const pppoe: Reader = (bytes, at, end, place) => {
  if (at + 6 > end) return "truncatedHeader";
  if (bytes[at] !== 0x11) return "malformed";
  if (bytes[at + 1] !== 0) return place.left("notIp", "PPPoE discovery");
  place.opened("PPPoE");
  place.at = at + 6;
  return "ppp";
};

/** Network Service Header (RFC 8300). */
export const nsh: Reader = (bytes, at, end, place) => {
  if (at + 8 > end) return "truncatedHeader";
  const length = ((bytes[at + 1] ?? 0) & 63) * 4;
  if (length < 8) return "malformed";
  place.opened("NSH");
  place.at = at + length;
  return nextOfNsh(bytes[at + 3] ?? 0, place);
};

/** The numbers that NSH and VXLAN-GPE name what follows with. */
export function nextOfNsh(next: number, place: Place): Header | Outcome {
  switch (next) {
    case 1:
      return "ipv4";
    case 2:
      return "ipv6";
    case 3:
      return "ethernet";
    case 4:
      return "nsh";
    case 5:
      return "mpls";
    default:
      return place.left("unopened", `NSH with protocol ${next}`);
  }
}
