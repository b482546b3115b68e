/**
 * The body of a message as something that can be looked into: content codings undone, the kind of content named, text decoded. In: a
 * message's head and body. Out: content, or why there is none.
 *
 * The type that the head announces decides, unless it says nothing (absent, `text/plain`, `application/octet-stream`): then the
 * first characters do. A JSON type whose body is no JSON is text: what it says and what it is are compared apart.
 */
import { headerValue } from "@mirrorball/protocol";
import type { HeaderList } from "@mirrorball/protocol";
import { codingsOf, decodeBody } from "../http/decode-body.ts";
import type { DecodeFault } from "../http/decode-body.ts";
import { parseJson } from "./json.ts";
import type { Json } from "./json.ts";

export type ContentKind =
  | "empty"
  | "json"
  | "ndjson"
  | "sse"
  | "form"
  | "multipart"
  | "xml"
  | "html"
  | "csv"
  | "text"
  | "binary";

export interface Content {
  readonly kind: ContentKind;
  /** Without content codings. */
  readonly bytes: Uint8Array;
  /** Set for every kind but `binary`, `multipart` and `empty`. */
  readonly text: string;
  /** Set for `json`: the value; for `ndjson`: an array of the lines' values. */
  readonly json: Json | undefined;
}

/** A body that decodes to more is skipped: it is a bomb or a download, and both are counted. */
export const CONTENT_BYTES_MAX: number = 1024 * 1024;

const NO_BYTES: Uint8Array = new Uint8Array(0);
const EMPTY: Content = { kind: "empty", bytes: NO_BYTES, text: "", json: undefined };
const utf8 = new TextDecoder("utf-8", { fatal: true });

export function contentOf(headers: HeaderList, body: Uint8Array): Content | DecodeFault {
  if (body.length === 0) return EMPTY;
  const coding = headerValue(headers, "content-encoding");
  const codings = coding === undefined ? [] : codingsOf(coding);
  const bytes =
    codings.length === 0 && body.length <= CONTENT_BYTES_MAX
      ? body
      : decodeBody(body, codings, CONTENT_BYTES_MAX);
  if (typeof bytes === "string") return bytes;
  if (bytes.length > CONTENT_BYTES_MAX) return "too-large";
  if (bytes.length === 0) return EMPTY;
  return contentFrom(headerValue(headers, "content-type") ?? "", bytes);
}

function contentFrom(contentType: string, bytes: Uint8Array): Content {
  const kind = announcedKind(contentType);
  if (kind === "binary" || kind === "multipart") {
    return { kind, bytes, text: "", json: undefined };
  }
  const text = textOf(contentType, bytes);
  if (text === undefined) return { kind: "binary", bytes, text: "", json: undefined };
  if (kind === "json" || kind === "unknown") {
    const json = looksLikeJson(text) || kind === "json" ? parseJson(text) : undefined;
    if (json !== undefined) return { kind: "json", bytes, text, json };
    return { kind: kind === "json" ? "text" : guessedKind(text), bytes, text, json: undefined };
  }
  if (kind === "ndjson") {
    const json = parseLines(text);
    return { kind: json === undefined ? "text" : "ndjson", bytes, text, json };
  }
  return { kind, bytes, text, json: undefined };
}

/** The media type without parameters, in lower case. */
export function mediaType(contentType: string): string {
  const end = contentType.indexOf(";");
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

type Announced = Exclude<ContentKind, "empty"> | "unknown";

function announcedKind(contentType: string): Announced {
  const type = mediaType(contentType);
  if (type === "" || type === "text/plain" || type === "application/octet-stream") return "unknown";
  if (type === "application/json" || type === "text/json" || type.endsWith("+json")) return "json";
  if (type.endsWith("ndjson") || type === "application/jsonl" || type.endsWith("json-seq")) {
    return "ndjson";
  }
  if (type === "text/event-stream") return "sse";
  if (type === "application/x-www-form-urlencoded") return "form";
  if (type.startsWith("multipart/")) return "multipart";
  if (type === "text/html" || type === "application/xhtml+xml") return "html";
  if (type.endsWith("/xml") || type.endsWith("+xml")) return "xml";
  if (type === "text/csv") return "csv";
  if (type.startsWith("text/") || type.endsWith("javascript")) return "text";
  return "binary";
}

function guessedKind(text: string): ContentKind {
  const start = text.slice(0, 64).trimStart().toLowerCase();
  if (start.startsWith("<!doctype html") || start.startsWith("<html")) return "html";
  return start.startsWith("<?xml") ? "xml" : "text";
}

function looksLikeJson(text: string): boolean {
  const start = text.trimStart().charAt(0);
  return start === "{" || start === "[";
}

/** Undefined for bytes that are no text in the charset they announce. */
function textOf(contentType: string, bytes: Uint8Array): string | undefined {
  const charset = /charset="?([\w-]{1,40})/i.exec(contentType)?.[1]?.toLowerCase() ?? "utf-8";
  try {
    if (charset === "utf-8" || charset === "utf8" || charset === "us-ascii") {
      return isText(bytes) ? utf8.decode(bytes) : undefined;
    }
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A NUL among the first bytes is no text. */
function isText(bytes: Uint8Array): boolean {
  const at = bytes.indexOf(0);
  return at < 0 || at > 1024;
}

function parseLines(text: string): Json[] | undefined {
  const values: Json[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const value = parseJson(line.startsWith("\u001e") ? line.slice(1) : line);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}
