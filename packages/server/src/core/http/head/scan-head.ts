/**
 * One pass over the bytes of a head: finds its end, reads the start line and the fields that decide framing, and says
 * what makes the framing doubtful. Makes no string of any other field; a small head costs about a nanosecond a byte.
 *
 * In: bytes and the place where a message should start. Out: the place behind the blank line, and a `HeadScan`, which is
 * reused. It observes: what is wrong is named, and read the way RFC 9112 tells a recipient to when it goes on at all.
 */
import { REPLAY_FIELD } from "@mirrorball/protocol";
import { FIELD, TOKEN } from "./bytes.ts";
import { Coding, NEEDS_MORE } from "./head-scan.ts";
import type { HeadScan } from "./head-scan.ts";
import { plainNumber } from "./plain-number.ts";
import { scanRequestLine, scanStatusLine } from "./scan-start-line.ts";

const HT = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const COLON = 0x3a;
const LOWER_CASE_BIT = 0x20;

const CONTENT_LENGTH: Uint8Array = Buffer.from("content-length");
const TRANSFER_ENCODING: Uint8Array = Buffer.from("transfer-encoding");
const UPGRADE: Uint8Array = Buffer.from("upgrade");
const REPLAY: Uint8Array = Buffer.from(REPLAY_FIELD.toLowerCase());

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
      markFold(scan, framingBefore);
    } else {
      while (valueAt < end && TOKEN[bytes[valueAt] ?? 0] === 1) valueAt += 1;
      name = valueAt - at;
      if (valueAt < end && bytes[valueAt] !== COLON) valueAt = markName(bytes, valueAt, end, scan);
      else if (name === 0) scan.markAmbiguous("empty-name");
      valueAt += 1;
      scan.fields += 1;
    }
    const lineEnd = lineEndOf(bytes, valueAt, end, scan);
    if (lineEnd >= end) return NEEDS_MORE;
    const stop = bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    framingBefore =
      name === 0 ? framingBefore : readField(bytes, at, name, valueAt, stop, isRequest, scan);
    at = lineEnd + 1;
  }
  return NEEDS_MORE;
}

/** The place of the line's LF, or `end`. */
function lineEndOf(bytes: Uint8Array, from: number, end: number, scan: HeadScan): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    if (FIELD[byte] === 0) {
      if (byte === LF) break;
      if (byte !== CR) scan.markAmbiguous("control-byte");
      else if (at + 1 < end && bytes[at + 1] !== LF) scan.markAmbiguous("bare-cr");
    }
    at += 1;
  }
  return at;
}

function markFold(scan: HeadScan, framingBefore: boolean): void {
  if (scan.fields === 0) {
    scan.markAmbiguous("space-before-fields");
  } else if (framingBefore) {
    scan.markAmbiguous("folded-framing");
    if (scan.coding !== Coding.none) scan.coding = Coding.invalid;
    else scan.contentLengthInvalid = true;
  }
}

/** The name is followed by something else than a colon. Returns the colon's place, or where the line has none, its end. */
function markName(bytes: Uint8Array, from: number, end: number, scan: HeadScan): number {
  let at = from;
  while (at < end && (bytes[at] === SP || bytes[at] === HT)) at += 1;
  if (at < end && bytes[at] === COLON) {
    scan.markAmbiguous("space-before-colon");
    return at;
  }
  while (at < end && bytes[at] !== COLON && bytes[at] !== LF) at += 1;
  if (at < end) scan.markAmbiguous(bytes[at] === LF ? "no-colon" : "field-name");
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
  if (parts.length > 1 || scan.contentLength >= 0) scan.markAmbiguous("content-length-twice");
  for (const part of parts) {
    const value = /^\d+$/.test(part) ? Number(part) : -1;
    const fits = value >= 0 && value <= Number.MAX_SAFE_INTEGER;
    if (!fits || (scan.contentLength >= 0 && scan.contentLength !== value)) {
      scan.contentLengthInvalid = true;
      scan.markAmbiguous(fits ? "content-length-differs" : "content-length-invalid");
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
      scan.markAmbiguous("transfer-encoding");
    } else {
      scan.coding = coding === "chunked" ? Coding.chunked : Coding.other;
    }
  }
}

/** Blanks and tabs only (RFC 9110 5.6.3): `trim` would also take the vertical tab that attackers send. */
function trimBlanks(text: string): string {
  let first = 0;
  let last = text.length;
  while (first < last && isBlank(text.charCodeAt(first))) first += 1;
  while (last > first && isBlank(text.charCodeAt(last - 1))) last -= 1;
  return text.slice(first, last);
}

function isBlank(code: number): boolean {
  return code === SP || code === HT;
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.max(0, to - from)).toString(
    "latin1",
  );
}
