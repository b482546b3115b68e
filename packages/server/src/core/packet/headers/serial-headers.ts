/** Headers of serial lines: PPP, Cisco HDLC, Frame Relay. Readers; see `header.ts`. */
import { u16be } from "../bytes.ts";
import type { Reader } from "./header.ts";

const PppProtocol = { ipv4: 0x0021, ipv6: 0x0057, mpls: 0x0281, mplsMulticast: 0x0283 } as const;
/** From here on the protocols negotiate, and carry no traffic. */
const PPP_CONTROL_MIN = 0x8000;
/** A Frame Relay address has at most four bytes (Q.922). */
const FRAME_RELAY_ADDRESS_BYTES_MAX = 4;

/** With or without address and control (0xff 03), the protocol in one byte or in two (RFC 1661). */
export const ppp: Reader = (bytes, start, end, place) => {
  const at = bytes[start] === 0xff && bytes[start + 1] === 3 ? start + 2 : start;
  if (at + 1 > end) return "truncatedHeader";
  const first = bytes[at] ?? 0;
  // The last bit of the last byte is set.
  const length = (first & 1) === 1 ? 1 : 2;
  if (at + length > end) return "truncatedHeader";
  const protocol = length === 1 ? first : u16be(bytes, at);
  place.at = at + length;
  switch (protocol) {
    case PppProtocol.ipv4:
      return "ipv4";
    case PppProtocol.ipv6:
      return "ipv6";
    case PppProtocol.mpls:
    case PppProtocol.mplsMulticast:
      return "mpls";
    default:
      return protocol >= PPP_CONTROL_MIN
        ? place.left("notIp", "PPP control")
        : place.left("unopened", `PPP protocol 0x${protocol.toString(16).padStart(4, "0")}`);
  }
};

/** Cisco's frames, or PPP in the same place (RFC 1547, RFC 1662). */
export const hdlc: Reader = (bytes, at, end, place) => {
  if (bytes[at] === 0xff) return "ppp";
  if (at + 4 > end) return "truncatedHeader";
  place.type = u16be(bytes, at + 2);
  place.at = at + 4;
  return "etherType";
};

/** RFC 2427, and Cisco's form with an EtherType at once. */
export const frameRelay: Reader = (bytes, start, end, place) => {
  let at = start;
  for (let length = 1; ; length += 1) {
    if (at >= end) return "truncatedHeader";
    const isLast = ((bytes[at] ?? 0) & 1) === 1;
    at += 1;
    if (isLast) break;
    if (length === FRAME_RELAY_ADDRESS_BYTES_MAX) return "malformed";
  }
  if (at + 2 > end) return "truncatedHeader";
  if (bytes[at] !== 3) {
    place.type = u16be(bytes, at);
    place.at = at + 2;
    return "etherType";
  }
  // A byte of padding may stand before the identifier.
  at += bytes[at + 1] === 0 ? 2 : 1;
  if (at >= end) return "truncatedHeader";
  const identifier = bytes[at];
  place.at = at + 1;
  if (identifier === 0xcc) return "ipv4";
  if (identifier === 0x8e) return "ipv6";
  if (identifier !== 0x80) return place.left("notIp", "Frame Relay");
  if (at + 6 > end) return "truncatedHeader";
  // SNAP: an organisation of three bytes, of which only Ethernet's own is read.
  if (u16be(bytes, at + 1) !== 0 || bytes[at + 3] !== 0) return place.left("notIp", "Frame Relay");
  place.type = u16be(bytes, at + 4);
  place.at = at + 6;
  return "etherType";
};
