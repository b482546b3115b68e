/**
 * A request as the bytes that go to a target. In: a recorded head and body, and what the target wants changed. Out:
 * the bytes of the head (with small bodies behind it), or why the request cannot be sent.
 *
 * Every field goes out where it stood, as it was spelled. Changed in place: the value of Host and of Authorization,
 * and a length that is not the body's. Left out: what speaks of one connection only (RFC 9110 7.6.1, and what
 * `Connection` lists), `Expect`, and framing that contradicts the body. Every byte is checked as it is written, so
 * that one recorded request is exactly one request, whatever was recorded.
 *
 * Bytes are put into one buffer that is used again and again: nothing is allocated for a request.
 */
import { REPLAY_FIELD } from "@mirrorball/protocol";
import type { HeaderList } from "@mirrorball/protocol";
import { FIELD, TOKEN } from "../head/bytes.ts";
import {
  FieldPart,
  hasListedFields,
  isPlainKeepAlive,
  listedFields,
  partOf,
} from "./hop-fields.ts";

/** Bytes of a request head; a target would refuse more. */
const HEAD_BYTES_MAX = 256 * 1024;
/** Bytes the buffer starts with: most heads and small bodies. It doubles. */
const BUFFER_BYTES_START = 16 * 1024;
/** A body up to this size is copied behind its head: one write costs less than two. */
const COPIED_BODY_BYTES_MAX = 16 * 1024;

export interface RequestParts {
  readonly method: string;
  /** The request target. */
  readonly path: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
  readonly trailers: HeaderList;
  /** Replaces the recorded Host; undefined keeps that, if there is one. */
  readonly host: string | undefined;
  /** Sent when none is recorded; HTTP/1.1 requires one. */
  readonly hostDefault: string;
  /** Replaces the recorded Authorization, or is added. */
  readonly authorization: string | undefined;
  /** Adds the mark of a replay. */
  readonly marked: boolean;
  /** Set when a proxy takes the request on: the target in absolute form, and the proxy's own credentials. */
  readonly via: Via | undefined;
}

export interface Via {
  /** `http://staging:8080`, what stands in front of the path. */
  readonly origin: string;
  readonly authorization: string | undefined;
}

export class RequestWriter {
  /** The request's first bytes are `bytes[0..length)`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES_START);
  length = 0;
  /** What is to be written behind them: a body that was not copied, and what frames its end. */
  rest: Uint8Array[] = [];
  #valid = true;
  #chunked = false;
  #lengthWritten = false;
  #hostWritten = false;
  #authorized = false;

  /** Forgets the buffer: somebody else reads from it. */
  abandonBuffer(): void {
    this.bytes = Buffer.allocUnsafeSlow(this.bytes.length);
  }

  /** Writes the request; returns the rule it breaks, or undefined. */
  write(parts: RequestParts): string | undefined {
    const { method, path, headers, body, via } = parts;
    this.length = 0;
    if (this.rest.length > 0) this.rest = [];
    this.#valid = method.length > 0 && path.length > 0;
    this.#chunked = framedByChunks(headers);
    this.#lengthWritten = false;
    this.#hostWritten = false;
    this.#authorized = false;
    this.#token(method);
    this.#byte(0x20);
    if (via !== undefined) this.#target(via.origin);
    // RFC 9112 3.2.4: through a proxy `*` is an absolute form without a path.
    if (via === undefined || path !== "*") this.#target(path);
    this.#text(" HTTP/1.1\r\n");
    if (!this.#valid) return "malformed request line";
    this.#fields(parts);
    if (!this.#hostWritten) this.#field("Host", parts.host ?? parts.hostDefault);
    if (parts.authorization !== undefined && !this.#authorized)
      this.#field("Authorization", parts.authorization);
    if (via?.authorization !== undefined) this.#field("Proxy-Authorization", via.authorization);
    if (parts.marked) this.#field(REPLAY_FIELD, "1");
    if (!this.#chunked && !this.#lengthWritten && body.length > 0)
      this.#field("Content-Length", String(body.length));
    this.#text("\r\n");
    if (!this.#valid) return "forbidden character in a header field";
    if (this.length > HEAD_BYTES_MAX) return "the head is too long";
    if (this.#chunked) this.#chunks(body, parts.trailers);
    else if (body.length > 0) this.#content(body);
    return this.#valid ? undefined : "forbidden character in a trailer field";
  }

  #fields({ headers, host, authorization, body }: RequestParts): void {
    const listed = hasListedFields(headers) ? listedFields(headers) : undefined;
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = headers[i] ?? "";
      const value = headers[i + 1] ?? "";
      const part = partOf(name);
      if (part === FieldPart.endToEnd) {
        if (listed?.has(name.toLowerCase()) === true) continue;
        this.#field(name, value);
      } else if (part === FieldPart.host) {
        if (!this.#hostWritten) this.#field(name, host ?? value);
        this.#hostWritten = true;
      } else if (part === FieldPart.authorization) {
        if (authorization === undefined || !this.#authorized)
          this.#field(name, authorization ?? value);
        this.#authorized = true;
      } else if (part === FieldPart.connection) {
        if (isPlainKeepAlive(value)) this.#field(name, value);
      } else if (part === FieldPart.contentLength) {
        this.#recordedLength(name, value, body.length);
      } else if (part === FieldPart.framing) {
        // Exactly `chunked`, see `framedByChunks`; and Trailer, which announces what follows the chunks.
        if (this.#chunked) this.#field(name, value);
      }
    }
  }

  /** A correct length stays as it was spelled. */
  #recordedLength(name: string, value: string, bytes: number): void {
    if (this.#chunked || this.#lengthWritten) return;
    this.#lengthWritten = true;
    const right = /^\d{1,15}$/.test(value) && Number(value) === bytes;
    this.#field(name, right ? value : String(bytes));
  }

  #chunks(body: Uint8Array, trailers: HeaderList): void {
    if (body.length > 0) {
      this.#text(`${body.length.toString(16)}\r\n`);
      this.#content(body);
    }
    const head = this.length;
    this.#text(body.length > 0 ? "\r\n0\r\n" : "0\r\n");
    for (let i = 0; i + 1 < trailers.length; i += 2)
      this.#field(trailers[i] ?? "", trailers[i + 1] ?? "");
    this.#text("\r\n");
    if (this.rest.length === 0) return;
    // The body was not copied: what frames its end must come behind it.
    this.rest.push(Buffer.from(this.bytes.subarray(head, this.length)));
    this.length = head;
  }

  #content(body: Uint8Array): void {
    if (body.length > COPIED_BODY_BYTES_MAX) {
      this.rest.push(body);
      return;
    }
    this.#reserve(body.length);
    this.bytes.set(body, this.length);
    this.length += body.length;
  }

  #field(name: string, value: string): void {
    this.#token(name);
    this.#byte(0x3a);
    this.#byte(0x20);
    this.#characters(value, FIELD);
    this.#byte(0x0d);
    this.#byte(0x0a);
  }

  #token(text: string): void {
    if (text.length === 0) this.#valid = false;
    this.#characters(text, TOKEN);
  }

  /** No blank may split a request line, no control character may end it. */
  #target(text: string): void {
    this.#characters(text, FIELD);
    const end = this.length;
    for (let at = end - text.length; at < end; at += 1)
      if ((this.bytes[at] ?? 0) <= 0x20) this.#valid = false;
  }

  /** Copies one byte a character and refuses all that `allowed` has not, whatever is above 0xff included. */
  #characters(text: string, allowed: Uint8Array): void {
    const size = text.length;
    this.#reserve(size);
    const { bytes } = this;
    let at = this.length;
    let valid = true;
    for (let i = 0; i < size; i += 1) {
      const code = text.charCodeAt(i);
      if (allowed[code] !== 1) valid = false;
      bytes[at] = code;
      at += 1;
    }
    this.length = at;
    if (!valid) this.#valid = false;
  }

  /** A text of ours. */
  #text(text: string): void {
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i += 1) this.bytes[this.length + i] = text.charCodeAt(i);
    this.length += text.length;
  }

  #byte(code: number): void {
    if (this.length === this.bytes.length) this.#reserve(1);
    this.bytes[this.length] = code;
    this.length += 1;
  }

  #reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

/** True when the one Transfer-Encoding is plainly `chunked`; anything else is sent with a length. */
function framedByChunks(headers: HeaderList): boolean {
  let chunked = false;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (name.length !== 17 || name.toLowerCase() !== "transfer-encoding") continue;
    if (chunked || (headers[i + 1] ?? "").toLowerCase() !== "chunked") return false;
    chunked = true;
  }
  return chunked;
}

/** The target as it may go to an origin server: a recorded absolute form must not choose the destination. */
export function originForm(target: string): string {
  if (target.charCodeAt(0) === 0x2f || target === "*") return target;
  const match = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i.exec(target);
  if (match === null) return "";
  const rest = target.slice(match[0].length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}
