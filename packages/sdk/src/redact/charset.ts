/**
 * From bytes to text and back, such that what is not changed comes out as it was. In: bytes and what the head says of their charset.
 * Throws `CannotLook` for charsets in which ASCII is not spelled as ASCII and that are not read here.
 */
import { isUtf8 } from "node:buffer";
import { CannotLook } from "./replacer.ts";

export type Charset = "utf8" | "latin1" | "utf16le" | "utf16be";

/** So many bytes tell whether a text is UTF-16, or none at all. */
const LOOKED_BYTES = 512;
/** Shares of zeros among all bytes: on the side of the upper halves, and on the other. */
const WIDE_ZEROS_MIN = 0.35;
const OTHER_ZEROS_MAX = 0.05;
const UTF8 = /^(?:utf-?8|us-ascii)$/;
/** One byte a character, the lower half ASCII: names and values are found, the rest is carried as it is. */
const ASCII_AND_MORE = /^(?:iso-8859-\d{1,2}|latin-?\d|windows-125\d|cp125\d|koi8-[ru])$/;
const UTF16 = /^(?:utf-?16(?:le|be)?|ucs-2|iso-10646-ucs-2)$/;

/** The charset that the type names and the bytes agree with. Bytes that are not UTF-8 are read one a character. */
export function charsetOf(contentType: string, bytes: Uint8Array): Charset {
  const said = /;\s*charset\s*=\s*["']?([^\s"';]+)/i.exec(contentType)?.[1]?.toLowerCase();
  if (isUtf32(bytes)) throw new CannotLook("written in UTF-32");
  const seen = wideCharset(bytes);
  if (said === undefined || UTF8.test(said)) return seen ?? (isUtf8(bytes) ? "utf8" : "latin1");
  if (ASCII_AND_MORE.test(said)) return seen ?? "latin1";
  if (UTF16.test(said)) return seen ?? (said.endsWith("le") ? "utf16le" : "utf16be");
  throw new CannotLook(`written in ${said}`);
}

/** Neither text in a charset that is read here nor close to it: pictures, archives, binary formats. */
export function isBinary(bytes: Uint8Array): boolean {
  if (isUtf32(bytes) || wideCharset(bytes) !== undefined) return false;
  const end = Math.min(bytes.length, LOOKED_BYTES);
  for (let i = 0; i < end; i += 1) {
    const byte = bytes[i] ?? 0;
    if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x0c && byte !== 0x1e) return true; // prettier-ignore
  }
  return false;
}

export function textOf(bytes: Uint8Array, charset: Charset): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (charset === "utf16be") return Buffer.from(buffer).swap16().toString("utf16le");
  return buffer.toString(charset);
}

export function bytesOf(text: string, charset: Charset): Uint8Array {
  if (charset === "utf16be") return Buffer.from(text, "utf16le").swap16();
  return Buffer.from(text, charset);
}

/** UTF-16, told by a byte order mark or by its zeros: every second byte of what is mostly ASCII. */
function wideCharset(bytes: Uint8Array): "utf16le" | "utf16be" | undefined {
  const [first = 1, second = 1] = bytes;
  const isMarked = (first === 0xfe && second === 0xff) || (first === 0xff && second === 0xfe);
  if (first !== 0 && second !== 0 && !isMarked) return undefined;
  const zeros = [0, 0];
  const end = Math.min(bytes.length, LOOKED_BYTES) & ~1;
  for (let i = 0; i < end; i += 1) if (bytes[i] === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  const isWide =
    Math.max(even, odd) >= end * WIDE_ZEROS_MIN && Math.min(even, odd) <= end * OTHER_ZEROS_MAX;
  if (!isMarked && !isWide) return undefined;
  // The odd byte would not come out as it was.
  if (bytes.length % 2 !== 0) throw new CannotLook("half a character");
  return first === 0xff || (first !== 0xfe && odd > even) ? "utf16le" : "utf16be";
}

/** UTF-32 is not read: its first character is ASCII, or a byte order mark. */
function isUtf32(bytes: Uint8Array): boolean {
  const [a = 1, b = 1, c = 1, d = 1] = bytes;
  if (a === 0 && b === 0) return (c === 0 && d > 0x08 && d < 0x7f) || (c === 0xfe && d === 0xff);
  return b === 0 && c === 0 && d === 0
    ? a > 0x08 && a < 0x7f
    : a === 0xff && b === 0xfe && c === 0 && d === 0;
}
