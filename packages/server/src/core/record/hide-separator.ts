/**
 * A message whose bytes would show the separator line, framed so that they do not: gor ends a record at every such line, so that
 * a body could hold a request of its own.
 *
 * In: a message. Out: the same in chunks that part between two bytes of the monkeys, and the field line that it had instead of
 * the one for chunks; and back. Undefined when it cannot be framed so: the line stands in its head, it is no HTTP/1.1, or
 * nothing says where its body ends.
 */
import { contentLength, dechunk, headEnd, isChunked, isResponseHead } from "@mirrorball/protocol";
import type { Head, HttpMessage } from "@mirrorball/protocol";
import { MONKEYS, showsSeparator } from "./separator.ts";

const CHUNKED_LINE = "Transfer-Encoding: chunked\r\n";
/** gor 1.2, 1.3 and 2.0 all read a line that is cut here as none of theirs; beside the monkeys one or the other errs. */
const CUT_AFTER: number = MONKEYS.length / 2;

export interface Hidden {
  readonly bytes: Buffer;
  /** The field line whose place the one for chunks took: empty when there was none. Undefined when nothing is to be restored. */
  readonly line: string | undefined;
}

export function hideSeparator(http: HttpMessage): Hidden | undefined {
  const { head, raw } = http;
  if (head === undefined || head.version !== "HTTP/1.1") return undefined;
  const end = headEnd(raw);
  const text = latin1(raw, 0, end);
  const framed = frame(head, text, raw.subarray(end));
  return framed === undefined || showsSeparator(framed.bytes) ? undefined : framed;
}

function frame(head: Head, text: string, rest: Uint8Array): Hidden | undefined {
  if (isChunked(head)) {
    const { content, trailers, complete, length } = dechunk(rest);
    if (!complete || length !== rest.length) return undefined;
    return { bytes: inChunks(text, content, trailers, true), line: undefined };
  }
  if (fieldCount(head, "transfer-encoding") > 0) return undefined;
  const length = contentLength(head);
  if (length !== undefined) {
    const line = lengthLine(text);
    if (line === undefined || rest.length > length) return undefined;
    const chunked = text.replace(line, () => CHUNKED_LINE);
    // A body that breaks off breaks off in chunks as well.
    return { bytes: inChunks(chunked, rest, [], rest.length === length), line };
  }
  // Only a response may end with its connection, and not all of them have a body.
  if (!isResponseHead(head) || fieldCount(head, "content-length") > 0) return undefined;
  if (head.status < 200 || head.status === 204 || head.status === 304) return undefined;
  if (!text.endsWith("\r\n\r\n")) return undefined;
  const chunked = `${text.slice(0, -2)}${CHUNKED_LINE}\r\n`;
  return { bytes: inChunks(chunked, rest, [], true), line: "" };
}

/** The message as it was before `hideSeparator`; undefined when it is not what that makes. */
export function restoreHidden(bytes: Uint8Array, line: string): Buffer | undefined {
  if (line !== "" && !LENGTH_LINE.test(line)) return undefined;
  const end = headEnd(bytes);
  const text = latin1(bytes, 0, end);
  const at = text.indexOf(`\n${CHUNKED_LINE}`) + 1;
  if (at === 0) return undefined;
  const rest = bytes.subarray(end);
  const { content, trailers, complete, length } = dechunk(rest);
  if (trailers.length > 0 || (complete && length !== rest.length)) return undefined;
  const head = text.slice(0, at) + line + text.slice(at + CHUNKED_LINE.length);
  return Buffer.concat([Buffer.from(head, "latin1"), content]);
}

/** A field line of the one name that is ever replaced. */
const LENGTH_LINE = /^content-length:[\t ]*\d{1,15}[\t ]*\r?\n$/i;

/** The only one, not folded. */
function lengthLine(text: string): string | undefined {
  let found: string | undefined;
  for (let at = text.indexOf("\n") + 1; at > 0 && at < text.length;) {
    const next = text.indexOf("\n", at) + 1;
    const line = text.slice(at, next === 0 ? text.length : next);
    if (line.slice(0, "content-length:".length).toLowerCase() === "content-length:") {
      if (found !== undefined || !LENGTH_LINE.test(line)) return undefined;
      found = line;
    }
    if (next === 0) break;
    at = next;
  }
  // Another line may hold the same text behind its own name.
  return found !== undefined && text.indexOf(found) === text.indexOf(`\n${found}`) + 1
    ? found
    : undefined;
}

function fieldCount({ headers }: Head, name: string): number {
  let count = 0;
  for (let i = 0; i < headers.length; i += 2) if (headers[i]?.toLowerCase() === name) count += 1;
  return count;
}

function inChunks(
  head: string,
  content: Uint8Array,
  trailers: readonly string[],
  ends: boolean,
): Buffer {
  const bytes = asBuffer(content);
  const pieces: Uint8Array[] = [Buffer.from(head, "latin1")];
  let start = 0;
  while (start < bytes.length) {
    const monkeys = bytes.indexOf(MONKEYS, start);
    const end = monkeys < 0 ? bytes.length : monkeys + CUT_AFTER;
    pieces.push(Buffer.from(`${(end - start).toString(16)}\r\n`), bytes.subarray(start, end), CRLF);
    start = end;
  }
  let last = ends ? "0\r\n" : "";
  for (let i = 0; i + 1 < trailers.length; i += 2) last += `${trailers[i]}: ${trailers[i + 1]}\r\n`;
  pieces.push(Buffer.from(ends ? `${last}\r\n` : "", "latin1"));
  return Buffer.concat(pieces);
}

const CRLF: Buffer = Buffer.from("\r\n");

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return asBuffer(bytes).toString("latin1", start, end);
}
