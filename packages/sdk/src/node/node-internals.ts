/**
 * All that the SDK reads of Node without Node documenting it: five fields, none of them changed. For each: what is relied on, how
 * a Node that does it differently is noticed, and what is done then. Each is noticed by the value that is read anyway, so that
 * a request costs no read more (`exchange.ts` says what a read costs); one line of warning a field and process.
 */
import type { Server, ServerResponse } from "node:http";
import { Socket as NodeSocket } from "node:net";
import type { Socket } from "node:net";

/** A head as Node renders it. */
const HEAD = /^HTTP\/1\.[01] \d{3} [^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n$/;

/** Fields that were warned of. */
const warned: Set<string> = new Set();
/** `_header` was once what it is expected to be; looked into until then. */
let headIsKnown = false;

/**
 * `res._header`: the rendered head, exact bytes, order and case, `Date` included; null before. Since Node's first versions.
 * Noticed: a head was sent, and this is none. Then it is put together from what is public: names are in lower case, and fields
 * that Node adds itself or that were given to `writeHead` alone are not in it. Empty while there is no head.
 */
export function headOf(res: ServerResponse): string {
  const { _header: text } = res as { readonly _header?: unknown };
  if (typeof text === "string" && (headIsKnown || HEAD.test(text))) {
    headIsKnown = true;
    return text;
  }
  if (!res.headersSent) return "";
  warnOnce("_header", "the heads of responses are recorded in part");
  let made = `HTTP/1.1 ${res.statusCode} ${res.statusMessage}\r\n`;
  for (const name of res.getHeaderNames()) {
    const value = res.getHeader(name);
    for (const one of Array.isArray(value) ? value : [value]) made += `${name}: ${String(one)}\r\n`;
  }
  return `${made}\r\n`;
}

/**
 * `res._trailer`: the rendered trailers, an empty text without any; `res.chunkedEncoding`: whether the body goes in chunks,
 * without which they are not sent. To be read when `addTrailers` was called. Noticed: not a text, not a boolean. Then
 * there are none. Empty when none are sent.
 */
export function trailersOf(res: ServerResponse): string {
  const { _trailer: text, chunkedEncoding: isChunked } = res as {
    readonly _trailer?: unknown;
    readonly chunkedEncoding?: unknown;
  };
  if (typeof text === "string" && typeof isChunked === "boolean") return isChunked ? text : "";
  warnOnce("_trailer", "the trailers of responses are not recorded");
  return "";
}

/**
 * `socket._httpMessage`: the response that writes through to the connection, null between two. To be read of a connection
 * that has had a response. Noticed: undefined. Then no response is found to be out early, and the diagnostics channel tells
 * of each, a little later.
 */
export function isInTurn(res: ServerResponse, socket: Socket): boolean {
  const { _httpMessage: current } = socket as { readonly _httpMessage?: unknown };
  if (current === undefined) warnOnce("_httpMessage", "responses are recorded a little later");
  return current === res;
}

/**
 * `socket.server`: the server that accepted the connection. Absent from requests that no server took in, as tests make them, so
 * there is nothing to be noticed; without it only `attach(server)` and `register` find their servers.
 */
export function serverOf(socket: Socket): Server | undefined {
  const { server } = socket as { readonly server?: unknown };
  return typeof server === "object" && server !== null ? (server as Server) : undefined;
}

/**
 * `socket._handle.getpeername`: asks the system who the peer is. The public `socket.remoteAddress` asks too, and remembers the
 * answer: after the end of the connection the host would see an address where it sees undefined. Noticed: a live socket
 * of Node's own without a handle, an answer without an address. Then the peer is not recorded. Null also for Unix
 * sockets, which have no such address, and for streams that a host passes off as connections.
 */
export function peerOf(socket: Socket): string | null {
  const { _handle: handle } = socket as { readonly _handle?: unknown };
  if (typeof handle !== "object" || handle === null) {
    // Null once it is closed; other streams have none.
    if (handle === undefined && socket instanceof NodeSocket && !socket.destroyed) {
      warnOnce("_handle", "the addresses of clients are not recorded");
    }
    return null;
  }
  const { getpeername: ask } = handle as { readonly getpeername?: unknown };
  if (typeof ask !== "function") return null;
  const answer: { readonly address?: unknown; readonly port?: unknown } = {};
  if (ask.call(handle, answer) !== 0) return null;
  const { address, port } = answer;
  if (typeof address === "string" && typeof port === "number") return `${address}:${port}`;
  warnOnce("getpeername", "the addresses of clients are not recorded");
  return null;
}

function warnOnce(field: string, consequence: string): void {
  if (warned.has(field)) return;
  warned.add(field);
  console.warn(
    `mirrorball: ${field} is not what it was in the versions of Node that are known (this is ${process.version}); ${consequence}`,
  );
}
