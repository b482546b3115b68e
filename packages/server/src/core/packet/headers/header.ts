/**
 * What the readers of headers between a link and its IP packet have in common. Sans-IO. A reader takes one header and says what
 * follows it; it knows no other reader, so that `HeaderWalk` alone decides how many there may be. Nothing here allocates.
 */

/** A header that somebody here can read. */
export type Header =
  | "ethernet"
  | "etherType"
  | "llc"
  | "mpls"
  | "pppoe"
  | "nsh"
  | "ip"
  | "ppp"
  | "hdlc"
  | "frameRelay"
  | "ieee80211"
  | "radiotap"
  | "prism"
  | "avs"
  | "nflog"
  | "pflog"
  | "enc"
  | "ipnet"
  | "protocol"
  | "gre"
  | "erspan2"
  | "erspan3"
  | "etherIp"
  | "udp"
  | "vxlan"
  | "geneve"
  | "gtp"
  | "teredo"
  | "lisp"
  | "tzsp"
  | "l2tp";

/** Why a packet is not read, each a field of `DecodeCounters`. */
export type Reject =
  /** A link type that nobody here knows. */
  | "unknownLinkType"
  /** Something else than IP. */
  | "notIp"
  /** IP, with something else than TCP. */
  | "notTcp"
  /** What can carry TCP, and is not opened. */
  | "unopened"
  | "truncatedHeader"
  | "malformed"
  | "tooManyVlanTags"
  | "tooManyHeaders";

export type Outcome = "ipv4" | "ipv6" | Reject;

/** Where a walk is. A reader leaves in it where what follows begins. */
export interface Place {
  at: number;
  /** What only the next reader understands: an EtherType, an IP protocol. */
  type: number;
  /** Tells that a header was passed over, by the name that people see. */
  opened(name: string): void;
  /** Says what the packet is that is not read, and gives `reason` back. */
  left(reason: Reject, name: string): Reject;
}

/** Reads the header at `place.at`, of which `bytes[at..end)` was captured. */
export type Reader = (bytes: Uint8Array, at: number, end: number, place: Place) => Header | Outcome;

/** The first four bits tell. */
export function ipVersion(bytes: Uint8Array, at: number, end: number, place: Place): Outcome {
  if (at >= end) return "truncatedHeader";
  place.at = at;
  const version = (bytes[at] ?? 0) >> 4;
  return version === 4 ? "ipv4" : version === 6 ? "ipv6" : "malformed";
}
