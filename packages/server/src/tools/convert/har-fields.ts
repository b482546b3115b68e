/**
 * HAR 1.2 entries from messages. Sans-IO. In: a request with its response. Out: an entry, as text. The way back is `har-message.ts`.
 *
 * The standard's own fields hold what they can. Where these would not give the same bytes again, `_raw` holds the message
 * in base64, so that the way back loses nothing; ids, nanoseconds, what is known of the exchange and the mark of what can be
 * read in two ways are in fields of ours (`_id`, `_timestampNs`, `_latencyNs`, `_context`, `_framing`).
 */
import { isUtf8 } from "node:buffer";
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { formatHead, headerValue, isResponseHead, timestampToNs } from "@mirrorball/protocol";
import type { HeaderList, HttpMessage, Message, RequestHead } from "@mirrorball/protocol";
import { contextFields } from "../../core/record/context-fields.ts";
import { requestOf, responseOf } from "./har-message.ts";

/** Decoded bodies are for people; larger ones stay as they are (a bomb must not fill the memory). */
const DECODED_BYTES_MAX: number = 64 * 1024 * 1024;
const NS_PER_MS = 1_000_000n;

interface NameValue {
  readonly name: string;
  readonly value: string;
}

/** The text of a body as HAR holds it. */
interface BodyText {
  readonly text: string;
  readonly encoding?: "base64";
}

/** One `log.entries` item, as text. The response is undefined when it was not recorded. */
export function harEntry(request: Message, response: Message | undefined): string {
  const startNs = timestampToNs(request.startedAt);
  const endNs =
    response === undefined
      ? startNs
      : timestampToNs(response.startedAt) + BigInt(Math.max(response.latencyNs ?? 0, 0));
  const timeMs = Math.max(Number(endNs - startNs) / 1e6, 0);
  return JSON.stringify({
    startedDateTime: new Date(Number(startNs / NS_PER_MS)).toISOString(),
    time: timeMs,
    request: harRequest(request),
    response: response === undefined ? NO_RESPONSE : harResponse(response),
    cache: {},
    timings: { send: 0, wait: timeMs, receive: 0 },
    _id: request.id,
  });
}

const NO_RESPONSE = {
  status: 0,
  statusText: "",
  httpVersion: "",
  cookies: [],
  headers: [],
  content: { size: 0, mimeType: "" },
  redirectURL: "",
  headersSize: -1,
  bodySize: -1,
};

function harRequest(message: Message): object {
  const { head, body } = message.http;
  if (head === undefined || isResponseHead(head)) return { ...NO_REQUEST, ...ours(message, true) };
  const mimeType = headerValue(head.headers, "content-type") ?? "";
  const fields = {
    method: head.method,
    url: urlOf(head),
    httpVersion: head.version,
    cookies: [],
    headers: nameValues(head.headers),
    queryString: queryOf(head.target),
    headersSize: Buffer.byteLength(formatHead(head), "latin1"),
    bodySize: body.length,
    ...(body.length > 0 ? { postData: { mimeType, ...textOf(body) } } : {}),
  };
  const again = requestOf(fields);
  return { ...fields, ...ours(message, typeof again === "string" || !isSame(message, again.http)) };
}

/** True when what a reader makes of the standard's own fields has the same bytes. */
function isSame({ http }: Message, again: HttpMessage): boolean {
  return Buffer.compare(again.raw, http.raw) === 0;
}

const NO_REQUEST = {
  method: "",
  url: "",
  httpVersion: "",
  cookies: [],
  headers: [],
  queryString: [],
  headersSize: -1,
  bodySize: -1,
};

function harResponse(message: Message): object {
  const { head, body } = message.http;
  if (head === undefined || !isResponseHead(head))
    return { ...NO_RESPONSE, ...ours(message, true) };
  const decoded = decodedBody(body, headerValue(head.headers, "content-encoding"));
  const content = decoded ?? body;
  const fields = {
    status: head.status,
    statusText: head.reason,
    httpVersion: head.version,
    cookies: [],
    headers: nameValues(head.headers),
    content: {
      size: content.length,
      mimeType: headerValue(head.headers, "content-type") ?? "",
      ...(content.length > 0 ? textOf(content) : {}),
    },
    redirectURL: headerValue(head.headers, "location") ?? "",
    headersSize: Buffer.byteLength(formatHead(head), "latin1"),
    bodySize: body.length,
  };
  const again = responseOf(fields, head.status);
  return { ...fields, ...ours(message, head.status === 0 || !isSame(message, again)) };
}

/** What HAR has no field for. */
function ours({ startedAt, latencyNs, http, context }: Message, needsRaw: boolean): object {
  return {
    _timestampNs: String(timestampToNs(startedAt)),
    _latencyNs: latencyNs,
    _framing: context?.framing,
    _context: contextFields(context),
    ...(needsRaw ? { _raw: Buffer.from(http.raw).toString("base64") } : {}),
  };
}

function nameValues(headers: HeaderList): NameValue[] {
  const pairs: NameValue[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    pairs.push({ name: headers[i] ?? "", value: headers[i + 1] ?? "" });
  }
  return pairs;
}

function urlOf({ target, headers }: RequestHead): string {
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(target)) return target;
  return `http://${headerValue(headers, "host") ?? "unknown"}${target.startsWith("/") ? "" : "/"}${target}`;
}

function queryOf(target: string): NameValue[] {
  const query = /\?([^#]*)/.exec(target)?.[1];
  if (query === undefined || query === "") return [];
  return query.split("&").map((pair) => {
    const [name = "", ...value] = pair.split("=");
    return { name, value: value.join("=") };
  });
}

function textOf(body: Uint8Array): BodyText {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  return isUtf8(bytes)
    ? { text: bytes.toString("utf8") }
    : { text: bytes.toString("base64"), encoding: "base64" };
}

/** Without its content coding; undefined when it has none that can be taken off. */
function decodedBody(body: Uint8Array, coding: string | undefined): Buffer | undefined {
  const limits = { maxOutputLength: DECODED_BYTES_MAX };
  if (body.length === 0) return undefined;
  try {
    switch ((coding ?? "").trim().toLowerCase()) {
      case "gzip":
      case "x-gzip":
        return gunzipSync(body, limits);
      case "deflate":
        return inflateSync(body, limits);
      case "br":
        return brotliDecompressSync(body, limits);
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}
