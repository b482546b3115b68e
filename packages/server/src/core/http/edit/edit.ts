/**
 * Edits of an HTTP head: header fields, query parameters, the target. Pure: lists and texts in, new ones out; what
 * an edit does not name keeps its order, case and duplicates. A body cannot be reached from here.
 *
 * Names of header fields are given in lower case. `firstOnly` is gor's way, which takes the first of repeated fields
 * for all of them.
 */
import type { Head, HeaderList, Message, RequestHead } from "@mirrorball/protocol";

/** The index of the next field called `name`, from index `from` on, or -1. */
export function headerIndex(headers: HeaderList, name: string, from = 0): number {
  for (let i = from; i + 1 < headers.length; i += 2) {
    const candidate = headers[i];
    if (candidate === undefined || candidate.length !== name.length) continue;
    if (candidate === name || candidate.toLowerCase() === name) return i;
  }
  return -1;
}

/**
 * One field with this value: in the place and spelling of the first one that is there, in front of all when there is
 * none. Others of its name go.
 */
export function setHeader(
  headers: HeaderList,
  field: { readonly name: string; readonly lowerName: string; readonly value: string },
  firstOnly = false,
): HeaderList {
  const { name, lowerName, value } = field;
  const at = headerIndex(headers, lowerName);
  if (at < 0) return [name, value, ...headers];
  const edited = headers.slice();
  edited[at + 1] = value;
  return firstOnly ? edited : removeHeader(edited, lowerName, at + 2);
}

/** Without the fields called `name`, from index `from` on. The very list when there is none. */
export function removeHeader(headers: HeaderList, name: string, from = 0): HeaderList {
  let at = headerIndex(headers, name, from);
  if (at < 0) return headers;
  const kept = headers.slice(0, at);
  for (;;) {
    const next = headerIndex(headers, name, at + 2);
    kept.push(...headers.slice(at + 2, next < 0 ? headers.length : next));
    if (next < 0) return kept;
    at = next;
  }
}

/** Every field called `name` with a value gets what `edit` makes of it. The very list when nothing changes. */
export function editHeader(
  headers: HeaderList,
  name: string,
  edit: (value: string) => string,
  firstOnly = false,
): HeaderList {
  let edited: string[] | undefined;
  for (let at = headerIndex(headers, name); at >= 0; at = headerIndex(headers, name, at + 2)) {
    const value = headers[at + 1] ?? "";
    const next = value === "" ? value : edit(value);
    if (next !== value) {
      edited ??= headers.slice();
      edited[at + 1] = next;
    }
    if (firstOnly) break;
  }
  return edited ?? headers;
}

/**
 * Where the raw value of a query parameter begins, or -1. As in gor `&name=` is looked for before `?name=`, so that of
 * a repeated first parameter the second one counts; limiters must choose as gor does.
 */
function paramStart(target: string, name: string): number {
  const query = target.indexOf("?");
  if (query < 0) return -1;
  const at = target.indexOf(`&${name}=`, query);
  if (at >= 0) return at + name.length + 2;
  return target.startsWith(`${name}=`, query + 1) ? query + name.length + 2 : -1;
}

function paramEnd(target: string, start: number): number {
  const end = target.indexOf("&", start);
  return end < 0 ? target.length : end;
}

/** The raw value of a query parameter, not decoded, or undefined. */
export function paramValue(target: string, name: string): string | undefined {
  const start = paramStart(target, name);
  return start < 0 ? undefined : target.slice(start, paramEnd(target, start));
}

/** Sets a query parameter, everywhere it is there, or appends it. Nothing is encoded. */
export function setParam(target: string, name: string, value: string, firstOnly = false): string {
  const first = paramStart(target, name);
  if (first < 0) return `${target}${target.includes("?") ? "&" : "?"}${name}=${value}`;
  if (firstOnly) return target.slice(0, first) + value + target.slice(paramEnd(target, first));
  const query = target.indexOf("?") + 1;
  const pairs = target.slice(query).split("&");
  const edited = pairs.map((pair) => (pair.startsWith(`${name}=`) ? `${name}=${value}` : pair));
  return target.slice(0, query) + edited.join("&");
}

export function withHeaders(head: RequestHead, headers: HeaderList): RequestHead {
  return { method: head.method, target: head.target, version: head.version, headers };
}

export function withTarget(head: RequestHead, target: string): RequestHead {
  return { method: head.method, target, version: head.version, headers: head.headers };
}

/** The message under another head; everything else, its body's bytes above all, as it was. */
export function withHead(
  message: Message,
  head: Head,
  context: Message["context"] = message.context,
): Message {
  return {
    kind: message.kind,
    id: message.id,
    startedAt: message.startedAt,
    latencyNs: message.latencyNs,
    http: message.http.withHead(head),
    context,
  };
}
