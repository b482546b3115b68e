/**
 * The document of one exchange: gor's keys and meaning, and more beside them, none of gor's renamed. Pure.
 *
 * gor writes statuses as strings and leaves most keys out when they are empty; so does this. Its RTT lost whole seconds (1.5 s
 * became 501); this does not.
 */
import { headerValue, isResponseHead, timestampToUs } from "@mirrorball/protocol";
import type { HeaderList, Message, RequestHead, ResponseHead } from "@mirrorball/protocol";

/** Messages of one exchange, as far as they came. */
export interface Exchange {
  readonly request: Message;
  readonly original: Message | undefined;
  readonly replayed: Message | undefined;
}

const REQUEST_FIELDS: readonly string[] = [
  "User-Agent", "Accept-Language", "Accept", "Accept-Encoding", "If-Modified-Since", "Connection",
  "Host", "Content-Type", "Content-Length", "Referer",
]; // prettier-ignore
const RESPONSE_FIELDS: readonly string[] = [
  "Content-Length", "Content-Type", "Transfer-Encoding", "Content-Encoding", "Expires", "Cache-Control",
  "Vary", "Set-Cookie",
]; // prettier-ignore

const KEYWORD = { type: "keyword", ignore_above: 8191 } as const;
const DATE = { type: "date" } as const;

/** For the index, so that statuses can be ranged over and names counted. */
export const MAPPINGS: Readonly<Record<string, unknown>> = {
  dynamic_templates: [{ texts: { match_mapping_type: "string", mapping: KEYWORD } }],
  properties: {
    "@timestamp": DATE,
    Timestamp: DATE,
    Req_Timestamp: DATE,
    RTT: { type: "long" },
    Original_RTT: { type: "long" },
    "Resp_Status-Code": { type: "integer" },
    "Original_Status-Code": { type: "integer" },
    Status_Differs: { type: "boolean" },
  },
};

type Document = Record<string, string | number | boolean | null>;

/** Undefined when the request's bytes are not HTTP. `nowUs`: for what was not replayed. */
export function documentOf(
  { request, original, replayed }: Exchange,
  nowUs: number,
): Document | undefined {
  const { head } = request.http;
  if (head === undefined || isResponseHead(head)) return undefined;
  const document: Document = {};
  addRequest(document, request, head);
  const status = replayed?.http.status;
  const originalStatus = original?.http.status;
  document["Resp_Status"] = status === undefined ? null : String(status);
  document["Resp_Status-Code"] = document["Resp_Status"];
  const answer = replayed?.http.head;
  if (answer !== undefined && isResponseHead(answer)) addResponse(document, answer);
  document["RTT"] = replayed?.latencyNs === undefined ? null : Math.round(replayed.latencyNs / 1e6);
  document["Timestamp"] = dateOf(
    replayed === undefined ? nowUs : timestampToUs(replayed.startedAt),
  );
  // A data stream takes no document without it.
  document["@timestamp"] = document["Timestamp"];
  if (replayed?.context?.failure !== undefined) document["Failure"] = replayed.context.failure;
  if (replayed === undefined) document["Failure"] = "no-answer-seen";
  if (original !== undefined && originalStatus !== undefined) {
    document["Original_Status-Code"] = String(originalStatus);
    document["Original_RTT"] = responseTimeMs(request, original);
    if (status !== undefined) document["Status_Differs"] = status !== originalStatus;
  }
  return document;
}

function addRequest(document: Document, message: Message, head: RequestHead): void {
  document["Id"] = message.id;
  document["Req_URL"] = head.target;
  document["Req_Method"] = head.method;
  addFields(document, "Req_", head.headers, REQUEST_FIELDS);
  document["Req_User-Agent"] ??= "";
  const cookies = headerValue(head.headers, "cookie");
  if (cookies !== undefined && cookies !== "") document["Req_Cookies"] = cookies;
  document["Req_Timestamp"] = dateOf(timestampToUs(message.startedAt));
  const { service, route } = message.context ?? {};
  if (service !== undefined) document["Service"] = service;
  if (route !== undefined) document["Route"] = route;
}

function addResponse(document: Document, head: ResponseHead): void {
  document["Resp_Proto"] = head.version;
  addFields(document, "Resp_", head.headers, RESPONSE_FIELDS);
}

/** The first field of each name, as in gor. */
function addFields(
  document: Document,
  prefix: string,
  headers: HeaderList,
  names: readonly string[],
): void {
  for (const name of names) {
    const value = headerValue(headers, name.toLowerCase());
    if (value !== undefined && value !== "") document[prefix + name] = value;
  }
}

/** From the request's start to the response's end. */
function responseTimeMs(request: Message, response: Message): number {
  const us = timestampToUs(response.startedAt) - timestampToUs(request.startedAt);
  return Math.max(0, Math.round(us / 1000 + (response.latencyNs ?? 0) / 1e6));
}

const US_PER_MS = 1000;
/** The last moment a `Date` can tell. */
const DATE_MS_MAX = 8.64e15;

function dateOf(us: number): string {
  return new Date(Math.min(us / US_PER_MS, DATE_MS_MAX)).toISOString();
}
