/**
 * A request or a response of a HAR as a message. Sans-IO. In: the fields of one entry's half, as anybody may have written them. Out:
 * an HTTP/1 message, or what is wrong. What stands in a head passes `head-rules.ts`.
 */
import { domainToASCII } from "node:url";
import { HttpMessage, headerValue } from "@mirrorball/protocol";
import { isTarget, isToken, toFieldValue, toTarget } from "../../core/http/head/head-rules.ts";
import { formBody } from "./har-form.ts";
import { fieldsOf, textOf } from "./har-values.ts";
import type { Fields } from "./har-values.ts";
import { withoutFragment } from "../../core/http/head/target-parts.ts";

/** A request, and what of it the HAR does not hold. */
export interface HarRequest {
  readonly http: HttpMessage;
  readonly missing: readonly string[];
}

/** The request, or a sentence about the entry that says why there is none. */
export function requestOf(request: Fields): HarRequest | string {
  const method = textOf(request["method"]);
  const url = textOf(request["url"]);
  if (!isToken(method) || url === "") return "has no request with a method and a URL";
  const headers = headersOf(request);
  if (headerValue(headers, "host") === undefined) {
    const host = hostOf(url);
    if (host === undefined) return "has a URL whose host is none";
    if (host !== "") headers.unshift("Host", host);
  }
  const postData = fieldsOf(request["postData"]);
  const form = formBody(postData, headerValue(headers, "content-type"));
  const body = form?.body ?? bytesOf(postData["text"], postData["encoding"]);
  if (form !== undefined) setHeader(headers, "Content-Type", form.contentType);
  if (body.length > 0) setLength(headers, body.length);
  const target = toTarget(targetOf(url));
  const head = { method, target, version: versionOf(request), headers };
  return { http: HttpMessage.fromParts(head, body), missing: form?.missing ?? [] };
}

export function responseOf(response: Fields, status: number): HttpMessage {
  const { text, encoding } = fieldsOf(response["content"]);
  const body = bytesOf(text, encoding);
  const headers = headersOf(response);
  // The standard has content without its codings.
  removeHeader(headers, "content-encoding");
  if (body.length > 0) setLength(headers, body.length);
  const reason = toFieldValue(textOf(response["statusText"]));
  return HttpMessage.fromParts({ version: versionOf(response), status, reason, headers }, body);
}

/** What a URL begins with, in lower case; empty when it is relative. */
export function schemeOf(url: string): string {
  return /^([a-z][a-z\d+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? "";
}

/** The target that a URL asks for: path and query. */
export function targetOf(url: string): string {
  const rest = withoutFragment(url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, ""));
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** Host and port of a URL, as a Host field has them; empty when the URL is relative, undefined when it is malformed. */
function hostOf(url: string): string | undefined {
  const authority = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1];
  if (authority === undefined) return "";
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  const port = /:\d*$/.exec(host)?.[0] ?? "";
  const name = host.slice(0, host.length - port.length);
  const ascii = isAsciiTarget(name) ? name : domainToASCII(name);
  return isAsciiTarget(ascii) ? ascii + port : undefined;
}

function isAsciiTarget(text: string): boolean {
  return isTarget(text) && toTarget(text) === text;
}

/** The length that is there, right or wrong, gives way; chunks are not what a HAR has. */
function setLength(headers: string[], length: number): void {
  removeHeader(headers, "transfer-encoding");
  setHeader(headers, "Content-Length", String(length));
}

/** In the place of the first one of that name; others go. */
function setHeader(headers: string[], name: string, value: string): void {
  const lower = name.toLowerCase();
  const at = headers.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === lower);
  if (at < 0) headers.push(name, value);
  else {
    headers[at + 1] = value;
    removeHeader(headers, lower, at + 2);
  }
}

function removeHeader(headers: string[], name: string, from = 0): void {
  for (let i = headers.length - 2; i >= from; i -= 2) {
    if (headers[i]?.toLowerCase() === name) headers.splice(i, 2);
  }
}

function headersOf(message: Fields): string[] {
  const list = message["headers"];
  if (!Array.isArray(list)) return [];
  return list.flatMap((item) => {
    const { name, value } = fieldsOf(item);
    const key = textOf(name);
    // HTTP/2 writes its first line as headers.
    return isToken(key) ? [key, toFieldValue(textOf(value))] : [];
  });
}

function versionOf(message: Fields): string {
  const version = textOf(message["httpVersion"]).toUpperCase();
  return version === "HTTP/1.0" ? version : "HTTP/1.1";
}

function bytesOf(text: unknown, encoding: unknown): Buffer {
  return Buffer.from(textOf(text), encoding === "base64" ? "base64" : "utf8");
}
