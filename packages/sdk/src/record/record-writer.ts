/**
 * From an exchange to wire records: the fields of `record.ts`, redacted, bodies joined. Reads Node's request and response
 * objects, changes nothing on them. Heads that no receiver would take give a reason.
 */
import {
  BodyState,
  CHUNK_BYTES_MAX,
  EXCHANGE,
  EXCHANGE_AT,
  HEAD_BYTES_MAX,
  NAME_CHARS_MAX,
  REQUEST_CHUNK,
  REQUEST_END,
  REQUEST_HEAD,
  RESPONSE_CHUNK,
  RESPONSE_END,
  RESPONSE_HEAD,
  TAGS_MAX,
  recordOf,
} from "@mirrorball/protocol/producing";
import type {
  PayloadWriter,
  RequestHeadRecord,
  ResponseHeadRecord,
  WireRecord,
} from "@mirrorball/protocol/producing";
import { settle } from "../guard/callbacks.ts";
import {
  requestStateOf,
  responseHeadOf,
  responseStateOf,
  responseTrailersOf,
} from "../exchange/exchange.ts";
import { ExchangePhase } from "../exchange/exchange.ts";
import type { BodyTrack } from "../exchange/body-track.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { Settings } from "../options.ts";
import type { DropReason } from "../stats/stats.ts";
import type { Redactor } from "../redact/redactor.ts";
import { routeOf } from "../exchange/route.ts";

export class RecordWriter {
  readonly #settings: Settings;
  readonly #redactor: Redactor | undefined;
  /** Bodies left out because they could not be redacted. */
  withheld = 0;
  /** Calls of `tags` that threw or answered anything but an object. */
  tagsErrors = 0;
  #lastNumber = 0;

  constructor(settings: Settings, redactor: Redactor | undefined) {
    this.#settings = settings;
    this.#redactor = redactor;
  }

  /** Writes an `ExchangeRecord`, field by field; false when no receiver would take it, or it has no room in this frame. */
  whole(out: PayloadWriter, exchange: Exchange, endedUs: number): boolean {
    const { connection, request, response, startedUs } = exchange;
    const head = this.#responseHeadText(exchange);
    if (head !== null && head.length > HEAD_BYTES_MAX) return false;
    const wantsBody = this.#settings.responses === "full" && head !== null;
    if (wantsBody) this.#holdBack(exchange);
    const requestBody = this.#body(request, requestStateOf(exchange));
    const responseBody = wantsBody ? this.#body(response, responseStateOf(exchange)) : null;
    if (exchange.number === 0) exchange.number = this.#nextNumber();
    const responseStartedUs =
      exchange.responseStartedUs === 0 ? endedUs : exchange.responseStartedUs;
    out.begin(EXCHANGE);
    out.number(EXCHANGE_AT.exchange, exchange.number);
    out.number(EXCHANGE_AT.startedUs, startedUs);
    out.number(EXCHANGE_AT.requestUs, durationUs(startedUs, exchange.requestEndedUs));
    out.number(EXCHANGE_AT.connection, connection.id);
    out.number(EXCHANGE_AT.connectionSeq, exchange.connectionSeq);
    out.textOrNull(EXCHANGE_AT.peer, connection.peer);
    out.text(EXCHANGE_AT.method, exchange.method);
    out.text(EXCHANGE_AT.target, this.#redactor?.target(exchange.target) ?? exchange.target);
    out.text(EXCHANGE_AT.version, versionOf(exchange));
    out.texts(EXCHANGE_AT.headers, this.#requestHeaders(exchange, requestBody));
    out.bytesOrNull(EXCHANGE_AT.requestBody, requestBody);
    out.number(EXCHANGE_AT.requestState, requestStateOf(exchange));
    out.textsOrNull(EXCHANGE_AT.requestTrailers, this.#requestTrailers(exchange));
    out.number(EXCHANGE_AT.responseStartedUs, responseStartedUs);
    out.number(EXCHANGE_AT.responseUs, durationUs(responseStartedUs, endedUs));
    const headText = head === null ? null : withLength(head, response, responseBody);
    out.textOrNull(EXCHANGE_AT.responseHead, headText);
    if (wantsBody && response.text !== undefined)
      out.textAsBytes(EXCHANGE_AT.responseBody, response.text);
    else out.bytesOrNull(EXCHANGE_AT.responseBody, responseBody);
    out.number(EXCHANGE_AT.responseState, responseStateOf(exchange));
    out.textsOrNull(EXCHANGE_AT.responseTrailers, this.#responseTrailers(exchange));
    out.textOrNull(EXCHANGE_AT.route, routeOf(exchange));
    out.textsOrNull(EXCHANGE_AT.tags, exchange.tags);
    return out.end();
  }

  /** The record, or why there is none. */
  requestHead(exchange: Exchange): RequestHeadRecord | DropReason {
    const { connection } = exchange;
    const tags = this.tagsOf(exchange);
    if (tags === undefined) return "tags-threw";
    exchange.number = this.#nextNumber();
    return recordOf(REQUEST_HEAD, {
      exchange: exchange.number,
      startedUs: exchange.startedUs,
      connection: connection.id,
      connectionSeq: exchange.connectionSeq,
      peer: connection.peer,
      method: exchange.method,
      target: this.#redactor?.target(exchange.target) ?? exchange.target,
      version: versionOf(exchange),
      // A body that is held back may change its length; its framing is made by who replays it.
      headers: this.#requestHeaders(exchange, null),
      route: routeOf(exchange),
      tags,
    });
  }

  /** The request's last records, once; undefined when it has not ended, or was already told. */
  requestEnd(exchange: Exchange): WireRecord[] | undefined {
    const { req, request, number, progress } = exchange;
    if (progress === undefined || progress.requestEndSent) return undefined;
    if (!(req.complete || request.ended || exchange.phase === ExchangePhase.ending))
      return undefined;
    progress.requestEndSent = true;
    const records: WireRecord[] = [];
    const body = this.#body(request, requestStateOf(exchange));
    pushChunks(records, REQUEST_CHUNK, number, body);
    records.push(
      recordOf(REQUEST_END, {
        exchange: number,
        requestUs: durationUs(exchange.startedUs, exchange.requestEndedUs),
        state: requestStateOf(exchange),
        trailers: this.#requestTrailers(exchange),
      }),
    );
    return records;
  }

  /** Undefined while the head is not rendered, when no response is wanted, or when it is too large. */
  responseHead(exchange: Exchange): ResponseHeadRecord | undefined {
    const text = this.#responseHeadText(exchange);
    if (text === null || text.length > HEAD_BYTES_MAX) return undefined;
    this.#holdBack(exchange);
    if (exchange.response.heldBack) return undefined;
    return responseHeadRecord(exchange, text);
  }

  /** Everything an exchange that travels in pieces still owes. */
  remainingRecords(exchange: Exchange, endedUs: number): WireRecord[] {
    const { response, number } = exchange;
    const headIsSent = exchange.progress?.responseHeadSent === true;
    const records = this.requestEnd(exchange) ?? [];
    const text = headIsSent ? null : this.#responseHeadText(exchange);
    response.settle();
    if (!headIsSent) this.#holdBack(exchange);
    const body =
      this.#settings.responses === "full" ? this.#body(response, responseStateOf(exchange)) : null;
    if (text !== null && text.length <= HEAD_BYTES_MAX) {
      records.push(responseHeadRecord(exchange, withLength(text, response, body)));
    }
    pushChunks(records, RESPONSE_CHUNK, number, body);
    records.push(
      recordOf(RESPONSE_END, {
        exchange: number,
        responseUs: durationUs(exchange.responseStartedUs, endedUs),
        state: responseStateOf(exchange),
        trailers: this.#responseTrailers(exchange),
      }),
    );
    return records;
  }

  #nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  #requestHeaders(exchange: Exchange, body: Uint8Array | null): readonly string[] {
    const { rawHeaders } = exchange;
    if (this.#redactor === undefined) return rawHeaders;
    const redacted = this.#redactor.fields(rawHeaders);
    const { request } = exchange;
    if (!request.heldBack || request.cut || body === null || body.length === request.seenBytes)
      return redacted;
    return redacted.map((value, i) =>
      i % 2 === 1 && redacted[i - 1]?.toLowerCase() === "content-length"
        ? String(body.length)
        : value,
    );
  }

  #responseHeadText(exchange: Exchange): string | null {
    if (this.#settings.responses === "off") return null;
    const text = responseHeadOf(exchange);
    if (text === "") return null;
    return this.#redactor?.headText(text) ?? text;
  }

  /** Decides, once the response's head is known, whether its body has to be redacted. */
  #holdBack(exchange: Exchange): void {
    const { response } = exchange;
    if (this.#redactor === undefined || response.isJudged) return;
    response.redactor = this.#redactor.redactorFor(fieldsOf(responseHeadOf(exchange)));
    response.judge();
  }

  /** Null for a body that is kept as text, too: the caller sends that. */
  #body(body: BodyTrack, state: BodyState): Uint8Array | null {
    const { chunks, redactor } = body;
    if (chunks.length === 0) return null;
    const joined =
      chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
    if (redactor === undefined) return joined;
    // Half a secret may look like none; what cannot be looked into does not leave.
    const isWhole = state === BodyState.complete;
    const redacted = isWhole ? redactor.redact(joined) : redactor.passes(joined) ? joined : undefined; // prettier-ignore
    if (redacted !== undefined) return redacted;
    // A record may be written twice, when the frame under way had no room for it.
    if (!body.cut) this.withheld += 1;
    body.cut = true;
    return null;
  }

  /** Undefined when the exchange is to be dropped for them. */
  tagsOf({ req }: Exchange): readonly string[] | null | undefined {
    const { tags, onCallbackError } = this.#settings;
    if (tags === undefined) return null;
    try {
      const given: unknown = tags(req);
      if (given === undefined || given === null) return null;
      if (typeof given !== "object" || "then" in given) {
        settle(given);
        throw new TypeError("tags must return an object");
      }
      const flat: string[] = [];
      for (const [name, value] of Object.entries(given).slice(0, TAGS_MAX)) {
        flat.push(this.#tagText(name), this.#tagText(String(value)));
      }
      return flat;
    } catch {
      this.tagsErrors += 1;
      return onCallbackError === "drop" ? undefined : ["mirrorball", "tags-threw"];
    }
  }

  #tagText(text: string): string {
    const cut = text.slice(0, NAME_CHARS_MAX);
    return this.#redactor?.text(cut) ?? cut;
  }

  #trailers(raw: readonly string[]): readonly string[] | null {
    if (raw.length === 0) return null;
    return this.#redactor?.fields(raw) ?? raw;
  }

  #requestTrailers({ chunked, req }: Exchange): readonly string[] | null {
    return chunked ? this.#trailers(req.rawTrailers) : null;
  }

  #responseTrailers(exchange: Exchange): readonly string[] | null {
    if (!exchange.hasResponseTrailers) return null;
    return this.#trailers(fieldsOf(responseTrailersOf(exchange)));
  }
}

function responseHeadRecord(exchange: Exchange, head: string): ResponseHeadRecord {
  const { number, responseStartedUs } = exchange;
  return recordOf(RESPONSE_HEAD, { exchange: number, responseStartedUs, head });
}

/** A body that was held back may be larger than a chunk, and than a frame. */
function pushChunks(
  records: WireRecord[],
  table: typeof REQUEST_CHUNK | typeof RESPONSE_CHUNK,
  exchange: number,
  body: Uint8Array | null,
): void {
  if (body === null) return;
  for (let at = 0; at < body.length; at += CHUNK_BYTES_MAX) {
    const bytes = body.subarray(at, at + CHUNK_BYTES_MAX);
    records.push(chunkRecord(table, exchange, bytes));
  }
}

/** Bytes of a body on their way. */
export function chunkRecord(
  { type }: typeof REQUEST_CHUNK | typeof RESPONSE_CHUNK,
  exchange: number,
  bytes: Uint8Array,
): WireRecord {
  return type === REQUEST_CHUNK.type
    ? recordOf(REQUEST_CHUNK, { exchange, bytes })
    : recordOf(RESPONSE_CHUNK, { exchange, bytes });
}

function versionOf({ httpVersion }: Exchange): string {
  // The usual one without making a string.
  return httpVersion === "1.1" ? "HTTP/1.1" : `HTTP/${httpVersion}`;
}

function durationUs(from: number, to: number): number {
  return from === 0 ? 0 : Math.max(0, to - from);
}

/** Lines without a colon, the first one of a head, are none. */
function fieldsOf(text: string): string[] {
  const flat: string[] = [];
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) flat.push(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return flat;
}

/** A redacted body may have another length than its head says. */
function withLength(headText: string, track: BodyTrack, body: Uint8Array | null): string {
  if (!track.heldBack || track.cut || body === null || body.length === track.seenBytes)
    return headText;
  return headText.replace(/^(content-length:\s*)\d+/im, `$1${body.length}`);
}
