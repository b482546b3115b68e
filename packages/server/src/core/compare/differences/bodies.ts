/**
 * Compares the bodies of two answers by what they are: JSON by place, event streams by event, text by line, the rest by bytes. In: two
 * views. Out: differences. Content codings are undone; bodies that cannot be looked into are compared as bytes.
 */
import type { Content, ContentKind } from "../../content/body.ts";
import type { Json } from "../../content/json.ts";
import { parseJson } from "../../content/json.ts";
import { tableOf } from "../../content/table.ts";
import { GROWN, difference } from "./difference.ts";
import type { Difference } from "./difference.ts";
import { shapeOf, tokenPairs } from "./tokens.ts";
import type { View } from "./view.ts";
import { walk } from "./walk.ts";
import type { WalkSink } from "./walk.ts";

/** What the run learned so far, as far as pairing elements needs it. */
export type Knowledge = Pick<WalkSink, "image" | "isKnown">;

/** Lines of a text that are compared one by one. */
const LINES_MAX = 20_000;
const WHERE_CHARS_MAX = 120;

export function bodyDifferences(a: View, b: View, knowledge: Knowledge): Difference[] {
  // Most traffic: nothing is decoded or parsed to see that it is the same.
  if (sameBytes(a.rawBody, b.rawBody) && a.coding === b.coding) return [];
  const [left, right] = [a.content, b.content];
  if (typeof left === "string" || typeof right === "string") {
    return sameBytes(a.rawBody, b.rawBody) ? [] : [bytesDiffer(a.rawBody, b.rawBody)];
  }
  if (sameBytes(left.bytes, right.bytes)) return [];
  if (left.kind === "empty" || right.kind === "empty") {
    const kind = right.kind === "empty" ? "missing" : "added";
    return [difference("body", "", kind, preview(left), preview(right))];
  }
  if (left.kind !== right.kind) {
    // Announced as something else, which the header field says: what is in it is still compared.
    const renamed = readAs(left.kind, right);
    if (renamed !== undefined) return ofKind(left.kind, left, renamed, knowledge);
    const path = left.kind === "json" ? "$" : "";
    return [difference("body", path, "type", preview(left), preview(right))];
  }
  return ofKind(left.kind, left, right, knowledge);
}

const AS_TEXT: ReadonlySet<ContentKind> = new Set(["text", "csv", "html", "xml", "sse"]);

function readAs(kind: ContentKind, content: Content): Content | undefined {
  if (AS_TEXT.has(kind)) return AS_TEXT.has(content.kind) ? { ...content, kind } : undefined;
  if (kind !== "json" || content.text === "") return undefined;
  const json = parseJson(content.text);
  return json === undefined ? undefined : { ...content, kind, json };
}

function ofKind(kind: ContentKind, a: Content, b: Content, knowledge: Knowledge): Difference[] {
  if (kind === "json") {
    return walked(a.json ?? null, b.json ?? null, knowledge, (path) => [path, ""]);
  }
  if (kind === "ndjson") return walked(a.json ?? null, b.json ?? null, knowledge, inside);
  if (kind === "sse") return walked(eventsOf(a.text), eventsOf(b.text), knowledge, inside);
  if (kind === "form") return walked(formOf(a.text), formOf(b.text), knowledge, inside);
  if (kind === "csv") {
    const [left, right] = [tableOf(a.text), tableOf(b.text)];
    if (left !== undefined && right !== undefined) return walked(left, right, knowledge, inside);
  }
  const hasText = kind !== "binary" && kind !== "multipart" && kind !== "empty";
  return hasText ? textDifferences(a.text, b.text) : [bytesDiffer(a.bytes, b.bytes)];
}

/** Where a place inside a body is that has no paths of its own. */
function inside(path: string): [path: string, where: string] {
  return ["", path];
}

function walked(
  a: Json,
  b: Json,
  knowledge: Knowledge,
  placeOf: (path: string) => [path: string, where: string],
): Difference[] {
  const found: Difference[] = [];
  walk(a, b, "$", {
    ...knowledge,
    differs: (at, kind, left, right, grown = false) => {
      const [path, where] = placeOf(at);
      found.push(difference("body", path, kind, left, right, grown ? GROWN : where));
    },
  });
  return found;
}

/** Server-sent events (HTML, 9.2.6) as JSON: each with its fields, data parsed where it is JSON. */
function eventsOf(text: string): Json {
  const events: Json[] = [];
  for (const block of text.replaceAll(/\r\n?/g, "\n").split("\n\n")) {
    const fields: Record<string, Json> = {};
    let data: string | undefined;
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      // A line that begins with a colon is a comment: a heartbeat.
      if (line === "" || colon === 0) continue;
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "data") data = data === undefined ? value : `${data}\n${value}`;
      else if (name !== "retry") fields[name] = value;
    }
    if (data !== undefined) fields["data"] = parseJson(data) ?? data;
    if (Object.keys(fields).length > 0) events.push(fields);
  }
  return events;
}

function formOf(text: string): Json {
  const fields: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const before = fields[name];
    fields[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return fields;
}

function textDifferences(a: string, b: string): Difference[] {
  const left = a.split(/\r?\n/);
  const right = b.split(/\r?\n/);
  if (left.length !== right.length || left.length > LINES_MAX) return [linesDiffer(left, right)];
  const found: Difference[] = [];
  for (const [i, line] of left.entries()) {
    const other = right[i] ?? "";
    if (line === other) continue;
    const pairs = tokenPairs(line, other);
    if (pairs === undefined) found.push(difference("body", "", "text", line, other, "*"));
    else {
      for (const [at, pair] of pairs.entries()) {
        const where = shapeOf(line, other, at).trim().slice(0, WHERE_CHARS_MAX);
        found.push(difference("body", "", "text", pair.a, pair.b, where));
      }
    }
  }
  return found;
}

/** Another number of lines: what stands between the common beginning and the common end. */
function linesDiffer(a: readonly string[], b: readonly string[]): Difference {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end))
    end += 1;
  const middle = (lines: readonly string[]): string =>
    lines.slice(start, lines.length - end).join("\n");
  return difference("body", "", "text", middle(a), middle(b), "lines");
}

function bytesDiffer(a: Uint8Array, b: Uint8Array): Difference {
  return difference("body", "", "bytes", describe(a), describe(b));
}

function describe(bytes: Uint8Array): string {
  return `${bytes.length} bytes, ${Buffer.from(bytes.subarray(0, 16)).toString("hex")}${bytes.length > 16 ? "…" : ""}`;
}

function preview(content: Content): string {
  if (content.kind === "empty") return "";
  return content.text === "" ? describe(content.bytes) : content.text;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && (a === b || Buffer.compare(a, b) === 0);
}
