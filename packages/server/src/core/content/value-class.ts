/**
 * The format classes of a scalar value: what it looks like, as a set of bits. In: the text of a string or a number. Out: bits.
 *
 * One value may have several classes (`20240101` is an integer and hexadecimal), and a random one may lack the class of its
 * kind by chance. So a class is believed of a place, over all its values, and never of one value alone: see `place.ts`.
 */
export const ValueClass = {
  uuid: 1,
  ulid: 2,
  objectId: 4,
  jwt: 8,
  /** Hexadecimal of the length of a common digest. */
  hash: 16,
  /** Long and mixed, as random bytes in base64 are. */
  token: 32,
  /** Hexadecimal, at least eight digits. */
  hex: 64,
  isoTime: 128,
  isoDate: 256,
  httpTime: 512,
  epochSeconds: 1024,
  epochMs: 2048,
  integer: 4096,
  decimal: 8192,
  url: 16_384,
  email: 32_768,
  /** A word and a number or code: `ord_17`, `ACC-10017`. */
  labelledId: 65_536,
} as const;

/** Made anew by a generator each time: nobody expects the same value twice. */
export const GENERATED: number =
  ValueClass.uuid |
  ValueClass.ulid |
  ValueClass.objectId |
  ValueClass.jwt |
  ValueClass.hash |
  ValueClass.token |
  ValueClass.hex;

/** Carry 64 bits or more of their own: equal ones are the same thing, not a coincidence. */
export const STRONG: number =
  ValueClass.uuid |
  ValueClass.ulid |
  ValueClass.objectId |
  ValueClass.jwt |
  ValueClass.hash |
  ValueClass.token;

export const TIMES: number =
  ValueClass.isoTime |
  ValueClass.isoDate |
  ValueClass.httpTime |
  ValueClass.epochSeconds |
  ValueClass.epochMs;

/** Longer texts are prose or data, not one token. */
const CLASSED_CHARS_MAX = 4096;
const DIGEST_DIGITS: ReadonlySet<number> = new Set([32, 40, 56, 64, 96, 128]);
const TOKEN_CHARS_MIN = 16;
const HEX_DIGITS_MIN = 8;
/** Letters, digits and cases alternate at least every fifth character in random text, and hardly in words. */
const CHARS_PER_CHANGE_MAX = 5;
/** From September 2001 to December 2099. */
const EPOCH_SECONDS_MIN = 1e9;
const EPOCH_SECONDS_MAX = 4.1e9;

// None of these can backtrack: each part is of fixed length or ends where the next one's characters begin.
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
const ULID = /^[0-7][\dA-HJKMNP-TV-Z]{25}$/i;
const OBJECT_ID = /^[\da-f]{24}$/i;
const HEX = /^[\da-f]+$/i;
const INTEGER = /^-?\d+$/;
const DECIMAL = /^-?\d+\.\d+$/;
const ISO_DATE = /^\d{4}-\d{2}-\d{2}$/;
const ISO_TIME =
  /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?$/;
const HTTP_TIME =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2}[ -][A-Z][a-z]{2}[ -]\d{4} \d{2}:\d{2}:\d{2} GMT$/;
const LABELLED = /^[A-Za-z]{1,24}(?:[_:#/-][A-Za-z]{1,24})?[_:#/-]?\d{1,19}$/;
const EMAIL = /^[\w.+-]{1,64}@[\w.-]{1,255}$/;
const TOKEN = /^[\w.~+/=-]+$/;

/** The classes of a value given as text; 0 for plain text. */
export function classesOf(text: string): number {
  const { length } = text;
  if (length === 0 || length > CLASSED_CHARS_MAX) return 0;
  const first = text.charCodeAt(0);
  // Digits and a minus begin numbers, times and many tokens; the rest are only tokens, words and links.
  const numeric = (first >= 0x30 && first <= 0x39) || first === 0x2d ? numericClasses(text) : 0;
  return numeric | tokenClasses(text) | linkClasses(text);
}

function numericClasses(text: string): number {
  if (INTEGER.test(text)) return ValueClass.integer | epochClasses(text);
  if (DECIMAL.test(text)) return ValueClass.decimal | epochClasses(text);
  if (ISO_DATE.test(text)) return ValueClass.isoDate;
  return text.length <= 40 && ISO_TIME.test(text) ? ValueClass.isoTime : 0;
}

function epochClasses(text: string): number {
  const value = Number(text);
  if (value >= EPOCH_SECONDS_MIN && value < EPOCH_SECONDS_MAX) return ValueClass.epochSeconds;
  const isMs = value >= EPOCH_SECONDS_MIN * 1000 && value < EPOCH_SECONDS_MAX * 1000;
  return isMs ? ValueClass.epochMs : 0;
}

function tokenClasses(text: string): number {
  const { length } = text;
  let found = 0;
  if (length === 36 && UUID.test(text)) return ValueClass.uuid;
  if (length === 26 && ULID.test(text)) found |= ValueClass.ulid;
  if (length >= HEX_DIGITS_MIN && HEX.test(text)) {
    found |= ValueClass.hex;
    if (length === 24 && OBJECT_ID.test(text)) found |= ValueClass.objectId;
    if (DIGEST_DIGITS.has(length)) found |= ValueClass.hash;
  }
  if (isJwt(text)) return found | ValueClass.jwt;
  // What begins with a slash is a path, whatever ids are in it.
  const mayBeToken = length >= TOKEN_CHARS_MIN && text.charCodeAt(0) !== 0x2f;
  if (mayBeToken && TOKEN.test(text) && isMixed(text)) found |= ValueClass.token;
  if (length <= 72 && LABELLED.test(text)) found |= ValueClass.labelledId;
  return found;
}

/** Three parts of base64url of which the first is a JSON object (RFC 7519). */
function isJwt(text: string): boolean {
  if (!text.startsWith("eyJ")) return false;
  const parts = text.split(".", 4);
  return parts.length === 3 && parts.every((part) => /^[\w-]+$/.test(part));
}

/** True when digits and letters of both cases alternate as they do in random text. */
function isMixed(text: string): boolean {
  let changes = 0;
  let before = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    const kind = kindOf(code);
    if (kind !== 0 && before !== 0 && kind !== before) changes += 1;
    if (kind !== 0) before = kind;
  }
  return changes * CHARS_PER_CHANGE_MAX >= text.length;
}

/** 1 a digit, 2 a lower, 3 an upper letter, 0 anything else. */
function kindOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return 1;
  if (code >= 0x61 && code <= 0x7a) return 2;
  return code >= 0x41 && code <= 0x5a ? 3 : 0;
}

function linkClasses(text: string): number {
  if (text.startsWith("http://") || text.startsWith("https://")) return ValueClass.url;
  if (HTTP_TIME.test(text)) return ValueClass.httpTime;
  return text.includes("@") && EMAIL.test(text) ? ValueClass.email : 0;
}

/** The moment that a value of a class of times stands for, in milliseconds since the Unix epoch; NaN when it is none. */
export function timeOf(text: string, classes: number): number {
  if ((classes & ValueClass.epochSeconds) !== 0) return Number(text) * 1000;
  if ((classes & ValueClass.epochMs) !== 0) return Number(text);
  if ((classes & (ValueClass.isoTime | ValueClass.isoDate | ValueClass.httpTime)) === 0) {
    return Number.NaN;
  }
  // A time without a zone is taken for UTC: both sides are read alike, and only their difference counts.
  const zoned = /(?:Z|GMT|[+-]\d{2}:?\d{2})$/.test(text) || (classes & ValueClass.isoDate) !== 0;
  if ((classes & ValueClass.httpTime) !== 0) return Date.parse(text);
  return Date.parse(`${text.replace(" ", "T").replace(",", ".")}${zoned ? "" : "Z"}`);
}

/** How coarse the text of a time is, in milliseconds: two of them may differ by so much and mean the same. */
export function timeStepOf(classes: number, text: string): number {
  if ((classes & ValueClass.isoDate) !== 0) return 86_400_000;
  if ((classes & ValueClass.isoTime) !== 0 && text.length <= 17) return 60_000;
  return 1000;
}

/** True for a value that carries 64 bits or more of its own. */
export function isStrong(text: string, classes: number): boolean {
  if ((classes & STRONG) !== 0) return true;
  return text.length >= 16 && (classes & (ValueClass.integer | ValueClass.hex)) !== 0;
}
