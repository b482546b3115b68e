/**
 * A HAR file to messages: ours, with their ids and bytes, and those of browsers and proxies, from the standard's fields. In: a
 * file, read whole, as JSON is. Out: for each entry its request and its response, in order of time.
 */
import { createHash } from "node:crypto";
import { HttpMessage, MessageKind, headerValue } from "@mirrorball/protocol";
import type { Message, Timestamp } from "@mirrorball/protocol";
import { SortWindow } from "../../core/pace/window.ts";
import { openSource } from "../../files/record-file.ts";
import type { MessageReader } from "./format.ts";
import { targetOf } from "./har-fields.ts";

/** JSON is parsed as one string, and Node makes no longer ones. */
const HAR_BYTES_MAX: number = 512 * 1024 * 1024 - 1024;
const BATCH_MAX = 256;
/** gor's ids: 24 hex digits. */
const ID_CHARS = 24;
const NS_PER_MS = 1_000_000n;

type Fields = Readonly<Record<string, unknown>>;

export const readHar: MessageReader = async function* (path, fault) {
  const entries = await entriesOf(path);
  const window = new SortWindow();
  entries.forEach((entry, index) => {
    const messages = messagesOf(fieldsOf(entry), index);
    if (typeof messages === "string") fault(`${path}: entry ${index} ${messages}`);
    else for (const message of messages) window.add(message, timeOf(message.startedAt));
  });
  while (window.length > 0) {
    const batch: Message[] = [];
    for (let message = window.take(); message !== undefined; message = window.take()) {
      batch.push(message);
      if (batch.length === BATCH_MAX) break;
    }
    yield batch;
  }
};

async function entriesOf(path: string): Promise<readonly unknown[]> {
  const source = openSource(path);
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (let piece = await source.next(); piece !== undefined; piece = await source.next()) {
    bytes += piece.length;
    if (bytes > HAR_BYTES_MAX) throw new Error(`${path} is larger than half a gigabyte`);
    pieces.push(piece);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(
      Buffer.concat(pieces)
        .toString("utf8")
        .replace(/^\uFEFF/, ""),
    );
  } catch {
    throw new Error(`${path} is no JSON`);
  }
  const { entries } = fieldsOf(fieldsOf(parsed)["log"]);
  if (!Array.isArray(entries)) throw new Error(`${path} is no HAR: it has no log.entries`);
  return entries;
}

/** Request and response of an entry, or what is wrong with it. */
export function messagesOf(entry: Fields, index: number): Message[] | string {
  const request = fieldsOf(entry["request"]);
  const response = fieldsOf(entry["response"]);
  const startMs = Date.parse(textOf(entry["startedDateTime"]));
  const startedAt = ourTime(request) ?? (Number.isNaN(startMs) ? undefined : startMs * 1000);
  if (startedAt === undefined) return "has no startedDateTime";
  const id = idOf(entry, request, index);
  const messages: Message[] = [];
  const http = rawOf(request) ?? requestOf(request);
  if (http === undefined) return "has no request with a method and a URL";
  messages.push({
    kind: MessageKind.request,
    id,
    startedAt,
    latencyNs: ourLatency(request),
    http,
    context: request["_framing"] === "ambiguous" ? { framing: "ambiguous" } : undefined,
  });
  const status = Number(response["status"]);
  const answer = rawOf(response) ?? (status > 0 ? responseOf(response, status) : undefined);
  if (answer !== undefined) {
    const waitedMs = Math.max(Number(entry["time"]) || 0, 0);
    messages.push({
      kind: MessageKind.response,
      id,
      startedAt: ourTime(response) ?? timeOf(startedAt) / 1000 + Math.round(waitedMs * 1000),
      latencyNs: ourLatency(response),
      http: answer,
      context: undefined,
    });
  }
  return messages;
}

function requestOf(request: Fields): HttpMessage | undefined {
  const method = textOf(request["method"]);
  const url = textOf(request["url"]);
  if (!/^[!-~]+$/.test(method) || url === "") return undefined;
  const { text, encoding } = fieldsOf(request["postData"]);
  const body = bytesOf(text, encoding);
  const headers = headersOf(request);
  const host = /^[a-z][a-z\d+.-]*:\/\/(?:[^/?#@]*@)?([^/?#]*)/i.exec(url)?.[1];
  if (headerValue(headers, "host") === undefined && host !== undefined) {
    headers.unshift("Host", host);
  }
  if (body.length > 0) setLength(headers, body.length);
  // What stands in a request line must not end it.
  const target = targetOf(url).replace(/[^!-~]/gu, encodeURIComponent);
  return HttpMessage.fromParts({ method, target, version: versionOf(request), headers }, body);
}

function responseOf(response: Fields, status: number): HttpMessage {
  const { text, encoding } = fieldsOf(response["content"]);
  const body = bytesOf(text, encoding);
  const headers = headersOf(response);
  // The standard has content without its codings.
  removeHeader(headers, "content-encoding");
  if (body.length > 0) setLength(headers, body.length);
  const reason = textOf(response["statusText"]).replace(/[\r\n]/g, " ");
  return HttpMessage.fromParts({ version: versionOf(response), status, reason, headers }, body);
}

/** The length that is there, right or wrong, gives way; chunks are not what a HAR has. */
function setLength(headers: string[], length: number): void {
  removeHeader(headers, "transfer-encoding");
  const at = headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === "content-length");
  if (at < 0) headers.push("Content-Length", String(length));
  else headers[at + 1] = String(length);
}

function removeHeader(headers: string[], name: string): void {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
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
    return /^[!#$%&'*+.^_`|~\w-]+$/.test(key) ? [key, textOf(value).replace(/[\r\n]+/g, " ")] : [];
  });
}

function versionOf(message: Fields): string {
  const version = textOf(message["httpVersion"]).toUpperCase();
  return version === "HTTP/1.0" ? version : "HTTP/1.1";
}

function bytesOf(text: unknown, encoding: unknown): Buffer {
  return Buffer.from(textOf(text), encoding === "base64" ? "base64" : "utf8");
}

function rawOf(message: Fields): HttpMessage | undefined {
  const raw = message["_raw"];
  return typeof raw === "string" ? HttpMessage.fromRaw(Buffer.from(raw, "base64")) : undefined;
}

function ourTime(message: Fields): Timestamp | undefined {
  const text = textOf(message["_timestampNs"]);
  if (!/^\d{1,19}$/.test(text)) return undefined;
  const ns = BigInt(text);
  return ns % 1000n === 0n ? Number(ns / 1000n) : ns;
}

function ourLatency(message: Fields): number | undefined {
  const latency = message["_latencyNs"];
  return typeof latency === "number" && Number.isSafeInteger(latency) ? latency : undefined;
}

function idOf(entry: Fields, request: Fields, index: number): string {
  const own = textOf(entry["_id"]);
  if (/^[!-~]+$/.test(own)) return own;
  const seed = `${index} ${textOf(entry["startedDateTime"])} ${textOf(request["url"])}`;
  return createHash("sha256").update(seed).digest("hex").slice(0, ID_CHARS);
}

/** Nanoseconds as a number: for order, not for keeping. */
function timeOf(at: Timestamp): number {
  return typeof at === "bigint" ? Number(at / NS_PER_MS) * 1e6 + Number(at % NS_PER_MS) : at * 1000;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
