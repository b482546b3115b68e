/**
 * `HttpMessage`: one HTTP/1 message that is born in one form and makes the other only when asked.
 *
 * Raw bytes (from a file, packets, gor) are parsed when somebody asks for `head` or `body`; parts (from the
 * SDK, from a replay) are serialised when somebody asks for `raw`. A message that is only stored is never
 * parsed and one that is only replayed is never serialised. `body` is content: transfer coding removed,
 * content coding kept. A head edit (`withHead`) makes a new message and can never reach into the body.
 */
import { dechunk, enchunk } from "./chunked.ts";
import { formatHead, headerValue, isResponseHead, parseHead } from "./head.ts";
import type { Head } from "./head.ts";

const EMPTY: Uint8Array = new Uint8Array(0);
const NO_TRAILERS: readonly string[] = [];
const CR = 0x0d;
const LF = 0x0a;

export class HttpMessage {
  readonly #bornRaw: boolean;
  #raw: Uint8Array | undefined;
  /** What follows the head on the wire, when the head is not the one it came with. */
  #rawBody: Uint8Array | undefined;
  /** Where the body begins in `#raw`; -1 until somebody asked. */
  #bodyAt = -1;
  #headText: string | undefined;
  #head: Head | undefined;
  #body: Uint8Array | undefined;
  #trailers: readonly string[] = NO_TRAILERS;
  #bodyComplete = true;
  #surplusBytes = 0;
  #byteLength = -1;

  private constructor(
    raw: Uint8Array | undefined,
    headText: string | undefined,
    head: Head | undefined,
    body: Uint8Array | undefined,
  ) {
    this.#bornRaw = raw !== undefined;
    this.#raw = raw;
    this.#headText = headText;
    this.#head = head;
    this.#body = body;
  }

  /** From the bytes on the wire, framing included. The array is kept, not copied. */
  static fromRaw(raw: Uint8Array): HttpMessage {
    return new HttpMessage(raw, undefined, undefined, undefined);
  }

  /** From a parsed head and a body without transfer coding. Both are kept, not copied. */
  static fromParts(
    head: Head,
    body: Uint8Array = EMPTY,
    trailers: readonly string[] = NO_TRAILERS,
  ): HttpMessage {
    const message = new HttpMessage(undefined, undefined, head, body);
    message.#trailers = trailers;
    return message;
  }

  /** From a head as text (latin1, blank line included) and a body without transfer coding. */
  static fromHeadText(
    text: string,
    body: Uint8Array = EMPTY,
    trailers: readonly string[] = NO_TRAILERS,
  ): HttpMessage {
    const message = new HttpMessage(undefined, text, undefined, body);
    message.#trailers = trailers;
    return message;
  }

  /**
   * The same message under another head. The body is kept as it is, as bytes, framing and trailers included, so
   * `head` must frame it as the old one did: who changes the body makes a message from parts.
   */
  withHead(head: Head): HttpMessage {
    const raw = this.#raw;
    const message = new HttpMessage(undefined, undefined, head, this.#body);
    message.#rawBody =
      this.#rawBody ?? (raw === undefined ? undefined : raw.subarray(headEnd(raw)));
    message.#trailers = this.#trailers;
    message.#bodyComplete = this.#bodyComplete;
    message.#surplusBytes = this.#surplusBytes;
    return message;
  }

  /** The head as text of a message born in parts; undefined when it was born as raw bytes. */
  get headText(): string | undefined {
    if (this.#bornRaw) return undefined;
    if (this.#headText === undefined && this.#head !== undefined) {
      return formatHead(this.#head);
    }
    return this.#headText;
  }

  /** The parsed head, or undefined when the bytes are not an HTTP/1 message. */
  get head(): Head | undefined {
    if (this.#head === undefined) {
      this.#headText ??=
        this.#raw === undefined ? "" : latin1(this.#raw, 0, this.#findBody(this.#raw));
      this.#head = parseHead(this.#headText);
    }
    return this.#head;
  }

  /** Content: the body without transfer coding, content coding kept. */
  get body(): Uint8Array {
    if (this.#body === undefined) this.#parseBody();
    return this.#body ?? EMPTY;
  }

  /** Trailer fields as a flat list. */
  get trailers(): readonly string[] {
    if (this.#body === undefined) this.#parseBody();
    return this.#trailers;
  }

  /** False when raw bytes end before the length or last chunk they announce. */
  get bodyComplete(): boolean {
    if (this.#body === undefined) this.#parseBody();
    return this.#bodyComplete;
  }

  /** Bytes behind the end that the head gives the body: no part of the message, so that who sends it leaves them out. */
  get surplusBytes(): number {
    if (this.#body === undefined) this.#parseBody();
    return this.#surplusBytes;
  }

  /** The message as bytes on the wire; a chunked body is framed as one chunk. */
  get raw(): Uint8Array {
    this.#raw ??= Buffer.concat(this.rawPieces());
    return this.#raw;
  }

  /** The same bytes as `raw` in pieces, for writers that gather. Does not keep them. */
  rawPieces(): Uint8Array[] {
    if (this.#raw !== undefined) return [this.#raw];
    const head = this.head;
    const text = this.#headText ?? (head === undefined ? "" : formatHead(head));
    const pieces: Uint8Array[] = [Buffer.from(text, "latin1")];
    if (this.#rawBody !== undefined) {
      if (this.#rawBody.length > 0) pieces.push(this.#rawBody);
      return pieces;
    }
    const body = this.#body ?? EMPTY;
    if (head !== undefined && isChunked(head)) pieces.push(...enchunk(body, this.#trailers));
    else if (body.length > 0) pieces.push(body);
    return pieces;
  }

  /** The status of a response, read without parsing its fields; undefined for anything else. */
  get status(): number | undefined {
    if (this.#head !== undefined) return isResponseHead(this.#head) ? this.#head.status : undefined;
    const start =
      this.#headText ?? (this.#raw === undefined ? "" : latin1(this.#raw, 0, STATUS_LINE_CHARS));
    return /^HTTP\/\d\.\d \d{3}/.test(start) ? Number(start.slice(9, 12)) : undefined;
  }

  /** Bytes this message holds in memory, near enough for queue limits. Stays what it was when first asked. */
  get byteLength(): number {
    if (this.#byteLength < 0) {
      const head = this.#headText?.length ?? fieldsLength(this.#head);
      const body = (this.#rawBody ?? this.#body)?.length ?? 0;
      this.#byteLength = this.#raw?.length ?? PARTS_BYTES + head + body;
    }
    return this.#byteLength;
  }

  #findBody(raw: Uint8Array): number {
    if (this.#bodyAt < 0) this.#bodyAt = headEnd(raw);
    return this.#bodyAt;
  }

  /** What follows the head on the wire; undefined for a message in parts. */
  #framedBody(): Uint8Array | undefined {
    if (this.#rawBody !== undefined) return this.#rawBody;
    const raw = this.#raw;
    if (raw === undefined) return undefined;
    const at = this.#findBody(raw);
    return at === raw.length ? EMPTY : raw.subarray(at);
  }

  #parseBody(): void {
    const head = this.head;
    const rest = this.#framedBody();
    if (rest === undefined || head === undefined) {
      this.#body = EMPTY;
      return;
    }
    if (isChunked(head)) {
      const { content, trailers, complete } = dechunk(rest);
      this.#body = content;
      this.#trailers = trailers;
      this.#bodyComplete = complete;
      return;
    }
    const length = contentLength(head);
    this.#bodyComplete = length === undefined || rest.length >= length;
    if (length !== undefined) {
      this.#body = rest.subarray(0, length);
      const surplus = rest.subarray(length);
      this.#surplusBytes = isLineEnd(surplus) ? 0 : surplus.length;
    }
    // gor leaves a line feed behind each message that its TCP input took: without a length, a request ends at its head.
    else this.#body = !isResponseHead(head) && isLineEnd(rest) ? EMPTY : rest;
  }
}

/** True for nothing but an empty line, which RFC 9112 2.2 lets a recipient pass over behind a request. */
function isLineEnd(rest: Uint8Array): boolean {
  if (rest.length === 1) return rest[0] === LF;
  return rest.length === 2 && rest[0] === CR && rest[1] === LF;
}

/** `HTTP/1.1 200` */
const STATUS_LINE_CHARS = 12;

/** What a message in parts takes beside them: its objects, and a text for each name and value. */
const PARTS_BYTES = 512;

function fieldsLength(head: Head | undefined): number {
  if (head === undefined) return 0;
  let length = isResponseHead(head) ? 0 : head.target.length;
  for (const text of head.headers) length += text.length;
  return length;
}

/** True when the last transfer coding is chunked (RFC 9112 6.1). */
export function isChunked(head: Head): boolean {
  const coding = headerValue(head.headers, "transfer-encoding");
  return coding !== undefined && /(?:^|[\s,])chunked\s*$/i.test(coding);
}

/** The announced length, or undefined when it is absent or not plain digits (RFC 9110 8.6). */
export function contentLength(head: Head): number | undefined {
  const value = headerValue(head.headers, "content-length");
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** Index just behind the blank line that ends the head, or the length when there is none. */
export function headEnd(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return bytes.length;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  const length = Math.min(end, bytes.length) - start;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString("latin1");
}
