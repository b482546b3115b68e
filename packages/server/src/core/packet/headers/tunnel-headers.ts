/** What stands behind an IP header in place of TCP: IP again, GRE with what it carries, UDP. Readers; see `header.ts`. */
import { u16be } from "../bytes.ts";
import type { Header, Outcome, Place, Reader } from "./header.ts";
import { ipVersion } from "./header.ts";
import { protocolName } from "./names.ts";

export const Protocol = {
  ipv4: 4,
  udp: 17,
  ipv6: 41,
  gre: 47,
  minimal: 55,
  etherIp: 97,
  l2tp: 115,
  mpls: 137,
} as const;

const Gre = {
  hasChecksum: 0x8000,
  hasRouting: 0x4000,
  hasKey: 0x2000,
  hasSequence: 0x1000,
  hasAcknowledgment: 0x0080,
  version: 0x0007,
  keepalive: 0,
  wccp: 0x883e,
  erspan2: 0x88be,
  erspan3: 0x22eb,
} as const;

const ERSPAN_2_BYTES = 8;
const ERSPAN_3_BYTES = 12;
const ERSPAN_3_OPTION_BYTES = 8;

/** Whether pieces of a datagram of this protocol are worth keeping, whatever is in them. */
export function isTunnel(protocol: number): boolean {
  switch (protocol) {
    case Protocol.ipv4:
    case Protocol.ipv6:
    case Protocol.gre:
    case Protocol.etherIp:
    case Protocol.mpls:
      return true;
    default:
      return false;
  }
}

/** `place.type`: the protocol; `at` is behind the IP header. */
export const protocol: Reader = (_bytes, _at, _end, place) => {
  switch (place.type) {
    case Protocol.ipv4:
      place.opened("IPv4 in IP");
      return "ipv4";
    case Protocol.ipv6:
      place.opened("IPv6 in IP");
      return "ipv6";
    case Protocol.gre:
      return "gre";
    case Protocol.udp:
      return "udp";
    case Protocol.mpls:
      return "mpls";
    case Protocol.etherIp:
      return "etherIp";
    case Protocol.l2tp:
      return place.left("unopened", "L2TPv3");
    case Protocol.minimal:
      return place.left("unopened", "minimal IP encapsulation");
    default:
      return place.left("notTcp", protocolName(place.type));
  }
};

/** GRE (RFC 2784, 2890), and the form of PPTP (RFC 2637). */
export const gre: Reader = (bytes, start, end, place) => {
  if (start + 4 > end) return "truncatedHeader";
  const flags = u16be(bytes, start);
  const version = flags & Gre.version;
  if (version > 1) return "malformed";
  if ((flags & Gre.hasRouting) !== 0) return place.left("unopened", "GRE with a source route");
  let at = start + 4;
  if ((flags & Gre.hasChecksum) !== 0) at += 4;
  if ((flags & Gre.hasKey) !== 0) at += 4;
  if ((flags & Gre.hasSequence) !== 0) at += 4;
  if (version === 1 && (flags & Gre.hasAcknowledgment) !== 0) at += 4;
  if (at > end) return "truncatedHeader";
  // PPTP without a sequence number only acknowledges.
  const isEmpty = version === 1 && (flags & Gre.hasSequence) === 0;
  place.type = u16be(bytes, start + 2);
  if (isEmpty || place.type === Gre.keepalive) return place.left("notIp", "GRE without data");
  place.opened("GRE");
  place.at = at;
  if (place.type === Gre.wccp) return redirected(bytes, at, end, place);
  // Type I has neither a number nor a header of its own.
  if (place.type === Gre.erspan2) {
    return (flags & Gre.hasSequence) === 0 ? "ethernet" : "erspan2";
  }
  return place.type === Gre.erspan3 ? "erspan3" : "etherType";
};

/** WCCP: version 2 has four bytes before the packet, which never begin as IPv4 does. */
function redirected(bytes: Uint8Array, at: number, end: number, place: Place): Header | Outcome {
  if (at >= end) return "truncatedHeader";
  return ipVersion(bytes, (bytes[at] ?? 0) >> 4 === 4 ? at : at + 4, end, place);
}

export const erspan2: Reader = (_bytes, at, end, place) => {
  if (at + ERSPAN_2_BYTES > end) return "truncatedHeader";
  place.opened("ERSPAN");
  place.at = at + ERSPAN_2_BYTES;
  return "ethernet";
};

export const erspan3: Reader = (bytes, at, end, place) => {
  if (at + ERSPAN_3_BYTES > end) return "truncatedHeader";
  place.opened("ERSPAN");
  const hasOption = ((bytes[at + 11] ?? 0) & 1) === 1;
  place.at = at + ERSPAN_3_BYTES + (hasOption ? ERSPAN_3_OPTION_BYTES : 0);
  const frame = ((bytes[at + 10] ?? 0) >> 2) & 31;
  if (frame === 0) return "ethernet";
  return frame === 2 ? "ip" : place.left("unopened", `ERSPAN frame type ${frame}`);
};

/** RFC 3378. */
export const etherIp: Reader = (bytes, at, end, place) => {
  if (at + 2 > end) return "truncatedHeader";
  if ((bytes[at] ?? 0) >> 4 !== 3) return "malformed";
  place.opened("EtherIP");
  place.at = at + 2;
  return "ethernet";
};
