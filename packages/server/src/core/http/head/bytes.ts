/** Tables and small comparisons over the bytes of HTTP heads. Pure. */

const TOKEN_SYMBOLS = "!#$%&'*+-.^_`|~";

/** 1 for the bytes of a token (RFC 9110 5.6.2): method and field names. */
export const TOKEN: Uint8Array = new Uint8Array(256);
/** 1 for the bytes of a field value (RFC 9110 5.5): visible, obs-text, blank and tab. */
export const FIELD: Uint8Array = new Uint8Array(256);
for (let code = 0x30; code <= 0x39; code += 1) TOKEN[code] = 1;
for (let code = 0x41; code <= 0x5a; code += 1) {
  TOKEN[code] = 1;
  TOKEN[code + 0x20] = 1;
}
for (const symbol of TOKEN_SYMBOLS) TOKEN[symbol.charCodeAt(0)] = 1;
for (let code = 0x20; code <= 0xff; code += 1) FIELD[code] = code === 0x7f ? 0 : 1;
FIELD[0x09] = 1;

export const CR = 0x0d;
export const LF = 0x0a;
export const SPACE = 0x20;
export const TAB = 0x09;
export const COLON = 0x3a;
const COMMA = 0x2c;
const LOWER_CASE_BIT = 0x20;

/** True when the bytes are `word` (lower case), whatever their case. */
export function isWord(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i += 1) {
    const byte = bytes[start + i] ?? 0;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | LOWER_CASE_BIT : byte;
    if (lower !== word.charCodeAt(i)) return false;
  }
  return true;
}

/** True when `word` (lower case) is an element of the comma-separated list. */
export function listHas(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  let from = start;
  while (from < end) {
    let to = from;
    while (to < end && bytes[to] !== COMMA) to += 1;
    const [first, last] = trimmed(bytes, from, to);
    if (isWord(bytes, first, last, word)) return true;
    from = to + 1;
  }
  return false;
}

/** The range without blanks and tabs around it. */
export function trimmed(bytes: Uint8Array, start: number, end: number): [number, number] {
  let first = start;
  let last = end;
  while (first < last && (bytes[first] === SPACE || bytes[first] === TAB)) first += 1;
  while (last > first && (bytes[last - 1] === SPACE || bytes[last - 1] === TAB)) last -= 1;
  return [first, last];
}
