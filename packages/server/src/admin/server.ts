/**
 * The one HTTP server beside the traffic: counters, the page, and whatever else people and their tools look at. In: an address and routes. Out: a
 * server that asks `access.ts` about each request before a route sees it. It never carries traffic, and nothing here waits for it.
 */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TlsOptions } from "node:tls";
import type { SocketAddress } from "../component/net/address.ts";
import { bind } from "../inputs/listener.ts";
import { Access } from "./access.ts";
import type { Decision, RequestFacts } from "./access.ts";
import { SAFETY_HEADERS, sendText } from "./route.ts";
import type { Route } from "./route.ts";

/**
 * Milliseconds an idle connection stays open: longer than watchers usually wait between two looks, so that none of them asks on a
 * connection in the very moment in which it is closed (Node's own 5 s are shorter than most intervals).
 */
const KEEP_ALIVE_MS = 65_000;
/** Browsers open six each, scrapers one. */
const CONNECTIONS_MAX = 128;

export interface AdminOptions {
  readonly address: SocketAddress;
  readonly tls: TlsOptions | undefined;
  /** Names beside addresses and localhost under which it may be asked. */
  readonly hosts: readonly string[];
  readonly routes: readonly Route[];
  /** What is said to who asks for a path that is not there. */
  readonly notFound: string;
  /** It listens there: an address as a browser takes it, without a path. */
  readonly listening: (origin: string) => void;
  /** The address with the token of now; called again when it was used. Absent where nothing asks for a token. */
  readonly entrance?: ((url: string) => void) | undefined;
  /** What tools must send for `bearer` routes; undefined when nothing. */
  readonly bearer?: string | undefined;
}

export class AdminServer {
  readonly #options: AdminOptions;
  readonly #server: Server;
  #access: Access | undefined;

  constructor(options: AdminOptions) {
    this.#options = options;
    const answer = (message: IncomingMessage, response: ServerResponse): void => {
      void this.#answer(message, response);
    };
    const { tls } = options;
    // Unlike an SDK's, a browser's connection is no one to explain a refusal to: the handshake says it.
    this.#server =
      tls === undefined
        ? createServer(answer)
        : createSecureServer({ ...tls, rejectUnauthorized: tls.requestCert === true }, answer);
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS;
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Rejects with one sentence when it cannot listen. */
  async open(): Promise<void> {
    const { address, tls, hosts, listening, entrance, bearer } = this.#options;
    await bind(this.#server, address, () => {});
    const bound = this.#server.address() as AddressInfo;
    const host = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
    const origin = `${tls === undefined ? "http" : "https"}://${host}:${bound.port}`;
    listening(origin);
    this.#access = new Access({
      hosts,
      secure: tls !== undefined,
      bearer,
      port: bound.port,
      random: randomBytes,
      onToken: (token) => entrance?.(`${origin}/?token=${token}`),
    });
    this.#server.unref();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(SAFETY_HEADERS)) response.setHeader(name, value);
    // A peer that went away is nobody's matter.
    response.on("error", () => {});
    try {
      await this.#route(message, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else sendText(response, 500, `${error instanceof Error ? error.message : String(error)}\n`);
    }
  }

  async #route(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const access = this.#access;
    if (access === undefined) return sendText(response, 503, "not ready\n");
    const facts = factsOf(message);
    const [path = "", query = ""] = facts.target.split("?", 2);
    const route = this.#find(facts.method === "HEAD" ? "GET" : facts.method, path);
    const decision = this.#decide(access, facts, route);
    if (decision.kind !== "passed") return turnAway(response, decision);
    if (route === undefined) return sendText(response, 404, this.#options.notFound);
    const rest = path.slice(route.path.length);
    await route.answer({ rest, query: new URLSearchParams(query), message }, response);
  }

  /** Who has no right to know of a path is told the same whether it is there or not. */
  #decide(access: Access, facts: RequestFacts, route: Route | undefined): Decision {
    if (route?.access === "bearer") return access.decideBearer(facts);
    const isOpen = route?.access === "open" || this.#options.entrance === undefined;
    return isOpen ? access.decideOpen(facts) : access.decide(facts);
  }

  #find(method: string, path: string): Route | undefined {
    return this.#options.routes.find(
      (route) =>
        route.method === method &&
        (route.path === path ||
          (route.path.endsWith("/") && route.path !== "/" && path.startsWith(route.path))),
    );
  }
}

function turnAway(response: ServerResponse, decision: Exclude<Decision, { kind: "passed" }>): void {
  if (decision.kind === "refused") {
    const { status, why, challenge } = decision;
    if (challenge !== undefined) response.setHeader("www-authenticate", challenge);
    return sendText(response, status, why);
  }
  response.writeHead(303, { location: "/", "set-cookie": decision.setCookie }).end();
}

function factsOf({ method = "", url = "", headers }: IncomingMessage): RequestFacts {
  const text = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === "string" ? value : undefined;
  };
  return {
    method,
    target: url,
    host: headers.host,
    origin: text("origin"),
    cookie: headers.cookie,
    authorization: headers.authorization,
    fetchSite: text("sec-fetch-site"),
    fetchMode: text("sec-fetch-mode"),
    fetchDest: text("sec-fetch-dest"),
  };
}
