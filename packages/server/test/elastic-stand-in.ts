// A strict stand-in of what Elasticsearch 7, 8, 9 and OpenSearch have in common: HEAD and PUT of an index, `_bulk`. It refuses
// what any of them refuses, types values as the mapping says, and fails as a test asks it to.
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Json = Record<string, unknown>;

/** How the next bulk fails: by a status, closed without an answer, or stored and closed without an answer. */
export type Fault =
  | { readonly status: number; readonly retryAfterS?: number }
  | "close"
  | "swallow";

export interface Elastic {
  readonly address: string;
  /** By `_id`. */
  readonly documents: Map<string, Json>;
  /** Taken one by one, by bulks only. */
  readonly faults: Fault[];
  /** What was asked: method and path. */
  readonly asked: string[];
  /** Milliseconds before each answer. */
  delayMs: number;
  /** The status of an item at its n-th attempt, from 1; undefined for what a sound server says. */
  verdict: (source: Json, attempt: number) => number | undefined;
  /** A bulk with more items is too large. */
  itemsMax: number;
  /** The name is a data stream's, which takes no document without a time. */
  isDataStream: boolean;
  mappings: Json | undefined;
  close(): Promise<void>;
}

const ACTION_KEYS = new Set(["_id"]);

export async function elastic({
  authorization = "",
  prefix = "",
  index = "replays",
  port = 0,
} = {}): Promise<Elastic> {
  const server = createServer((req, res) => void answer(req, res));
  const attempts = new Map<string, number>();
  const made: Elastic = {
    get address() {
      return `127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    documents: new Map(),
    faults: [],
    asked: [],
    delayMs: 0,
    verdict: () => undefined,
    itemsMax: 1000,
    isDataStream: false,
    mappings: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    made.asked.push(`${req.method} ${req.url}`);
    await new Promise((resolve) => setTimeout(resolve, made.delayMs));
    const reply = (status: number, value: unknown): void => {
      res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    if ((req.headers.authorization ?? "") !== authorization) {
      reply(401, error("security_exception", "missing authentication credentials"));
    } else if (req.url === `${prefix}/${index}` && req.method === "HEAD") {
      res.writeHead(made.mappings === undefined && !made.isDataStream ? 404 : 200).end();
    } else if (req.url === `${prefix}/${index}` && req.method === "PUT") {
      if (made.mappings !== undefined)
        reply(400, error("resource_already_exists_exception", "it is there"));
      else {
        made.mappings = (JSON.parse(body) as Json)["mappings"] as Json;
        reply(200, { acknowledged: true, index });
      }
    } else if (req.url === `${prefix}/${index}/_bulk` && req.method === "POST") {
      bulk(req, res, body, reply);
    } else reply(405, error("illegal", `${req.method} ${req.url}`));
  }

  function bulk(
    req: IncomingMessage,
    res: ServerResponse,
    body: string,
    reply: (status: number, value: unknown) => void,
  ): void {
    const fault = made.faults.shift();
    if (fault === "close") {
      req.socket.destroy();
      return;
    }
    if (typeof fault === "object") {
      if (fault.retryAfterS !== undefined) res.setHeader("retry-after", String(fault.retryAfterS));
      reply(fault.status, error("circuit_breaking_exception", "no time"));
      return;
    }
    if (req.headers["content-type"] !== "application/x-ndjson")
      reply(406, error("media_type", "not ndjson"));
    else if (!body.endsWith("\n"))
      reply(400, error("illegal_argument_exception", "must be terminated by a newline"));
    else if (body.split("\n").length > made.itemsMax * 2 + 1) reply(413, "");
    else if (fault === "swallow") {
      store(body);
      req.socket.destroy();
    } else reply(200, store(body));
  }

  function store(body: string): unknown {
    const lines = body.slice(0, -1).split("\n");
    const items = [];
    for (let i = 0; i < lines.length; i += 2) {
      const action = (JSON.parse(lines[i] ?? "") as { create: Json }).create;
      for (const key of Object.keys(action))
        if (!ACTION_KEYS.has(key)) throw new Error(`${key} is not known`);
      const source = JSON.parse(lines[i + 1] ?? "") as Json;
      const id = String(action["_id"]);
      const attempt = (attempts.get(id) ?? 0) + 1;
      attempts.set(id, attempt);
      const status =
        made.verdict(source, attempt) ?? (made.documents.has(id) ? 409 : valid(source) ? 201 : 400);
      if (status === 201) made.documents.set(id, source);
      const failure = status === 201 ? {} : error("document_parsing_exception", `status ${status}`);
      items.push({ create: { _index: index, _id: id, status, ...failure } });
    }
    return { took: 1, errors: items.some(({ create }) => create.status !== 201), items };
  }

  function valid(source: Json): boolean {
    if (made.isDataStream && typeof source["@timestamp"] !== "string") return false;
    const properties = (made.mappings?.["properties"] ?? {}) as Record<string, { type: string }>;
    return Object.entries(source).every(([key, value]) => {
      const type = properties[key]?.type;
      if (value === null || type === undefined) return true;
      if (type === "date")
        return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(JSON.stringify(value).slice(1, -1));
      return type === "boolean"
        ? typeof value === "boolean"
        : /^-?\d+$/.test(JSON.stringify(value).replaceAll('"', ""));
    });
  }

  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return made;
}

function error(type: string, reason: string): Json {
  return { error: { type, reason } };
}
