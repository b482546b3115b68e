/**
 * `--http-pprof ADDRESS`: serves the counters as JSON at `/debug/vars`, gor's path. Read only; it shows figures
 * and reasons, never traffic, and refuses requests that a browser was tricked into by DNS rebinding.
 */
import { createServer } from "node:http";
import type { Server } from "node:http";
import { isIP } from "node:net";
import { bind } from "../../inputs/listener.ts";
import type { Counters } from "./counters.ts";

/**
 * Milliseconds an idle connection stays open: longer than watchers usually wait between two looks, so that none of them asks on a
 * connection in the very moment in which it is closed (Node's own 5 s are shorter than most intervals).
 */
const KEEP_ALIVE_MS = 65_000;

export async function serveCounters(
  address: string,
  read: () => Counters,
  log: (line: string) => void,
): Promise<Server> {
  const { host, port } = parseAddress(address);
  const server = createServer((req, res) => {
    if (!isLiteralHost(req.headers.host)) {
      res.writeHead(403).end("the Host field must be an IP address or localhost\n");
    } else if (req.method === "GET" && req.url === "/debug/vars") {
      res.writeHead(200, {
        "content-type": "application/json",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      });
      res.end(plain(JSON.stringify(read())));
    } else {
      res.writeHead(404).end("the counters are at /debug/vars\n");
    }
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await bind(server, { host, port, path: undefined }, (place) => {
    log(`counters on http://${place}/debug/vars`);
  }).catch((error: unknown) => {
    throw new Error(`--http-pprof: ${error instanceof Error ? error.message : String(error)}`);
  });
  server.unref();
  return server;
}

/** The same JSON in plain ASCII without markup, whatever ids peers chose: for terminals, and for browsers that guess. */
function plain(json: string): string {
  return json.replace(
    /[^\u0020-\u007e]|[<>&]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** `:8181` is this machine only here: figures are nobody else's business unless one says so. */
function parseAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3] ?? Number.NaN);
  if (match === null || port > 65_535) {
    throw new Error(
      `--http-pprof: must be an address such as :8181 or 127.0.0.1:8181; got ${JSON.stringify(address)}`,
    );
  }
  const host = match[1] ?? match[2] ?? "";
  return { host: host === "" ? "127.0.0.1" : host, port };
}

function isLiteralHost(host: string | undefined): boolean {
  const name = (host ?? "").replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  return name === "localhost" || isIP(name) !== 0;
}
