/**
 * From an exchange to wire records: the fields of `record.ts`, redacted, bodies joined. Reads Node's request and response
 * objects, changes nothing on them. Heads that no receiver would take give undefined.
 */
import type { ServerResponse } from "node:http";
import { HEAD_BYTES_MAX, NAME_CHARS_MAX, RecordType, TAGS_MAX } from "@mirrorball/protocol";
import type {
  ExchangeRecord,
  RequestHeadRecord,
  ResponseHeadRecord,
  WireRecord,
} from "@mirrorball/protocol";
import { requestStateOf, responseStateOf } from "./exchange.ts";
import type { BodyTrack, Exchange } from "./exchange.ts";
import type { Settings } from "./options.ts";
import type { Redactor } from "./redact.ts";
import { routeOf } from "./route.ts";
import { nowUs } from "./time.ts";

/** Node keeps the rendered head and trailer on the response: exact bytes, order and case, Date included. */
interface RenderedResponse extends ServerResponse {
  readonly _header?: string | null;
  readonly _trailer?: string;
}

export class RecordWriter {
  readonly #settings: Settings;
  readonly #redactor: Redactor | undefined;
  #lastNumber = 0;

  constructor(settings: Settings, redactor: Redactor | undefined) {
    this.#settings = settings;
    this.#redactor = redactor;
  }

  whole(exchange: Exchange): ExchangeRecord | undefined {
    const { req, connection, request, response } = exchange;
    const responseHead = this.#responseHeadText(exchange);
    if (responseHead !== null && responseHead.length > HEAD_BYTES_MAX) return undefined;
    const endedUs = nowUs();
    const requestBody = this.#body(request);
    const wantsBody = this.#settings.responses === "full" && responseHead !== null;
    if (wantsBody) this.#holdBack(exchange, responseHead);
    const responseBody = wantsBody ? this.#body(response) : null;
    this.#lastNumber += 1;
    return [
      RecordType.exchange,
      this.#lastNumber,
      exchange.startedUs,
      durationUs(exchange.startedUs, exchange.requestEndedUs),
      connection.id,
      exchange.connectionSeq,
      connection.peer,
      req.method ?? "GET",
      this.#redactor?.target(exchange.target) ?? exchange.target,
      `HTTP/${req.httpVersion}`,
      this.#requestHeaders(exchange, requestBody),
      requestBody,
      requestStateOf(exchange),
      trailersOf(req.rawTrailers),
      exchange.responseStartedUs === 0 ? endedUs : exchange.responseStartedUs,
      durationUs(exchange.responseStartedUs, endedUs),
      responseHead === null ? null : withLength(responseHead, response, responseBody),
      responseBody,
      responseStateOf(exchange),
      responseTrailers(exchange.res),
      routeOf(exchange),
      this.#tags(exchange),
    ];
  }

  requestHead(exchange: Exchange): RequestHeadRecord | undefined {
    const { req, connection } = exchange;
    this.#lastNumber += 1;
    exchange.number = this.#lastNumber;
    return [
      RecordType.requestHead,
      exchange.number,
      exchange.startedUs,
      connection.id,
      exchange.connectionSeq,
      connection.peer,
      req.method ?? "GET",
      this.#redactor?.target(exchange.target) ?? exchange.target,
      `HTTP/${req.httpVersion}`,
      // A body that is held back may change its length; its framing is made by who replays it.
      this.#requestHeaders(exchange, null),
      routeOf(exchange),
      this.#tags(exchange),
    ];
  }

  /** The request's last records, once; undefined when it has not ended, or was already told. */
  requestEnd(exchange: Exchange): WireRecord[] | undefined {
    const { req, request, number } = exchange;
    if (exchange.requestEndSent || !(req.complete || request.ended || exchange.closed))
      return undefined;
    exchange.requestEndSent = true;
    const records: WireRecord[] = [];
    const body = this.#body(request);
    if (body !== null) records.push([RecordType.requestChunk, number, body]);
    const took = durationUs(exchange.startedUs, exchange.requestEndedUs);
    records.push([
      RecordType.requestEnd,
      number,
      took,
      requestStateOf(exchange),
      trailersOf(req.rawTrailers),
    ]);
    return records;
  }

  /** Undefined while the head is not rendered, when no response is wanted, or when it is too large. */
  responseHead(exchange: Exchange): ResponseHeadRecord | undefined {
    const text = this.#responseHeadText(exchange);
    if (text === null || text.length > HEAD_BYTES_MAX) return undefined;
    this.#holdBack(exchange, text);
    if (exchange.response.heldBack) return undefined;
    exchange.responseHeadSent = true;
    return [RecordType.responseHead, exchange.number, exchange.responseStartedUs, text];
  }

  /** Everything an exchange that travels in pieces still owes. */
  rest(exchange: Exchange): WireRecord[] {
    const { response, number } = exchange;
    const records = this.requestEnd(exchange) ?? [];
    const text = exchange.responseHeadSent ? null : this.#responseHeadText(exchange);
    response.settle();
    const body = this.#settings.responses === "full" ? this.#body(response) : null;
    if (text !== null && text.length <= HEAD_BYTES_MAX) {
      const head = withLength(text, response, body);
      records.push([RecordType.responseHead, number, exchange.responseStartedUs, head]);
    }
    if (body !== null) records.push([RecordType.responseChunk, number, body]);
    const took = durationUs(exchange.responseStartedUs, nowUs());
    const trailers = responseTrailers(exchange.res);
    records.push([RecordType.responseEnd, number, took, responseStateOf(exchange), trailers]);
    return records;
  }

  #requestHeaders(exchange: Exchange, body: Uint8Array | null): readonly string[] {
    const { rawHeaders } = exchange.req;
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

  #responseHeadText({ res }: Exchange): string | null {
    if (this.#settings.responses === "off") return null;
    const text = (res as RenderedResponse)._header;
    if (typeof text !== "string" || text === "") return null;
    return this.#redactor?.headText(text) ?? text;
  }

  /** Decides, once the response's head is known, whether its body has to be redacted. */
  #holdBack({ response }: Exchange, headText: string): void {
    if (this.#redactor === undefined) return;
    response.heldBack = this.#redactor.looksInto(/^content-type:\s*(.*)$/im.exec(headText)?.[1]);
  }

  /** Null for a body that is kept as text, too: the caller sends that. */
  #body(body: BodyTrack): Uint8Array | null {
    const { chunks } = body;
    if (chunks.length === 0) return null;
    const joined =
      chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
    if (!body.heldBack || this.#redactor === undefined) return joined;
    const redacted = this.#redactor.body(joined);
    // Not JSON after all: what cannot be looked into does not leave.
    if (redacted === undefined) body.cut = true;
    return redacted ?? null;
  }

  #tags({ req }: Exchange): readonly string[] | null {
    const { tags } = this.#settings;
    if (tags === undefined) return null;
    try {
      const flat: string[] = [];
      for (const [name, value] of Object.entries(tags(req)).slice(0, TAGS_MAX)) {
        flat.push(name.slice(0, NAME_CHARS_MAX), String(value).slice(0, NAME_CHARS_MAX));
      }
      return flat;
    } catch {
      return ["mirrorball", "tags-threw"];
    }
  }
}

function durationUs(from: number, to: number): number {
  return from === 0 ? 0 : Math.max(0, to - from);
}

function trailersOf(raw: readonly string[]): readonly string[] | null {
  return raw.length === 0 ? null : raw;
}

function responseTrailers(res: ServerResponse): readonly string[] | null {
  const text = (res as RenderedResponse)._trailer;
  if (typeof text !== "string" || text === "" || !res.chunkedEncoding) return null;
  const flat: string[] = [];
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) flat.push(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return flat.length === 0 ? null : flat;
}

/** A redacted body may have another length than its head says. */
function withLength(headText: string, track: BodyTrack, body: Uint8Array | null): string {
  if (!track.heldBack || track.cut || body === null || body.length === track.seenBytes)
    return headText;
  return headText.replace(/^(content-length:\s*)\d+/im, `$1${body.length}`);
}
