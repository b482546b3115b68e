/**
 * A HAR file to messages: ours, with their ids and bytes, and those of browsers and proxies, from the standard's fields. In: a
 * file of any size, entry by entry. Out: for each entry its request and its response, in order of time as far as a bounded number
 * of them tells.
 */
import { createHash } from "node:crypto";
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message, Timestamp } from "@mirrorball/protocol";
import { SortWindow } from "../../core/pace/window.ts";
import { contextOfFields } from "../../core/record/context-fields.ts";
import { ID_CHARS_MAX } from "../../core/record/meta.ts";
import { openSource } from "../../files/record-file.ts";
import { Utf8Source } from "../../files/sources/utf16-source.ts";
import type { MessageReader } from "./format.ts";
import { HAR_ENTRY_BYTES_MAX, HarEntries } from "./har-entries.ts";
import type { HarItem } from "./har-entries.ts";
import { requestOf, responseOf, schemeOf } from "./har-message.ts";
import { fieldsOf, textOf } from "./har-values.ts";
import type { Fields } from "./har-values.ts";

/** Messages held to put them in order of time: a browser's list is in the order in which requests began, ours in that of answers. */
const ORDER_MESSAGES_MAX = 10_000;
/** Bytes of them. */
const ORDER_BYTES_MAX: number = 128 * 1024 * 1024;
const MIB = 1024 * 1024;
const BATCH_MAX = 256;
/** Told of what is not HTTP. */
const SCHEMES_MAX = 10;
const SCHEME_CHARS_MAX = 32;
/** gor's ids: 24 hex digits. */
const ID_CHARS = 24;
const NS_PER_MS = 1_000_000n;

export const readHar: MessageReader = async function* (path, fault) {
  const order = new Order();
  const foreign = new Map<string, number>();
  for await (const { index, bytes } of itemsOf(path, fault)) {
    const entry = bytes === undefined ? TOO_LARGE : parsed(bytes);
    const scheme = foreignScheme(entry);
    if (scheme !== undefined) {
      foreign.set(scheme, (foreign.get(scheme) ?? 0) + 1);
      continue;
    }
    const tell = (what: string): void => fault(`${path}: entry ${index} ${what}`);
    const messages = messagesOf(entry, index, tell);
    if (typeof messages === "string") tell(messages);
    else for (const message of messages) order.add(message);
    const batch = order.overdue();
    if (batch.length > 0) yield batch;
  }
  if (foreign.size > 0) fault(`${path}: ${foreignEntries(foreign)}`);
  for (let batch = order.rest(); batch.length > 0; batch = order.rest()) yield batch;
};

/** What is asked for by another protocol; undefined when it is HTTP. */
function foreignScheme(entry: Fields | string): string | undefined {
  if (typeof entry === "string") return undefined;
  const request = fieldsOf(entry["request"]);
  if (typeof request["_raw"] === "string") return undefined;
  const scheme = schemeOf(textOf(request["url"]));
  if (scheme === "" || scheme === "http" || scheme === "https") return undefined;
  return scheme.slice(0, SCHEME_CHARS_MAX);
}

function foreignEntries(foreign: ReadonlyMap<string, number>): string {
  let total = 0;
  for (const count of foreign.values()) total += count;
  const shown = [...foreign].slice(0, SCHEMES_MAX).map(([scheme, count]) => `${scheme}: ${count}`);
  return `${total} entries are no HTTP and are left out (${shown.join(", ")})`;
}

const TOO_LARGE = `is larger than ${HAR_ENTRY_BYTES_MAX / MIB} MiB`;

/** What was read before a fault is kept, but for a file that is no HAR at all. */
async function* itemsOf(
  path: string,
  fault: (explanation: string) => void,
): AsyncGenerator<HarItem> {
  const source = new Utf8Source(openSource(path));
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
export function messagesOf(
  entry: Fields | string,
  index: number,
  tell: (what: string) => void,
): Message[] | string {
  if (typeof entry === "string") return entry;
  const request = fieldsOf(entry["request"]);
  const response = fieldsOf(entry["response"]);
  const startMs = Date.parse(textOf(entry["startedDateTime"]));
  const startedAt = ourTime(request) ?? (Number.isNaN(startMs) ? undefined : startMs * 1000);
  if (startedAt === undefined) return "has no startedDateTime";
  const id = idOf(entry, request, index);
  const messages: Message[] = [];
  const raw = rawOf(request);
  const read = raw === undefined ? requestOf(request) : { http: raw, missing: [] };
  if (typeof read === "string") return read;
  for (const name of read.missing)
    tell(`does not hold the content of the file ${JSON.stringify(name)}`);
  messages.push({
    kind: MessageKind.request,
    id,
    startedAt,
    latencyNs: ourLatency(request),
    http: read.http,
    context: contextOfFields(request["_context"], request["_framing"]),
  });
  const status = Number(response["status"]);
  const answer = rawOf(response) ?? (status > 0 ? responseOf(response, status) : undefined);
  if (answer !== undefined) {
    messages.push({
      kind: MessageKind.response,
      id,
      startedAt: ourTime(response) ?? answeredAt(entry, startedAt),
      latencyNs: ourLatency(response),
      http: answer,
      context: contextOfFields(response["_context"], response["_framing"]),
    });
  }
  return messages;
}

function answeredAt(entry: Fields, startedAt: Timestamp): Timestamp {
  const waitedMs = Math.max(Number(entry["time"]) || 0, 0);
  return timeOf(startedAt) / 1000 + Math.round(waitedMs * 1000);
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
  if (/^[!-~]+$/.test(own) && own.length <= ID_CHARS_MAX) return own;
  const seed = `${index} ${textOf(entry["startedDateTime"])} ${textOf(request["url"])}`;
  return createHash("sha256").update(seed).digest("hex").slice(0, ID_CHARS);
}

/** Nanoseconds as a number: for order, not for keeping. */
function timeOf(at: Timestamp): number {
  return typeof at === "bigint" ? Number(at / NS_PER_MS) * 1e6 + Number(at % NS_PER_MS) : at * 1000;
}
