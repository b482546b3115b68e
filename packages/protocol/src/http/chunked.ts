/**
 * The chunked transfer coding of RFC 9112 section 7.1, for whole bodies in memory.
 *
 * In: the bytes after a head. Out: content, trailer fields, and whether the terminating chunk was seen.
 * Malformed input yields what came before the fault and `complete: false`; nothing throws. Streams that
 * arrive in pieces are not this file's business.
 */

export interface DechunkedBody {
  readonly content: Uint8Array;
  readonly trailers: readonly string[];
  readonly complete: boolean;
  /** Bytes that the coding took: up to and with its last line when it is complete. */
  readonly length: number;
}

/** Sixteen hex digits cannot be a length that fits in memory; more is an attack (RFC 9112 7.1). */
const CHUNK_SIZE_DIGITS_MAX = 13;
const LF = 0x0a;
const CR = 0x0d;

export function dechunk(bytes: Uint8Array): DechunkedBody {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf(LF, at);
    if (lineEnd < 0) return joined(chunks, [], false, bytes.length);
    const size = parseChunkSize(bytes, at, lineEnd);
    if (size === undefined) return joined(chunks, [], false, bytes.length);
    at = lineEnd + 1;
    if (size === 0) return readTrailers(bytes, at, chunks);
    if (at + size > bytes.length) {
      chunks.push(bytes.subarray(at));
      return joined(chunks, [], false, bytes.length);
    }
    chunks.push(bytes.subarray(at, at + size));
    at += size;
    if (bytes[at] === CR) at += 1;
    if (bytes[at] !== LF) return joined(chunks, [], false, bytes.length);
    at += 1;
  }
}

function parseChunkSize(bytes: Uint8Array, start: number, end: number): number | undefined {
  let size = 0;
  let digits = 0;
  for (let i = start; i < end; i += 1) {
    const digit = hexDigit(bytes[i] ?? 0);
    if (digit < 0) break;
    digits += 1;
    if (digits > CHUNK_SIZE_DIGITS_MAX) return undefined;
    size = size * 16 + digit;
  }
  return digits === 0 ? undefined : size;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function readTrailers(bytes: Uint8Array, from: number, chunks: Uint8Array[]): DechunkedBody {
  const trailers: string[] = [];
  let at = from;
  for (;;) {
    const lineEnd = bytes.indexOf(LF, at);
    if (lineEnd < 0) return joined(chunks, trailers, false, bytes.length);
    const end = bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    if (end <= at) return joined(chunks, trailers, true, lineEnd + 1);
    const line = latin1(bytes.subarray(at, end));
    const colon = line.indexOf(":");
    if (colon <= 0) return joined(chunks, trailers, false, bytes.length);
    trailers.push(line.slice(0, colon), line.slice(colon + 1).trim());
    at = lineEnd + 1;
  }
}

function joined(
  chunks: Uint8Array[],
  trailers: string[],
  complete: boolean,
  length: number,
): DechunkedBody {
  const content =
    chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  return { content, trailers, complete, length };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** Frames `content` as one chunk, the last chunk and `trailers`. */
export function enchunk(content: Uint8Array, trailers: readonly string[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  if (content.length > 0) {
    parts.push(Buffer.from(`${content.length.toString(16)}\r\n`, "latin1"), content);
    parts.push(Buffer.from("\r\n", "latin1"));
  }
  let end = "0\r\n";
  for (let i = 0; i + 1 < trailers.length; i += 2) end += `${trailers[i]}: ${trailers[i + 1]}\r\n`;
  parts.push(Buffer.from(`${end}\r\n`, "latin1"));
  return parts;
}
