/** What the page asks about the exchanges in memory: rows by filter, one exchange, its bytes, its downloads. Read only. */
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import type { ServerResponse } from "node:http";
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { messageOf } from "../../core/page/exchange-ring.ts";
import type { Entry, ExchangeRing, Kept } from "../../core/page/exchange-ring.ts";
import { parseFilter } from "../../core/page/filter.ts";
import { bodyBytes, detailOf, rowOf } from "../../core/page/look.ts";
import type { SessionIndex } from "../../core/page/session-index.ts";
import type { Row } from "../../core/page/types.ts";
import { EncodeReport, encodeRecords } from "../../core/record/encode.ts";
import { harEntry } from "../../tools/convert/har-fields.ts";
import { sendFile, sendJson, sendText } from "../route.ts";
import type { Route, RoutedRequest } from "../route.ts";
import type { RowsAnswer, SessionAnswer } from "./events.ts";

/** Rows of one answer: a page asks on while its reader already has these. */
const ROWS_MAX = 1000;
/** Milliseconds in which entries are looked at before the traffic has its turn again. */
const SLICE_MS = 5;
/** Milliseconds between two slices where much is to be decoded. */
const PAUSE_MS = 10;
const GONE = "this exchange is no longer in memory\n";

export function exchangeRoutes(ring: ExchangeRing, sessions: SessionIndex): Route[] {
  const about = (
    path: string,
    answer: (
      entry: Entry,
      request: RoutedRequest,
      response: ServerResponse,
    ) => void | Promise<void>,
  ): Route => ({
    method: "GET",
    path,
    access: "inside",
    answer: (request, response) => {
      const entry = /^\d{1,15}$/.test(request.rest) ? ring.get(Number(request.rest)) : undefined;
      if (entry === undefined) return sendText(response, 404, GONE);
      return answer(entry, request, response);
    },
  });
  return [
    {
      method: "GET",
      path: "/api/rows",
      access: "inside",
      answer: (request, response) => sendRows(ring, sessions, request, response),
    },
    about("/api/exchange/", (entry, _, response) =>
      sendJson(response, detailOf(entry, sessions.of(entry))),
    ),
    about("/api/session/", (entry, _, response) => sendSession(ring, sessions, entry, response)),
    about("/api/bytes/", sendBytes),
    about("/api/download/", sendDownload),
  ];
}

async function sendRows(
  ring: ExchangeRing,
  sessions: SessionIndex,
  { query }: RoutedRequest,
  response: ServerResponse,
): Promise<void> {
  const filter = parseFilter(query.get("filter") ?? "");
  if (typeof filter === "string") return sendText(response, 400, `${filter}\n`);
  const rows: Row[] = [];
  const before = Number(query.get("before") ?? Number.NaN);
  let seq = Number.isSafeInteger(before) ? Math.min(before - 1, ring.lastSeq) : ring.lastSeq;
  let endMs = performance.now() + SLICE_MS;
  // The oldest may be forgotten while this goes on.
  while (seq >= (ring.first?.seq ?? Number.POSITIVE_INFINITY) && rows.length < ROWS_MAX) {
    const entry = ring.get(seq);
    seq -= 1;
    if (entry === undefined) continue;
    if (filter.matches(entry, (each) => sessions.of(each))) {
      rows.push(rowOf(entry, sessions.of(entry)));
    }
    if (performance.now() < endMs) continue;
    await nextTurn();
    if (response.destroyed) return;
    endMs = performance.now() + SLICE_MS;
  }
  const isOver = seq < (ring.first?.seq ?? Number.POSITIVE_INFINITY);
  sendJson(response, { rows, next: isOver ? null : seq + 1 } satisfies RowsAnswer);
}

/** Looks at all exchanges before this one, a little at a time, as far as nobody has. */
async function sendSession(
  ring: ExchangeRing,
  sessions: SessionIndex,
  entry: Entry,
  response: ServerResponse,
): Promise<void> {
  const isThere = (): boolean => ring.get(entry.seq) === entry && !response.destroyed;
  while (sessions.of(entry) === undefined && isThere()) {
    const endMs = performance.now() + SLICE_MS;
    while (performance.now() < endMs && sessions.advance(Date.now()) !== undefined);
    await pause(PAUSE_MS);
  }
  sendJson(response, { session: sessions.of(entry) ?? null } satisfies SessionAnswer);
}

/** `side=original`; `of=message` for all of it as it was on the wire, else its body, decoded. */
function sendBytes(entry: Entry, { query }: RoutedRequest, response: ServerResponse): void {
  const message = sideOf(entry, query.get("side") ?? "", query.get("target") ?? "");
  if (message === undefined) return sendText(response, 404, GONE);
  const bytes = query.get("of") === "message" ? message.http.raw : bodyBytes(message);
  sendFile(response, `${entry.id}.bin`, "application/octet-stream", bytes);
}

function sideOf(entry: Entry, side: string, target: string): Message | undefined {
  const { request, original, replayed } = entry;
  if (side === "request") return messageOf(entry, request, MessageKind.request);
  const isReplayed = side === "replayed";
  const kept = isReplayed ? replayed.get(target) : original;
  const kind = isReplayed ? MessageKind.replayed : MessageKind.response;
  return kept === undefined ? undefined : messageOf(entry, kept, kind);
}

/** `as=gor` has all messages, `as=har` the request and its recorded answer, or else a replayed one. */
function sendDownload(entry: Entry, { query }: RoutedRequest, response: ServerResponse): void {
  const messages = messagesOf(entry);
  const [request, answer] = messages;
  if (query.get("as") === "har" && request !== undefined) {
    const creator = { name: "mirrorball", version: "" };
    const har = `{"log":{"version":"1.2","creator":${JSON.stringify(creator)},"entries":[\n${harEntry(request, answer)}\n]}}\n`;
    return sendFile(response, `${entry.id}.har`, "application/json", Buffer.from(har));
  }
  const records = encodeRecords(messages, new EncodeReport());
  sendFile(response, `${entry.id}.gor`, "application/octet-stream", records);
}

function messagesOf(entry: Entry): Message[] {
  const { request, original, replayed } = entry;
  const made = (kept: Kept, kind: MessageKind): Message => messageOf(entry, kept, kind);
  return [
    made(request, MessageKind.request),
    ...(original === undefined ? [] : [made(original, MessageKind.response)]),
    ...[...replayed.values()].map((kept) => made(kept, MessageKind.replayed)),
  ];
}
