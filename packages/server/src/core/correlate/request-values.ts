/**
 * Every value of a request that may stand for something the service gave out, and a request with some of them replaced. In: a request and a
 * function that is shown each value. Out: the request, the same one when nothing was replaced. Bytes that are not replaced stay.
 *
 * Looked at: path segments, query, cookies, credentials, other fields, form, JSON and multipart bodies. Only whole tokens are replaced, in the
 * encoding they had. The body's framing is put right by whoever sends it; Content-Length is set here.
 */
import { HttpMessage, headerValue, isResponseHead } from "@mirrorball/protocol";
import type { Message, RequestHead } from "@mirrorball/protocol";
import { contentOf, mediaType } from "../content/body.ts";
import type { ContentKind } from "../content/body.ts";
import { parseJson } from "../content/json.ts";
import { isIdName } from "../compare/id-names.ts";
import { replaceInJson } from "./json-scan.ts";
import { namespaceOfSegment, namespaceOfUse } from "./namespace.ts";

/** One value and where it stands. */
export interface Slot {
  readonly value: string;
  /** What a short value would count here; undefined when nothing says so. */
  readonly namespace: string | undefined;
  /** Only an id can stand here: a member that was called like it gives it, whatever else its name may mean. */
  readonly isId: boolean;
  /** `path:accounts`, `query:cursor`, `header:x-csrf-token`, `json:$.accountId`: the consumer's place, for rules. */
  readonly place: string;
}

/** Gives the image of a value, or undefined to leave it. */
export type Substitute = (slot: Slot) => string | undefined;

/** Fields that say something of the message or of the client's software. */
const NOT_LOOKED_AT: ReadonlySet<string> = new Set([
  "host",
  "connection",
  "content-length",
  "content-type",
  "content-encoding",
  "transfer-encoding",
  "user-agent",
  "date",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "origin",
  "dnt",
  "pragma",
  "cache-control",
  "if-modified-since",
  "if-unmodified-since",
  "upgrade-insecure-requests",
]);
/** What parts a composite value: `17,18`, `sid.signature`. */
const SEPARATORS = /[ ;,:|./="]/;
const COMPOSITE_CHARS_MAX = 4096;

export function substitute(message: Message, substituteSlot: Substitute): Message {
  const { head } = message.http;
  if (head === undefined || isResponseHead(head)) return message;
  const target = inTarget(head.target, substituteSlot);
  const headers = inHeaders(head, substituteSlot);
  const body = inBody(head, message.http.body, substituteSlot);
  if (target === head.target && headers === undefined && body === undefined) return message;
  const changed: RequestHead = {
    ...head,
    target,
    headers: withLength(headers ?? [...head.headers], body),
  };
  const http =
    body === undefined
      ? message.http.withHead(changed)
      : HttpMessage.fromParts(changed, body, message.http.trailers);
  return { ...message, http };
}

/** All values, nothing replaced. */
export function slotsOf(message: Message): Slot[] {
  const slots: Slot[] = [];
  substitute(message, (slot) => {
    slots.push(slot);
    return undefined;
  });
  return slots;
}

function withLength(headers: string[], body: Uint8Array | undefined): string[] {
  if (body === undefined) return headers;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === "content-length") headers[i + 1] = String(body.length);
  }
  return headers;
}

function inTarget(target: string, see: Substitute): string {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  // The authority of an absolute target is not looked at.
  const start = /^https?:\/\/[^/]*/.exec(path)?.[0] ?? "";
  const segments = path.slice(start.length).split("/");
  const named = segments.map((segment, i) => {
    if (segment === "") return segment;
    const before = segments[i - 1];
    const place = `path:${before ?? ""}`;
    return encodedIn(segment, namespaceOfSegment(before), place, see);
  });
  const query = mark < 0 ? "" : `?${inPairs(target.slice(mark + 1), "query", see)}`;
  return `${start}${named.join("/")}${query}`;
}

function encodedIn(
  raw: string,
  namespace: string | undefined,
  place: string,
  see: Substitute,
): string {
  const value = percentDecoded(raw);
  const image = tokenImage(value, namespace, place, see);
  return image === undefined || image === value ? raw : percentEncoded(image, raw);
}

/** `a=1&b=2`, of a query or a form. */
function inPairs(text: string, where: string, see: Substitute): string {
  if (text === "") return text;
  return text
    .split("&")
    .map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 0) return pair;
      const name = percentDecoded(pair.slice(0, equals));
      const raw = pair.slice(equals + 1).replaceAll("+", "%20");
      const value = percentDecoded(raw);
      if (value === "") return pair;
      const image =
        see({
          value,
          namespace: `field:${name}`,
          isId: isIdName(name),
          place: `${where}:${name}`,
        }) ?? tokenImage(value, namespaceOfUse(name), `${where}:${name}`, see);
      if (image === undefined || image === value) return pair;
      return `${pair.slice(0, equals)}=${percentEncoded(image, pair.slice(equals + 1))}`;
    })
    .join("&");
}

function inHeaders(head: RequestHead, see: Substitute): string[] | undefined {
  let changed: string[] | undefined;
  for (let i = 0; i + 1 < head.headers.length; i += 2) {
    const name = (head.headers[i] ?? "").toLowerCase();
    const value = head.headers[i + 1] ?? "";
    if (NOT_LOOKED_AT.has(name) || name.startsWith("accept") || name.startsWith("sec-")) continue;
    const image = inField(name, value, see);
    if (image === value) continue;
    changed ??= [...head.headers];
    changed[i + 1] = image;
  }
  return changed;
}

function inField(name: string, value: string, see: Substitute): string {
  if (name === "cookie") return inCookies(value, see);
  if (name === "referer") return inTarget(value, see);
  return fieldText(changedField(name, value, see), value);
}

function changedField(name: string, value: string, see: Substitute): string {
  const place = `header:${name}`;
  if (name === "authorization" || name === "proxy-authorization") {
    const blank = value.indexOf(" ");
    const token = value.slice(blank + 1);
    return value.slice(0, blank + 1) + (tokenImage(token, undefined, place, see) ?? token);
  }
  return tokenImage(value, namespaceOfUse(name.replace(/^x-/, "")), place, see) ?? value;
}

function inCookies(text: string, see: Substitute): string {
  return text
    .split(";")
    .map((part) => {
      const equals = part.indexOf("=");
      if (equals < 0) return part;
      const name = part.slice(0, equals).trim();
      const value = part.slice(equals + 1).trim();
      const place = `cookie:${name}`;
      const image =
        see({ value, namespace: place, isId: false, place }) ??
        tokenImage(value, undefined, place, see);
      if (image === undefined || image === value) return part;
      return `${part.slice(0, equals)}=${fieldText(image, value)}`;
    })
    .join(";");
}

/** What may stand in a field (RFC 9110 5.5) without saying something else there. */
const FIELD_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

function fieldText(image: string, value: string): string {
  return FIELD_TEXT.test(image) ? image : value;
}

/** The image of a whole value, else of the tokens it is made of, else of what it carries in base64. */
function tokenImage(
  value: string,
  namespace: string | undefined,
  place: string,
  see: Substitute,
): string | undefined {
  const isId = place.startsWith("path:") || isIdName(lastName(place));
  const whole = see({ value, namespace, isId, place });
  if (whole !== undefined) return whole;
  const decodedState = inState(value, place, see);
  if (decodedState !== undefined) return decodedState;
  if (value.length > COMPOSITE_CHARS_MAX || !SEPARATORS.test(value)) return undefined;
  let isChanged = false;
  const parts = value.split(/([ ;,:|./="])/).map((part) => {
    if (part.length < 2) return part;
    const image = see({ value: part, namespace, isId, place });
    if (image === undefined || image === part) return part;
    isChanged = true;
    return image;
  });
  return isChanged ? parts.join("") : undefined;
}

/** The name at a place's end: `accountId` of `json:$.accountId`, `after` of `query:after`. */
function lastName(place: string): string {
  return place.slice(Math.max(place.lastIndexOf("."), place.lastIndexOf(":")) + 1);
}

/** JSON in base64 or base64url, as cursors are. */
function inState(value: string, place: string, see: Substitute): string | undefined {
  if (value.length < 8 || value.length > COMPOSITE_CHARS_MAX || !/^[\w+/=-]+$/.test(value))
    return undefined;
  const bytes = Buffer.from(value, "base64");
  if (bytes[0] !== 0x7b && bytes[0] !== 0x5b) return undefined;
  const text = bytes.toString("utf8");
  if (parseJson(text) === undefined) return undefined;
  const changed = inJson(text, place, see);
  if (changed === text) return undefined;
  const isUrlSafe = !/[+/]/.test(value) && (/[_-]/.test(value) || !value.endsWith("="));
  const encoded = Buffer.from(changed, "utf8").toString(isUrlSafe ? "base64url" : "base64");
  if (value.endsWith("=")) return encoded.padEnd(Math.ceil(encoded.length / 4) * 4, "=");
  // A value that would have needed padding and has none shows that its service writes none.
  return value.length % 4 === 0 && !isUrlSafe ? encoded : encoded.replace(/={1,2}$/, "");
}

function inJson(text: string, place: string, see: Substitute): string {
  return replaceInJson(text, (value, name, path) =>
    tokenImage(value, name === "" ? undefined : namespaceOfUse(name), `${place}:${path}`, see),
  );
}

function inBody(head: RequestHead, body: Uint8Array, see: Substitute): Uint8Array | undefined {
  if (body.length === 0 || headerValue(head.headers, "content-encoding") !== undefined)
    return undefined;
  const content = contentOf(head.headers, body);
  if (typeof content === "string") return undefined;
  if (content.kind === "multipart") {
    return inMultipart(headerValue(head.headers, "content-type") ?? "", body, see);
  }
  const after = changedText(content.kind, content.text, see);
  if (after === content.text) return undefined;
  // Text of another charset would come back as UTF-8: it is left as it is.
  const start = body.length - Buffer.byteLength(content.text);
  const isUtf8 = start >= 0 && Buffer.from(content.text).equals(body.subarray(start));
  return isUtf8 ? Buffer.concat([body.subarray(0, start), Buffer.from(after)]) : undefined;
}

function changedText(kind: ContentKind, text: string, see: Substitute): string {
  if (kind === "json") return inJson(text, "json", see);
  if (kind === "form") return inPairs(text, "form", see);
  if (kind !== "ndjson") return text;
  return text
    .split("\n")
    .map((line) => (line.trim() === "" ? line : inJson(line, "json", see)))
    .join("\n");
}

/** Parts without a file name: their whole value, or the JSON in it. Others keep their bytes. */
function inMultipart(
  contentType: string,
  body: Uint8Array,
  see: Substitute,
): Uint8Array | undefined {
  const boundary = /boundary="?([^";]{1,200})/i.exec(contentType)?.[1];
  if (boundary === undefined || mediaType(contentType) === "") return undefined;
  const text = Buffer.from(body).toString("latin1");
  const parts = text.split(`--${boundary}`);
  const changed = parts.map((part) => {
    const headEnd = part.indexOf("\r\n\r\n");
    if (headEnd < 0 || !part.endsWith("\r\n") || /filename/i.test(part.slice(0, headEnd)))
      return part;
    const name = /name="([^"]{0,200})"/i.exec(part.slice(0, headEnd))?.[1] ?? "";
    const value = Buffer.from(part.slice(headEnd + 4, -2), "latin1").toString("utf8");
    const image =
      parseJson(value) instanceof Object
        ? inJson(value, `form:${name}`, see)
        : (tokenImage(value, namespaceOfUse(name), `form:${name}`, see) ?? value);
    if (image === value) return part;
    return `${part.slice(0, headEnd + 4)}${Buffer.from(image, "utf8").toString("latin1")}\r\n`;
  });
  const joined = changed.join(`--${boundary}`);
  return joined === text ? undefined : Buffer.from(joined, "latin1");
}

function percentDecoded(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Characters that `encodeURIComponent` escapes though they may stand in a segment or a value. */
const OFTEN_BARE = /%(?:3A|40|24|2C|3B|3D|2F|3F)/g;

/** Escapes what must be, and leaves bare what stood bare in the recording: the same encoding back. */
function percentEncoded(image: string, raw: string): string {
  let encoded: string;
  try {
    encoded = encodeURIComponent(image);
  } catch {
    return raw;
  }
  const bare = encoded.replace(OFTEN_BARE, (escape) => {
    const char = decodeURIComponent(escape);
    return raw.includes(char) ? char : escape;
  });
  return raw.includes("+") ? bare.replaceAll("%20", "+") : bare;
}
