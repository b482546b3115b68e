/**
 * One pass over the bytes of a head: finds its end, reads the start line and the fields that decide framing, and says
 * what makes the framing doubtful. Makes no string of any other field; a small head costs about a nanosecond a byte.
 *
 * In: bytes and the place where a message should start. Out: the place behind the blank line, and a `HeadScan`, which is
 * reused. It observes: what is wrong is named, and read the way RFC 9112 tells a recipient to when it goes on at all.
 */
import { REPLAY_FIELD } from "@mirrorball/protocol";
import { plainNumber } from "./plain-number.ts";

/** Methods whose responses are framed in another way. */
export const MethodKind = { other: 0, head: 1, connect: 2 } as const;
export type MethodKind = (typeof MethodKind)[keyof typeof MethodKind];

/** What Transfer-Encoding says: absent, chunked at the end as it must be, or anything else. */
export const Coding = { none: 0, chunked: 1, other: 2, invalid: 3 } as const;
export type Coding = (typeof Coding)[keyof typeof Coding];

/** Returned instead of an end. */
export const NEEDS_MORE = 0;
export const NOT_A_HEAD: number = -1;

export class HeadScan {
  method: MethodKind = MethodKind.other;
  status = 0;
  versionMajor = 1;
  versionMinor = 1;
  /** The method is `PRI`, as in the preface of HTTP/2. */
  isPreface = false;
  /** -1: absent. */
  contentLength = -1;
  contentLengthInvalid = false;
  coding: Coding = Coding.none;
  /** The value of Upgrade, lower case; read of responses only. */
  upgrade = "";
  /** Carries the mark of a replay that a mirrorball server sent. */
  isReplay = false;
  fields = 0;
  /** The first reason to distrust the framing, or "". */
  ambiguity = "";

  reset(): void {
    this.method = MethodKind.other;
    this.status = 0;
    this.versionMajor = 1;
    this.versionMinor = 1;
    this.isPreface = false;
    this.contentLength = -1;
    this.contentLengthInvalid = false;
    this.coding = Coding.none;
    this.upgrade = "";
    this.isReplay = false;
    this.fields = 0;
    this.ambiguity = "";
  }

  doubt(reason: string): void {
    if (this.ambiguity === "") this.ambiguity = reason;
  }
}

const HT = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const COLON = 0x3a;
const LOWER_CASE_BIT = 0x20;

/** 1 for the bytes of a token (RFC 9110 5.6.2). */
const TOKEN: Uint8Array = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  TOKEN[char.charCodeAt(0)] = 1;
}

/** 1 for the bytes that may stand in a field's value (RFC 9110 5.5), obsolete ones included. */
const VALUE: Uint8Array = new Uint8Array(256).fill(1, SP);
VALUE[HT] = 1;
VALUE[0x7f] = 0;

const CONTENT_LENGTH: Uint8Array = Buffer.from("content-length");
const TRANSFER_ENCODING: Uint8Array = Buffer.from("transfer-encoding");
const UPGRADE: Uint8Array = Buffer.from("upgrade");
const REPLAY: Uint8Array = Buffer.from(REPLAY_FIELD.toLowerCase());
const HTTP_SLASH: Uint8Array = Buffer.from("HTTP/");

/**
 * Scans the head that starts at `start`; bytes from `end` on are not looked at. Returns the place behind its blank line,
 * `NEEDS_MORE`, or `NOT_A_HEAD` when what is there can be no start line.
 */
export function scanHead(
  bytes: Uint8Array,
  start: number,
  end: number,
  isRequest: boolean,
  scan: HeadScan,
): number {
  scan.reset();
  const fieldsAt = isRequest
    ? scanRequestLine(bytes, start, end, scan)
    : scanStatusLine(bytes, start, end, scan);
  return fieldsAt <= 0 ? fieldsAt : scanFields(bytes, fieldsAt, end, isRequest, scan);
}

/** Returns the place behind the line. */
function scanRequestLine(bytes: Uint8Array, start: number, end: number, scan: HeadScan): number {
  let at = start;
  while (at < end && TOKEN[bytes[at] ?? 0] === 1) at += 1;
  if (at === end) return NEEDS_MORE;
  if (bytes[at] !== SP || at === start) return NOT_A_HEAD;
  scan.method = methodKind(bytes, start, at - start);
  const target = at + 1;
  at = target;
  while (at < end && (bytes[at] ?? 0) > SP) at += 1;
  if (at === end) return NEEDS_MORE;
  if (at === target) return NOT_A_HEAD;
  if (bytes[at] !== SP || !startsVersion(bytes, at + 1, end)) {
    return scanLooseRequestLine(bytes, at, end, scan);
  }
  const lineEnd = scanVersion(bytes, at + 1, end, scan);
  if (lineEnd <= 0) return lineEnd;
  scan.isPreface = scan.versionMajor === 2 && at - start === 5 && bytes[start] === 0x50;
  return lineEndAt(bytes, lineEnd, end);
}

/** A target with white space in it: some servers take it, so it is a request, and nobody knows which. */
function scanLooseRequestLine(
  bytes: Uint8Array,
  from: number,
  end: number,
  scan: HeadScan,
): number {
  let space = -1;
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === SP) space = at;
    if (byte === LF) {
      if (space < 0) return NOT_A_HEAD;
      const lineEnd = scanVersion(bytes, space + 1, at + 1, scan);
      if (lineEnd <= 0) return NOT_A_HEAD;
      scan.doubt("request-line");
      return lineEndAt(bytes, lineEnd, end);
    }
    if (VALUE[byte] === 0 && byte !== CR) return NOT_A_HEAD;
  }
  return NEEDS_MORE;
}

function scanStatusLine(bytes: Uint8Array, start: number, end: number, scan: HeadScan): number {
  let at = scanVersion(bytes, start, end, scan);
  if (at <= 0) return at;
  if (at === end) return NEEDS_MORE;
  if (bytes[at] !== SP) return NOT_A_HEAD;
  at += 1;
  for (let digits = 0; digits < 3; digits += 1, at += 1) {
    if (at === end) return NEEDS_MORE;
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return NOT_A_HEAD;
    scan.status = scan.status * 10 + digit;
  }
  if (at === end) return NEEDS_MORE;
  const next = bytes[at] ?? 0;
  if (next !== SP && next !== CR && next !== LF) return NOT_A_HEAD;
  while (at < end && bytes[at] !== LF) {
    const byte = bytes[at] ?? 0;
    if (VALUE[byte] === 0 && !(byte === CR && (at + 1 === end || bytes[at + 1] === LF))) {
      scan.doubt("status-line");
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
    const rest = Buffer.from(bytes.subarray(Math.min(digits, end), end)).toString("latin1");
    return /^(?:\d(?:\.\d?)?)?$/.test(rest) ? NEEDS_MORE : NOT_A_HEAD;
  }
  const major = (bytes[digits] ?? 0) - 0x30;
  const minor = (bytes[digits + 2] ?? 0) - 0x30;
  if (major < 0 || major > 9 || minor < 0 || minor > 9 || bytes[digits + 1] !== 0x2e) {
    return NOT_A_HEAD;
  }
  scan.versionMajor = major;
  scan.versionMinor = minor;
  if (major !== 1) scan.doubt("version");
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

function scanFields(
  bytes: Uint8Array,
  from: number,
  end: number,
  isRequest: boolean,
  scan: HeadScan,
): number {
  let at = from;
  /** The length of the name before, when it decides framing: a folded line would go on with its value. */
  let framingBefore = false;
  while (at < end) {
    const first = bytes[at] ?? 0;
    if (first === LF) return at + 1;
    if (first === CR) {
      if (at + 1 === end) return NEEDS_MORE;
      if (bytes[at + 1] === LF) return at + 2;
    }
    let valueAt = at;
    let name = 0;
    if (first === SP || first === HT) {
      doubtFold(scan, framingBefore);
    } else {
      while (valueAt < end && TOKEN[bytes[valueAt] ?? 0] === 1) valueAt += 1;
      name = valueAt - at;
      if (valueAt < end && bytes[valueAt] !== COLON) valueAt = doubtName(bytes, valueAt, end, scan);
      else if (name === 0) scan.doubt("empty-name");
      valueAt += 1;
      scan.fields += 1;
    }
    let lineEnd = valueAt;
    while (lineEnd < end) {
      const byte = bytes[lineEnd] ?? 0;
      if (VALUE[byte] === 0) {
        if (byte === LF) break;
        if (byte !== CR) scan.doubt("control-byte");
        else if (lineEnd + 1 < end && bytes[lineEnd + 1] !== LF) scan.doubt("bare-cr");
      }
      lineEnd += 1;
    }
    if (lineEnd >= end) return NEEDS_MORE;
    const stop = bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    framingBefore =
      name === 0 ? framingBefore : readField(bytes, at, name, valueAt, stop, isRequest, scan);
    at = lineEnd + 1;
  }
  return NEEDS_MORE;
}

function doubtFold(scan: HeadScan, framingBefore: boolean): void {
  if (scan.fields === 0) {
    scan.doubt("space-before-fields");
  } else if (framingBefore) {
    scan.doubt("folded-framing");
    if (scan.coding !== Coding.none) scan.coding = Coding.invalid;
    else scan.contentLengthInvalid = true;
  }
}

/** The name is followed by something else than a colon. Returns the colon's place, or where the line has none, its end. */
function doubtName(bytes: Uint8Array, from: number, end: number, scan: HeadScan): number {
  let at = from;
  while (at < end && (bytes[at] === SP || bytes[at] === HT)) at += 1;
  if (at < end && bytes[at] === COLON) {
    scan.doubt("space-before-colon");
    return at;
  }
  while (at < end && bytes[at] !== COLON && bytes[at] !== LF) at += 1;
  if (at < end) scan.doubt(bytes[at] === LF ? "no-colon" : "field-name");
  // One back at a line's end, so that the search for the end of the value finds it.
  return at < end && bytes[at] === LF ? at - 1 : at;
}

/** Reads a field if it is one of the few that matter; says whether it decides framing. */
function readField(
  bytes: Uint8Array,
  start: number,
  nameLength: number,
  valueAt: number,
  valueEnd: number,
  isRequest: boolean,
  scan: HeadScan,
): boolean {
  if (nameLength === CONTENT_LENGTH.length && isName(bytes, start, CONTENT_LENGTH)) {
    readContentLength(bytes, valueAt, valueEnd, scan);
    return true;
  }
  if (nameLength === TRANSFER_ENCODING.length && isName(bytes, start, TRANSFER_ENCODING)) {
    readTransferEncoding(textOf(bytes, valueAt, valueEnd), scan);
    return true;
  }
  if (nameLength === REPLAY.length && isName(bytes, start, REPLAY)) scan.isReplay = true;
  if (!isRequest && nameLength === UPGRADE.length && isName(bytes, start, UPGRADE)) {
    scan.upgrade = textOf(bytes, valueAt, valueEnd).trim().toLowerCase();
  }
  return false;
}

function isName(bytes: Uint8Array, start: number, lower: Uint8Array): boolean {
  for (let i = 0; i < lower.length; i += 1) {
    const byte = bytes[start + i] ?? 0;
    if (byte !== lower[i] && (byte | LOWER_CASE_BIT) !== lower[i]) return false;
  }
  return true;
}

function readContentLength(bytes: Uint8Array, from: number, to: number, scan: HeadScan): void {
  const plain = plainNumber(bytes, from, to);
  if (plain >= 0 && scan.contentLength < 0 && !scan.contentLengthInvalid) {
    scan.contentLength = plain;
    return;
  }
  const text = trimBlanks(textOf(bytes, from, to));
  // RFC 9112 6.3: a list of equal numbers may be read as one; senders of such lists are not to be trusted.
  const parts = text.includes(",") ? text.split(",").map(trimBlanks) : [text];
  if (parts.length > 1 || scan.contentLength >= 0) scan.doubt("content-length-twice");
  for (const part of parts) {
    const value = /^\d+$/.test(part) ? Number(part) : -1;
    const fits = value >= 0 && value <= Number.MAX_SAFE_INTEGER;
    if (!fits || (scan.contentLength >= 0 && scan.contentLength !== value)) {
      scan.contentLengthInvalid = true;
      scan.doubt(fits ? "content-length-differs" : "content-length-invalid");
    } else {
      scan.contentLength = value;
    }
  }
}

/** Codings that a proxy may add (RFC 9112 7.2); anything else is nothing that a server would undo. */
const OTHER_CODINGS: ReadonlySet<string> = new Set([
  "gzip",
  "x-gzip",
  "deflate",
  "compress",
  "x-compress",
]);

function readTransferEncoding(value: string, scan: HeadScan): void {
  for (const part of value.split(",")) {
    const coding = trimBlanks(part).toLowerCase();
    const known = coding === "chunked" || OTHER_CODINGS.has(coding);
    // Chunked must be the last, and once.
    if (!known || scan.coding === Coding.chunked || scan.coding === Coding.invalid) {
      scan.coding = Coding.invalid;
      scan.doubt("transfer-encoding");
    } else {
      scan.coding = coding === "chunked" ? Coding.chunked : Coding.other;
    }
  }
}

/** Blanks and tabs only (RFC 9110 5.6.3): `trim` would also take the vertical tab that attackers send. */
function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.max(0, to - from)).toString(
    "latin1",
  );
}
