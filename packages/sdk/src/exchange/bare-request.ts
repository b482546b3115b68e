/**
 * A request that stands in for one of the host's when that is over: what the wire said, how it ended and the route that was matched,
 * and nothing else of what hung on it. Filters and `tags` see it when a mirror is reached after the fact.
 */
import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** What frameworks put on a request that is read when it is recorded. */
const ROUTE_NAMES = ["route", "baseUrl"] as const;

export function bareCopyOf(req: IncomingMessage): IncomingMessage {
  // Node takes none, too: it asks for the size of its buffer only.
  const bare = new IncomingMessage(undefined as unknown as Socket);
  const { method, url } = req;
  if (method !== undefined) bare.method = method;
  if (url !== undefined) bare.url = url;
  bare.httpVersion = req.httpVersion;
  bare.httpVersionMajor = req.httpVersionMajor;
  bare.httpVersionMinor = req.httpVersionMinor;
  bare.rawHeaders = [...req.rawHeaders];
  bare.rawTrailers = [...req.rawTrailers];
  bare.complete = req.complete;
  bare.headers = joined(bare.rawHeaders);
  for (const name of ROUTE_NAMES) {
    const value: unknown = (req as unknown as Readonly<Record<string, unknown>>)[name];
    const path: unknown =
      typeof value === "object" && value !== null && "path" in value ? value.path : undefined;
    if (typeof value === "string") Object.assign(bare, { [name]: value });
    else if (typeof path === "string") Object.assign(bare, { [name]: { path } });
  }
  return bare;
}

/** Names in lower case, values of one name joined, as `req.headers` has them; reading that changes the host's request. */
function joined(raw: readonly string[]): IncomingMessage["headers"] {
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? "").toLowerCase();
    const before = fields.get(name);
    const value = raw[i + 1] ?? "";
    const glue = name === "cookie" ? "; " : ", ";
    fields.set(name, before === undefined ? value : before + glue + value);
  }
  return Object.fromEntries(fields);
}
