/** Headers that firewalls and kernels put before IP packets that they log. Readers; see `header.ts`. */
import { u16, u32 } from "../bytes.ts";
import type { Outcome, Place, Reader } from "./header.ts";
import { ipVersion } from "./header.ts";

const NFLOG_BYTES = 4;
const NFLOG_PAYLOAD = 9;
/** Linux writes about ten. */
const NFLOG_FIELDS_MAX = 64;
const IPNET_BYTES = 24;
const ENC_BYTES = 12;
/** AF_INET everywhere; AF_INET6 of Linux, Solaris, the BSDs and macOS. */
const FAMILY_IPV4 = 2;
const FAMILIES_IPV6: readonly number[] = [10, 24, 26, 28, 30];

/** Fields of type, length and value in the byte order of the machine that captured; one of them is the packet. */
export const nflog: Reader = (bytes, start, end, place) => {
  if (start + NFLOG_BYTES + 4 > end) return "truncatedHeader";
  let at = start + NFLOG_BYTES;
  // The first field is short: read in the wrong order its length is not.
  const little = u16(bytes, at, true) < u16(bytes, at, false);
  for (let fields = 0; fields < NFLOG_FIELDS_MAX; fields += 1) {
    if (at + 4 > end) return "truncatedHeader";
    const length = u16(bytes, at, little);
    if (length < 4) return "malformed";
    if (u16(bytes, at + 2, little) === NFLOG_PAYLOAD) {
      place.opened("NFLOG");
      return ipVersion(bytes, at + 4, end, place);
    }
    at += (length + 3) & ~3;
  }
  return "malformed";
};

/** OpenBSD and FreeBSD write the length first, without the padding to four bytes; then the family. */
export const pflog: Reader = (bytes, at, end, place) => {
  if (at + 2 > end) return "truncatedHeader";
  const length = ((bytes[at] ?? 0) + 3) & ~3;
  if (length < 4) return "malformed";
  return byFamily(bytes[at + 1] ?? 0, at + length, end, place, "PFLOG");
};

/** IPsec of the BSDs, decrypted: a family in the byte order of the machine that captured, SPI, flags. */
export const enc: Reader = (bytes, at, end, place) => {
  if (at + ENC_BYTES > end) return "truncatedHeader";
  const little = u32(bytes, at, true);
  const family = little > 0xffff ? u32(bytes, at, false) : little;
  return byFamily(family, at + ENC_BYTES, end, place, "ENC");
};

/** Solaris. */
export const ipnet: Reader = (bytes, at, end, place) => {
  if (at + IPNET_BYTES > end) return "truncatedHeader";
  return byFamily(bytes[at + 1] ?? 0, at + IPNET_BYTES, end, place, "IPNET");
};

function byFamily(family: number, at: number, end: number, place: Place, name: string): Outcome {
  if (at > end) return "truncatedHeader";
  place.at = at;
  const outcome = family === FAMILY_IPV4 ? "ipv4" : FAMILIES_IPV6.includes(family) ? "ipv6" : "";
  if (outcome === "") return place.left("notIp", `${name} of family ${family}`);
  place.opened(name);
  return outcome;
}
