/**
 * What is found out about a kept exchange only when somebody looks: its row, where its answers differ, its messages for reading. Sans-IO.
 * Found once for each state of an entry, and forgotten with it.
 */
import { BodyState, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { headEnd, headerValue } from "@mirrorball/protocol";
import { contentOf, mediaType } from "../content/body.ts";
import { messageOf } from "./exchange-ring.ts";
import type { Entry, Kept } from "./exchange-ring.ts";
import { placesOf } from "./places.ts";
import type { Detail, Place, ReplayedSide, Row, RowAnswer, Side, SideBody } from "./types.ts";

/** Characters of a decoded body that travel to a browser at once; the rest is there as raw bytes. */
const TEXT_CHARS_MAX: number = 512 * 1024;
/** What browsers draw and cannot run. */
const IMAGES: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "image/avif",
  "image/bmp",
  "image/x-icon",
]);

interface Found {
  /** Of the entry as it was then. */
  readonly costBytes: number;
  readonly places: ReadonlyMap<string, readonly Place[]>;
}

const found: WeakMap<Entry, Found> = new WeakMap();

/** Places by target. Compared once an entry, not once a look. */
function placesBy(entry: Entry): ReadonlyMap<string, readonly Place[]> {
  const known = found.get(entry);
  if (known !== undefined && known.costBytes === entry.costBytes) return known.places;
  const places = new Map<string, readonly Place[]>();
  const { original } = entry;
  if (original !== undefined) {
    const a = messageOf(entry, original, MessageKind.response);
    for (const [target, kept] of entry.replayed) {
      if (kept.failure !== undefined) continue;
      const b = messageOf(entry, kept, MessageKind.replayed);
      places.set(target, placesOf(a, b, entry.method === "HEAD"));
    }
  }
  found.set(entry, { costBytes: entry.costBytes, places });
  return places;
}

/** Null when there is nothing to compare. */
export function differsIn(entry: Entry): number | null {
  let count: number | null = null;
  for (const places of placesBy(entry).values()) {
    count = (count ?? 0) + places.filter(({ noise }) => noise === null).length;
  }
  return count;
}

export function rowOf(entry: Entry, session: number | undefined): Row {
  const { seq, id, method, target, context, request, original, replayed } = entry;
  let bytes = request.length + (original?.length ?? 0);
  const answers: RowAnswer[] = [];
  for (const [name, kept] of replayed) {
    bytes += kept.length;
    answers.push({
      target: name,
      status: kept.status,
      ms: kept.latencyMs ?? null,
      failure: kept.failure ?? null,
    });
  }
  return {
    seq,
    id,
    at: request.startedAtMs,
    method,
    target,
    route: context.route ?? null,
    service: context.service ?? null,
    status: original?.status ?? null,
    ms: original === undefined ? null : tookMs(request, original),
    bytes,
    replayed: answers,
    differs: differsIn(entry),
    session: session ?? null,
  };
}

/** From a request's first byte to its answer's last. */
function tookMs(request: Kept, answer: Kept): number {
  return Math.max(0, answer.startedAtMs - request.startedAtMs) + (answer.latencyMs ?? 0);
}

export function detailOf(entry: Entry, session: number | undefined): Detail {
  const { context, request, original, replayed } = entry;
  const places = placesBy(entry);
  return {
    row: rowOf(entry, session),
    peer: context.peer ?? null,
    tags: context.tags ?? [],
    request: sideOf(messageOf(entry, request, MessageKind.request), request),
    original:
      original === undefined
        ? null
        : sideOf(messageOf(entry, original, MessageKind.response), original),
    replayed: [...replayed].map(([target, kept]): ReplayedSide => ({
      target,
      side: sideOf(messageOf(entry, kept, MessageKind.replayed), kept),
      places: places.get(target) ?? [],
    })),
  };
}

function sideOf(message: Message, kept: Kept): Side {
  const text = latin1(kept.bytes.subarray(0, headEnd(kept.bytes)));
  const headers = message.http.head?.headers ?? [];
  const fields: [string, string][] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) fields.push([headers[i] ?? "", headers[i + 1] ?? ""]); // prettier-ignore
  return {
    start: text.slice(0, text.search(/\r?\n|$/)),
    fields,
    body: bodyOf(message),
    at: kept.startedAtMs,
    ms: kept.latencyMs ?? null,
    notes: notesOf(message, kept),
  };
}

function bodyOf({ http }: Message): SideBody {
  const { body } = http;
  const headers = http.head?.headers ?? [];
  const content = contentOf(headers, body);
  const { length } = body;
  if (typeof content === "string") {
    return { kind: "undecodable", length, text: null, isCut: false, image: null };
  }
  const type = mediaType(headerValue(headers, "content-type") ?? "");
  const isText = content.kind !== "binary" && content.kind !== "multipart";
  return {
    kind: content.kind,
    length,
    text: isText ? content.text.slice(0, TEXT_CHARS_MAX) : null,
    isCut: content.text.length > TEXT_CHARS_MAX,
    image: IMAGES.has(type) ? type : null,
  };
}

function notesOf({ http, context }: Message, kept: Kept): string[] {
  const notes: string[] = [];
  if (kept.failure !== undefined) notes.push(`no answer: ${kept.failure}`);
  if (kept.bytes.length < kept.length) {
    notes.push(`the first ${kept.bytes.length} of ${kept.length} bytes are kept`);
  } else if (context?.bodyState === BodyState.truncated) notes.push("its body was cut when it was recorded"); // prettier-ignore
  if (context?.bodyState === BodyState.aborted) notes.push("its body broke off");
  if (http.head === undefined) notes.push("its head cannot be read");
  if (context?.framing === "ambiguous") notes.push("it can be read as one message or as another");
  return notes;
}

/** The body of a message without its content codings, for a reader of bytes; with them when they cannot be undone. */
export function bodyBytes(message: Message): Uint8Array {
  const content = contentOf(message.http.head?.headers ?? [], message.http.body);
  return typeof content === "string" ? message.http.body : content.bytes;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
