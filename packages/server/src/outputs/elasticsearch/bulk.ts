/**
 * The `_bulk` API of Elasticsearch 7, 8, 9 and OpenSearch: documents to lines, an answer to verdicts. Pure.
 *
 * `create` with an id of our own: a document that is sent twice is stored once, and data streams take nothing else. No
 * `_type`, which Elasticsearch 8 refuses. No `_index` either: it stands in the path, as servers may forbid it in the body
 * (`rest.action.multi.allow_explicit_index`).
 */

/** What became of one document. `busy`: the server had no time for it. `again`: it failed, which the document may cause. */
export type Verdict = "stored" | "busy" | "again" | "rejected";

export interface BulkItem {
  readonly id: string;
  /** The document, as JSON. */
  readonly source: string;
}

export function bulkBody(items: readonly BulkItem[]): string {
  let body = "";
  for (const { id, source } of items) {
    body += `{"create":{"_id":${JSON.stringify(id)}}}\n${source}\n`;
  }
  return body;
}

export interface BulkAnswer {
  /** One an item, in order. */
  readonly verdicts: readonly Verdict[];
  /** The first reason that the server gave for a document it did not store. */
  readonly reason: string | undefined;
}

/** `too-large`: the same documents in smaller bulks may do. `trouble`: the server, not the documents; try again later. */
export type BulkOutcome =
  | ({ readonly kind: "answered" } & BulkAnswer)
  | { readonly kind: "too-large"; readonly reason: string }
  | { readonly kind: "trouble"; readonly reason: string; readonly waitMs: number };

/** Undefined when the answer to `count` items is not one. */
export function readBulkAnswer(text: string, count: number): BulkAnswer | undefined {
  const answer = parse(text);
  const items = answer?.["items"];
  if (!Array.isArray(items) || items.length !== count) return undefined;
  const verdicts: Verdict[] = [];
  let reason: string | undefined;
  for (const item of items as unknown[]) {
    const result = record(record(item)?.["create"]);
    const status = result?.["status"];
    if (typeof status !== "number") return undefined;
    verdicts.push(verdictOf(status));
    if (verdicts.at(-1) !== "stored") reason ??= `${status} ${reasonOf(result?.["error"])}`.trim();
  }
  return { verdicts, reason };
}

function verdictOf(status: number): Verdict {
  // 409: it is there already, from an attempt whose answer was lost.
  if ((status >= 200 && status < 300) || status === 409) return "stored";
  if (status === 429 || status === 503) return "busy";
  return status >= 500 ? "again" : "rejected";
}

/** A server's error as one line: objects in new versions, strings in old proxies. */
export function reasonOf(error: unknown): string {
  if (typeof error === "string") return error;
  const { type, reason } = record(error) ?? {};
  return [type, reason].filter((part) => typeof part === "string").join(": ");
}

export function errorIn(text: string): string {
  return reasonOf(parse(text)?.["error"]);
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return record(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
