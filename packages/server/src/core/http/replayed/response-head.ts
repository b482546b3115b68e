/**
 * One response head, read strictly for what a client must know: status, framing, whether the connection may be used
 * again. In: the bytes of a whole head. Out: the fields of `ResponseHeadFacts`, or why the head is refused.
 *
 * It makes no strings: a head is read tens of thousands of times a second and hardly ever looked at.
 */
import { COLON, CR, FIELD, LF, SPACE, TOKEN, isWord, listHas, trimmed } from "../head/bytes.ts";

/** Digits of a length; more cannot be exact in a double. */
const LENGTH_DIGITS_MAX = 15;
const ZERO = 0x30;
const VERSION = "HTTP/1.";
/** `HTTP/1.1 200` */
const STATUS_END = 12;

export interface ResponseHeadFacts {
  status: number;
  /** The announced length; -1 when there is none. */
  length: number;
  chunked: boolean;
  /** True when the sender says so, or its version does: the connection ends with this response. */
  closes: boolean;
  /** Seconds that an idle connection will be kept, as `Keep-Alive: timeout=N` says; -1 when it does not. */
  keepAliveSeconds: number;
}

/** Reads `bytes[start..end)`, blank line included, into `facts`. Returns the rule that is broken, or undefined. */
export function readResponseHead(
  bytes: Uint8Array,
  start: number,
  end: number,
  facts: ResponseHeadFacts,
): string | undefined {
  const minor = (bytes[start + 7] ?? 0) - ZERO;
  if (!startsWithHttp(bytes, start, start + 7) || minor < 0 || minor > 9)
    return "no HTTP/1 status line";
  if (bytes[start + 8] !== SPACE) return "malformed status line";
  facts.status = digits(bytes, start + 9, start + STATUS_END);
  if (facts.status < 100) return "malformed status line";
  let at = lineEnd(bytes, start + STATUS_END, end);
  if (at < 0) return "forbidden byte in the status line";
  const reasonAt = bytes[start + STATUS_END];
  if (reasonAt !== SPACE && reasonAt !== CR && reasonAt !== LF) return "malformed status line";
  facts.length = -1;
  facts.chunked = false;
  facts.closes = minor === 0;
  facts.keepAliveSeconds = -1;
  for (;;) {
    if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] === LF)) break;
    const next = readField(bytes, at, end, facts);
    if (typeof next === "string") return next;
    at = next;
  }
  // RFC 9112 6.1: both together is how responses are smuggled.
  if (facts.chunked && facts.length >= 0) return "Content-Length beside Transfer-Encoding";
  return facts.chunked && minor === 0 ? "Transfer-Encoding in HTTP/1.0" : undefined;
}

/** `HTTP/1.`, or as much of it as there is; its case matters (RFC 9112 2.3). */
export function startsWithHttp(bytes: Uint8Array, start: number, end: number): boolean {
  const size = Math.min(end - start, VERSION.length);
  for (let i = 0; i < size; i += 1) if (bytes[start + i] !== VERSION.charCodeAt(i)) return false;
  return true;
}

/** Reads one field line; returns where the next one starts, or the rule that is broken. */
function readField(
  bytes: Uint8Array,
  start: number,
  end: number,
  facts: ResponseHeadFacts,
): number | string {
  let colon = start;
  while (TOKEN[bytes[colon] ?? 0] === 1) colon += 1;
  if (colon === start || bytes[colon] !== COLON) return "malformed field name";
  const next = lineEnd(bytes, colon + 1, end);
  if (next < 0) return "forbidden byte in a field";
  const nameBytes = colon - start;
  // Most fields are none of these; their length tells.
  if (nameBytes !== 10 && nameBytes !== 14 && nameBytes !== 17) return next;
  const valueEnd = next - (bytes[next - 2] === CR ? 2 : 1);
  const [from, to] = trimmed(bytes, colon + 1, valueEnd);
  if (nameBytes === 14 && isWord(bytes, start, colon, "content-length")) {
    const length = to - from > LENGTH_DIGITS_MAX ? -1 : digits(bytes, from, to);
    if (length < 0 || (facts.length >= 0 && facts.length !== length))
      return "unclear Content-Length";
    facts.length = length;
  } else if (nameBytes === 17 && isWord(bytes, start, colon, "transfer-encoding")) {
    // Nothing else was asked for by TE, so nothing else may come.
    if (facts.chunked || !isWord(bytes, from, to, "chunked")) return "unknown Transfer-Encoding";
    facts.chunked = true;
  } else if (nameBytes === 10 && isWord(bytes, start, colon, "connection")) {
    if (listHas(bytes, from, to, "close")) facts.closes = true;
    else if (listHas(bytes, from, to, "keep-alive")) facts.closes = false;
  } else if (nameBytes === 10 && isWord(bytes, start, colon, "keep-alive")) {
    facts.keepAliveSeconds = timeoutOf(bytes, from, to);
  }
  return next;
}

/** Index behind the line feed that ends the line, or -1 when a byte before it is forbidden. */
function lineEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (FIELD[bytes[at] ?? 0] === 1) at += 1;
  if (bytes[at] === CR) at += 1;
  return at < end && bytes[at] === LF ? at + 1 : -1;
}

/** A plain decimal number, or -1. */
function digits(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return -1;
  let value = 0;
  for (let i = start; i < end; i += 1) {
    const digit = (bytes[i] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** The number in `timeout=N`, or -1. */
function timeoutOf(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at + 8 < end; at += 1) {
    if (!isWord(bytes, at, at + 8, "timeout=")) continue;
    let to = at + 8;
    while (to < end && (bytes[to] ?? 0) >= ZERO && (bytes[to] ?? 0) <= ZERO + 9) to += 1;
    return to - at - 8 > LENGTH_DIGITS_MAX ? -1 : digits(bytes, at + 8, to);
  }
  return -1;
}
