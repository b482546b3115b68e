/**
 * The first line of a head. In: bytes and the place where a message should start. Out: the place behind the line, and what it
 * says in the `HeadScan`. Lines as RFC 9112 has them are read without looking at a byte twice; a line in another form that
 * servers answer all the same (blanks and tabs in number, a version of more or fewer digits) is read when its end is here, and
 * doubted. Pure.
 */
import { CR, FIELD, LF, SPACE, TAB, TOKEN } from "./bytes.ts";
import { MethodKind, NEEDS_MORE, NOT_A_HEAD } from "./head-scan.ts";
import type { HeadScan } from "./head-scan.ts";

const DOT = 0x2e;
const HTTP_SLASH: Uint8Array = Buffer.from("HTTP/");

export function scanRequestLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  scan: HeadScan,
): number {
  let at = start;
  while (at < end && TOKEN[bytes[at] ?? 0] === 1) at += 1;
  if (at === end) return NEEDS_MORE;
  if (at === start) return NOT_A_HEAD;
  const methodEnd = at;
  scan.method = methodKind(bytes, start, at - start);
  if (bytes[at] !== SPACE) {
    return bytes[at] === TAB ? scanLooseRequestLine(bytes, methodEnd, end, scan) : NOT_A_HEAD;
  }
  const target = at + 1;
  at = target;
  while (at < end && (bytes[at] ?? 0) > SPACE) at += 1;
  if (at === end) return NEEDS_MORE;
  if (at === target || bytes[at] !== SPACE) {
    return scanLooseRequestLine(bytes, methodEnd, end, scan);
  }
  const versionEnd = scanVersion(bytes, at + 1, end, scan);
  const lineEnd = versionEnd > 0 ? lineEndAt(bytes, versionEnd, end) : versionEnd;
  if (lineEnd === NOT_A_HEAD) return scanLooseRequestLine(bytes, methodEnd, end, scan);
  scan.isPreface = scan.versionMajor === 2 && at - start === 5 && bytes[start] === 0x50;
  return lineEnd;
}

export function scanStatusLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  scan: HeadScan,
): number {
  if (!startsVersion(bytes, start, end)) return NOT_A_HEAD;
  let at = scanVersion(bytes, start, end, scan);
  if (at === NEEDS_MORE || at === end) return NEEDS_MORE;
  if (at < 0 || bytes[at] !== SPACE) return scanLooseStatusLine(bytes, start, end, scan);
  at += 1;
  for (let digits = 0; digits < 3; digits += 1, at += 1) {
    if (at === end) return NEEDS_MORE;
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return scanLooseStatusLine(bytes, start, end, scan);
    scan.status = scan.status * 10 + digit;
  }
  if (at === end) return NEEDS_MORE;
  const next = bytes[at] ?? 0;
  if (next !== SPACE && next !== CR && next !== LF) {
    return scanLooseStatusLine(bytes, start, end, scan);
  }
  return scanReason(bytes, at, end, scan);
}

/** What a server answers although it is no request line by the book: nobody knows how it read it. */
function scanLooseRequestLine(
  bytes: Uint8Array,
  methodEnd: number,
  end: number,
  scan: HeadScan,
): number {
  const lineFeed = findLineEnd(bytes, methodEnd, end);
  if (lineFeed <= 0) return lineFeed;
  const lineEnd = trimEnd(bytes, methodEnd, lineFeed);
  let version = lineEnd;
  while (version > methodEnd && !isBlank(bytes[version - 1])) version -= 1;
  const targetEnd = trimEnd(bytes, methodEnd, version);
  if (targetEnd === methodEnd || targetEnd === version) return NOT_A_HEAD;
  if (!readLooseVersion(bytes, version, lineEnd, scan)) return NOT_A_HEAD;
  scan.markAmbiguous("request-line");
  return lineFeed + 1;
}

function scanLooseStatusLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  scan: HeadScan,
): number {
  const lineFeed = findLineEnd(bytes, start, end);
  if (lineFeed <= 0) return lineFeed;
  let at = start;
  while (at < lineFeed && !isBlank(bytes[at]) && bytes[at] !== CR) at += 1;
  if (!readLooseVersion(bytes, start, at, scan)) return NOT_A_HEAD;
  while (isBlank(bytes[at])) at += 1;
  let status = 0;
  const first = at;
  while (isDigit(bytes[at])) {
    status = status * 10 + (bytes[at] ?? 0) - 0x30;
    at += 1;
  }
  const next = bytes[at] ?? 0;
  const isStatus = at - first === 3 && (isBlank(next) || next === CR || next === LF);
  if (!isStatus) return NOT_A_HEAD;
  scan.status = status;
  scan.markAmbiguous("status-line");
  return lineFeed + 1;
}

/** `HTTP/`, a number, and more numbers behind dots; only the first two are of use. */
function readLooseVersion(bytes: Uint8Array, from: number, to: number, scan: HeadScan): boolean {
  const numbers = from + HTTP_SLASH.length;
  if (numbers >= to || !startsVersion(bytes, from, to) || !isDigit(bytes[numbers])) return false;
  const parts = [0, 0];
  let dots = 0;
  for (let at = numbers; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === DOT) dots += 1;
    else if (!isDigit(byte)) return false;
    else if (dots < parts.length) parts[dots] = (parts[dots] ?? 0) * 10 + byte - 0x30;
  }
  scan.versionMajor = parts[0] ?? 0;
  scan.versionMinor = parts[1] ?? 0;
  return true;
}

/** The place of the LF, `NEEDS_MORE`, or `NOT_A_HEAD` at a byte that no line of text has. */
function findLineEnd(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === LF) return at;
    if (FIELD[byte] === 0 && byte !== CR) return NOT_A_HEAD;
  }
  return NEEDS_MORE;
}

/** Behind the last byte that is neither blank nor the line's CR. */
function trimEnd(bytes: Uint8Array, from: number, to: number): number {
  let at = to;
  if (at > from && bytes[at - 1] === CR) at -= 1;
  while (at > from && isBlank(bytes[at - 1])) at -= 1;
  return at;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function scanReason(bytes: Uint8Array, from: number, end: number, scan: HeadScan): number {
  let at = from;
  while (at < end && bytes[at] !== LF) {
    const byte = bytes[at] ?? 0;
    if (FIELD[byte] === 0 && !(byte === CR && (at + 1 === end || bytes[at + 1] === LF))) {
      scan.markAmbiguous("status-line");
    }
    at += 1;
  }
  return at === end ? NEEDS_MORE : at + 1;
}

/** Whether `HTTP/`, or as much of it as is here, stands at `at`. */
function startsVersion(bytes: Uint8Array, at: number, end: number): boolean {
  for (let i = 0; i < HTTP_SLASH.length && at + i < end; i += 1) {
    if (bytes[at + i] !== HTTP_SLASH[i]) return false;
  }
  return true;
}

/** `HTTP/1.1`; returns the place behind it. */
function scanVersion(bytes: Uint8Array, at: number, end: number, scan: HeadScan): number {
  if (!startsVersion(bytes, at, end)) return NOT_A_HEAD;
  const digits = at + HTTP_SLASH.length;
  if (digits + 3 > end) {
    // Fewer bytes than a version has: those that are here must fit all the same.
    const fits =
      (digits >= end || isDigit(bytes[digits])) && (digits + 1 >= end || bytes[digits + 1] === DOT);
    return fits ? NEEDS_MORE : NOT_A_HEAD;
  }
  if (!isDigit(bytes[digits]) || bytes[digits + 1] !== DOT || !isDigit(bytes[digits + 2])) {
    return NOT_A_HEAD;
  }
  scan.versionMajor = (bytes[digits] ?? 0) - 0x30;
  scan.versionMinor = (bytes[digits + 2] ?? 0) - 0x30;
  if (scan.versionMajor !== 1) scan.markAmbiguous("version");
  return digits + 3;
}

/** CR LF or LF at `at`; returns the place behind it. */
function lineEndAt(bytes: Uint8Array, at: number, end: number): number {
  if (at === end) return NEEDS_MORE;
  if (bytes[at] === LF) return at + 1;
  if (bytes[at] !== CR) return NOT_A_HEAD;
  if (at + 1 === end) return NEEDS_MORE;
  return bytes[at + 1] === LF ? at + 2 : NOT_A_HEAD;
}

function methodKind(bytes: Uint8Array, start: number, length: number): MethodKind {
  if (length === 4 && isWord(bytes, start, "HEAD")) return MethodKind.head;
  if (length === 7 && isWord(bytes, start, "CONNECT")) return MethodKind.connect;
  return MethodKind.other;
}

/** Methods are case-sensitive (RFC 9110 9.1). */
function isWord(bytes: Uint8Array, start: number, word: string): boolean {
  for (let i = 0; i < word.length; i += 1) {
    if (bytes[start + i] !== word.charCodeAt(i)) return false;
  }
  return true;
}
