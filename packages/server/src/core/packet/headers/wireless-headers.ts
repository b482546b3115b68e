/** 802.11 frames, and the headers that captures put before them. Readers; see `header.ts`. */
import { u16, u32 } from "../bytes.ts";
import type { Reader } from "./header.ts";

const RADIOTAP_BYTES_MIN = 8;
/** Of the first word that tells which fields there are. */
const RADIOTAP_TIMESTAMP = 1;
const RADIOTAP_FLAGS = 2;
/** Another such word follows. */
const RADIOTAP_MORE = 0x8000_0000;
/** Of the field of flags: the 802.11 header is padded to four bytes. */
const RADIOTAP_IS_PADDED = 0x20;
/** `place.type` for 802.11 frames with that padding. */
const PADDED = 1;

const IEEE80211_BYTES = 24;
const IEEE80211_FOURTH_ADDRESS_BYTES = 6;
const Frame = {
  kind: 0x0c,
  data: 0x08,
  withoutData: 0x40,
  quality: 0x80,
  bothWays: 0x03,
  moreFragments: 0x04,
  encrypted: 0x40,
  highThroughput: 0x80,
} as const;

export const ieee80211: Reader = (bytes, at, end, place) => {
  if (at + 2 > end) return "truncatedHeader";
  const control = bytes[at] ?? 0;
  const flags = bytes[at + 1] ?? 0;
  if ((control & Frame.kind) !== Frame.data) return place.left("notIp", "802.11 management");
  if ((control & Frame.withoutData) !== 0) return place.left("notIp", "802.11 without data");
  if ((flags & Frame.encrypted) !== 0) return place.left("notIp", "802.11 encrypted");
  let next = at + IEEE80211_BYTES;
  if ((flags & Frame.bothWays) === Frame.bothWays) next += IEEE80211_FOURTH_ADDRESS_BYTES;
  const quality = next;
  const hasQuality = (control & Frame.quality) !== 0;
  if (hasQuality) next += (flags & Frame.highThroughput) === 0 ? 2 : 6;
  if (next > end) return "truncatedHeader";
  const isFragment = (flags & Frame.moreFragments) !== 0 || ((bytes[at + 22] ?? 0) & 15) !== 0;
  if (isFragment) return place.left("unopened", "802.11 fragments");
  if (hasQuality && ((bytes[quality] ?? 0) & 0x80) !== 0) {
    return place.left("unopened", "802.11 aggregates (A-MSDU)");
  }
  place.opened("802.11");
  place.at = place.type === PADDED ? at + ((next - at + 3) & ~3) : next;
  return "llc";
};

export const radiotap: Reader = (bytes, at, end, place) => {
  if (at + RADIOTAP_BYTES_MIN > end) return "truncatedHeader";
  const length = u16(bytes, at + 2, true);
  if (bytes[at] !== 0 || length < RADIOTAP_BYTES_MIN) return "malformed";
  if (at + length > end) return "truncatedHeader";
  const present = u32(bytes, at + 4, true);
  place.type = 0;
  place.at = at + length;
  if ((present & RADIOTAP_FLAGS) === 0) return "ieee80211";
  let field = 4;
  for (let word = present; ; word = u32(bytes, at + field, true)) {
    field += 4;
    if ((word & RADIOTAP_MORE) === 0) break;
    if (field + 4 > length) return "malformed";
  }
  // A timestamp of eight bytes, aligned, stands before the flags.
  if ((present & RADIOTAP_TIMESTAMP) !== 0) field = ((field + 7) & ~7) + 8;
  if (field >= length) return "malformed";
  if (((bytes[at + field] ?? 0) & RADIOTAP_IS_PADDED) !== 0) place.type = PADDED;
  return "ieee80211";
};

/** Prism's header; AVS in the same place says so by its first bytes. */
export const prism: Reader = (bytes, at, end, place) => {
  if (at + 8 > end) return "truncatedHeader";
  if (u16(bytes, at, false) === 0x8021) return "avs";
  // The length is in the byte order of the machine that captured.
  const little = u32(bytes, at + 4, true);
  const length = little > 0xffff ? u32(bytes, at + 4, false) : little;
  if (length < 8 || length > 0xffff) return "malformed";
  place.type = 0;
  place.at = at + length;
  return "ieee80211";
};

export const avs: Reader = (bytes, at, end, place) => {
  if (at + 8 > end) return "truncatedHeader";
  const length = u32(bytes, at + 4, false);
  if (length < 8 || length > 0xffff) return "malformed";
  place.type = 0;
  place.at = at + length;
  return "ieee80211";
};
