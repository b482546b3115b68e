/**
 * What a plugin sees of a message: parts to read and to set. In: the message's bytes. Out: its bytes again, unless
 * nothing was changed. A head edit leaves the framing of the body as it was; a new body is framed anew.
 */
import { HttpMessage, formatHead, headEnd, isChunked, isResponseHead } from "@mirrorball/protocol";
import type { Head, MessageContext } from "@mirrorball/protocol";
import { isFieldValue, isTarget, isToken } from "../http/head/head-rules.ts";

export interface MessageFacts {
  readonly id: string;
  readonly startedAtMs: number;
  readonly latencyMs: number | undefined;
  readonly context: MessageContext;
}

export class EditableMessage {
  readonly id: string;
  readonly startedAtMs: number;
  readonly latencyMs: number | undefined;
  readonly context: MessageContext;
  readonly #raw: Uint8Array;
  readonly #http: HttpMessage;
  #head: Head | undefined;
  /** What it must be to be read: a request's head or a response's. */
  readonly #wantsResponse: boolean;
  #headChanged = false;
  #newBody: Uint8Array | undefined;

  constructor(facts: MessageFacts, raw: Uint8Array, wantsResponse: boolean) {
    this.id = facts.id;
    this.startedAtMs = facts.startedAtMs;
    this.latencyMs = facts.latencyMs;
    this.context = facts.context;
    this.#raw = raw;
    this.#http = HttpMessage.fromRaw(raw);
    this.#wantsResponse = wantsResponse;
  }

  get malformed(): boolean {
    return this.#read() === undefined;
  }

  get method(): string {
    const head = this.#read();
    return head === undefined || isResponseHead(head) ? "" : head.method;
  }

  set method(method: string) {
    if (!isToken(method)) throw new TypeError(`method must be a token; got ${show(method)}`);
    const head = this.#mustRead();
    if (!isResponseHead(head)) this.#replace({ ...head, method });
  }

  get target(): string {
    const head = this.#read();
    return head === undefined || isResponseHead(head) ? "" : head.target;
  }

  set target(target: string) {
    if (!isTarget(target)) {
      throw new TypeError(`target must be visible characters without blanks; got ${show(target)}`);
    }
    const head = this.#mustRead();
    if (!isResponseHead(head)) this.#replace({ ...head, target });
  }

  get status(): number {
    const head = this.#read();
    return head !== undefined && isResponseHead(head) ? head.status : 0;
  }

  set status(status: number) {
    if (!Number.isInteger(status) || status < 100 || status > 999) {
      throw new TypeError(`status must be a number from 100 to 999; got ${status}`);
    }
    const head = this.#mustRead();
    if (isResponseHead(head)) this.#replace({ ...head, status });
  }

  header(name: string): string | undefined {
    const headers = this.#read()?.headers ?? [];
    return headers[indexOf(headers, name) + 1];
  }

  headers(): [string, string][] {
    const { headers = [] } = this.#read() ?? {};
    const pairs: [string, string][] = [];
    for (let i = 0; i + 1 < headers.length; i += 2) {
      pairs.push([headers[i] ?? "", headers[i + 1] ?? ""]);
    }
    return pairs;
  }

  setHeader(name: string, value: string): void {
    checkField(name, value);
    const head = this.#mustRead();
    const at = indexOf(head.headers, name);
    const headers = at < 0 ? [...head.headers, name, value] : [...head.headers].with(at + 1, value);
    this.#replace({ ...head, headers });
  }

  addHeader(name: string, value: string): void {
    checkField(name, value);
    const head = this.#mustRead();
    this.#replace({ ...head, headers: [...head.headers, name, value] });
  }

  deleteHeader(name: string): void {
    const head = this.#mustRead();
    if (indexOf(head.headers, name) < 0) return;
    const wanted = name.toLowerCase();
    const headers: string[] = [];
    for (const [field, value] of this.headers()) {
      if (field.toLowerCase() !== wanted) headers.push(field, value);
    }
    this.#replace({ ...head, headers });
  }

  param(name: string): string | undefined {
    return this.#query().get(name) ?? undefined;
  }

  setParam(name: string, value: string): void {
    const { target } = this;
    const at = target.indexOf("?");
    const wanted = encodeURIComponent(name);
    const assignment = `${wanted}=${encodeURIComponent(value)}`;
    // Only this one parameter changes: other spellings of the rest are part of what was recorded.
    const parts = at < 0 ? [] : target.slice(at + 1).split("&");
    const place = parts.findIndex((part) => part === wanted || part.startsWith(`${wanted}=`));
    if (place < 0) parts.push(assignment);
    else parts[place] = assignment;
    this.target = `${at < 0 ? target : target.slice(0, at)}?${parts.join("&")}`;
  }

  get body(): Uint8Array {
    return this.#newBody ?? this.#http.body;
  }

  get text(): string {
    const { body } = this;
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  }

  setBody(content: string | Uint8Array): void {
    this.#mustRead();
    if (typeof content === "string") {
      this.#newBody = Buffer.from(content, "utf8");
      this.deleteHeader("content-encoding");
    } else {
      this.#newBody = content;
    }
  }

  /** The bytes it is now; undefined when they are those it was made from. */
  changed(): Uint8Array | undefined {
    const head = this.#head;
    if (head === undefined || (!this.#headChanged && this.#newBody === undefined)) return undefined;
    if (this.#newBody === undefined) {
      const text = Buffer.from(formatHead(head), "latin1");
      return Buffer.concat([text, this.#raw.subarray(headEnd(this.#raw))]);
    }
    const length = this.#newBody.length;
    if (!isChunked(head) && (length > 0 || indexOf(head.headers, "content-length") >= 0)) {
      this.setHeader("Content-Length", String(length));
    }
    return HttpMessage.fromParts(this.#head ?? head, this.#newBody).raw;
  }

  #query(): URLSearchParams {
    const { target } = this;
    const at = target.indexOf("?");
    return new URLSearchParams(at < 0 ? "" : target.slice(at + 1));
  }

  #read(): Head | undefined {
    if (this.#head === undefined) {
      const { head } = this.#http;
      if (head !== undefined && isResponseHead(head) === this.#wantsResponse) this.#head = head;
    }
    return this.#head;
  }

  #mustRead(): Head {
    const head = this.#read();
    if (head === undefined) throw new TypeError("the message is malformed and cannot be edited");
    return head;
  }

  #replace(head: Head): void {
    this.#head = head;
    this.#headChanged = true;
  }
}

/** -2 when there is none, so that the place behind it is none either. */
function indexOf(headers: readonly string[], name: string): number {
  const wanted = name.toLowerCase();
  for (let i = 0; i < headers.length; i += 2) {
    const field = headers[i];
    if (field?.length === wanted.length && field.toLowerCase() === wanted) return i;
  }
  return -2;
}

function checkField(name: string, value: string): void {
  if (!isToken(name)) throw new TypeError(`a header name must be a token; got ${show(name)}`);
  if (!isFieldValue(value)) {
    throw new TypeError(`header ${name}: a value has no line ends and only latin1 characters`);
  }
}

function show(text: string): string {
  return JSON.stringify(text);
}
