/** Reads a length as nearly every message writes it, without making a string of it. Pure. */

const HT = 0x09;
const SP = 0x20;
/** Digits that are a safe integer whatever they are. */
const PLAIN_DIGITS_MAX = 15;

/** Digits with blanks around. Anything else is -1. */
export function plainNumber(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  let end = to;
  while (at < end && (bytes[at] === SP || bytes[at] === HT)) at += 1;
  while (end > at && (bytes[end - 1] === SP || bytes[end - 1] === HT)) end -= 1;
  if (at === end || end - at > PLAIN_DIGITS_MAX) return -1;
  let value = 0;
  for (; at < end; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
