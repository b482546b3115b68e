/**
 * A HAR file to messages: ours, with their ids and bytes, and those of browsers and proxies, from the standard's fields. In: a
 * file of any size, entry by entry. Out: for each entry its request and its response, in order of time as far as a bounded number
 * of them tells.
 */
import { createHash } from "node:crypto";
import { HttpMessage, MessageKind, headerValue } from "@mirrorball/protocol";
import type { Message, Timestamp } from "@mirrorball/protocol";
import { SortWindow } from "../../core/pace/window.ts";
import { openSource } from "../../files/record-file.ts";
import type { MessageReader } from "./format.ts";
import { HAR_ENTRY_BYTES_MAX, HarEntries } from "./har-entries.ts";
import type { HarItem } from "./har-entries.ts";
import { targetOf } from "./har-fields.ts";

/** Messages held to put them in order of time: a browser's list is in the order in which requests began, ours in that of answers. */
const ORDER_MESSAGES_MAX = 10_000;
/** Bytes of them. */
const ORDER_BYTES_MAX: number = 128 * 1024 * 1024;
const MIB = 1024 * 1024;
const BATCH_MAX = 256;
/** gor's ids: 24 hex digits. */
const ID_CHARS = 24;
const NS_PER_MS = 1_000_000n;

type Fields = Readonly<Record<string, unknown>>;

export const readHar: MessageReader = async function* (path, fault) {
  const order = new Order();
  for await (const { index, bytes } of itemsOf(path, fault)) {
    const messages = bytes === undefined ? TOO_LARGE : messagesOf(parsed(bytes), index);
    if (typeof messages === "string") fault(`${path}: entry ${index} ${messages}`);
    else for (const message of messages) order.add(message);
    const batch = order.overdue();
    if (batch.length > 0) yield batch;
  }
  for (let batch = order.rest(); batch.length > 0; batch = order.rest()) yield batch;
};

const TOO_LARGE = `is larger than ${HAR_ENTRY_BYTES_MAX / MIB} MiB`;

/** What was read before a fault is kept, but for a file that is no HAR at all. */
async function* itemsOf(
  path: string,
  fault: (explanation: string) => void,
): AsyncGenerator<HarItem> {
  const source = openSource(path);
  const entries = new HarEntries();
  try {
    for (let piece = await source.next(); piece !== undefined; piece = await source.next()) {
      yield* entries.push(piece);
    }
  } catch (error) {
    if (!entries.found) throw error;
    fault(error instanceof Error ? error.message : String(error));
  }
  const wrong = entries.end();
  if (wrong === undefined) return;
  if (!entries.found) throw new Error(`${path} ${wrong}`);
  fault(`${path} ${wrong}`);
}

/** Messages in order of time, as far as so many of them tell. */
class Order {
  readonly #window = new SortWindow();
  #bytes = 0;

  add(message: Message): void {
    this.#window.add(message, timeOf(message.startedAt));
    this.#bytes += message.http.byteLength;
  }

  /** The oldest of those that are too many. */
  overdue(): Message[] {
    return this.#take(
      () => this.#window.length > ORDER_MESSAGES_MAX || this.#bytes > ORDER_BYTES_MAX,
    );
  }

  /** The next of all. */
  rest(): Message[] {
    return this.#take(() => true);
  }

  #take(isDue: () => boolean): Message[] {
    const batch: Message[] = [];
    while (batch.length < BATCH_MAX && isDue()) {
      const message = this.#window.take();
      if (message === undefined) break;
      this.#bytes -= message.http.byteLength;
      batch.push(message);
    }
    return batch;
  }
}

function parsed(bytes: Buffer): Fields | string {
  try {
    return fieldsOf(JSON.parse(bytes.toString("utf8")));
  } catch {
    return "is no JSON";
  }
}

/** Request and response of an entry, or what is wrong with it. */
export function messagesOf(entry: Fields | string, index: number): Message[] | string {
  if (typeof entry === "string") return entry;
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
