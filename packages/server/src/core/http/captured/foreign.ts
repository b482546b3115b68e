/** Names what is not HTTP/1 by its first bytes. Pure. */
import { CR, LF, SPACE } from "../head/bytes.ts";
import { PROXY_HEADER, isProxyLine } from "./proxy-header.ts";

/** A request of HTTP/0.9, a line without a version: it has no framing that a stream could be read by. */
const HTTP_0_9 = "unsupported:http0.9";

/** Bytes that tell a TLS record: type, and a version whose first byte is 3 (RFC 8446 5.1). */
const TLS_BYTES = 3;
const TLS_TYPE_FIRST = 0x14;
const TLS_TYPE_LAST = 0x17;
const TLS_HANDSHAKE = 0x16;
const TLS_MINOR_MAX = 4;

/**
 * `unsupported:tls` when a TLS record starts at `start`, "" when none does, undefined when there are too few bytes to
 * tell. `anyRecord` also takes records other than a handshake, which a capture that starts late sees first.
 */
export function foreignProtocol(
  bytes: Uint8Array,
  start: number,
  end: number,
  anyRecord: boolean,
): string | undefined {
  const type = bytes[start] ?? 0;
  const first = anyRecord ? TLS_TYPE_FIRST : TLS_HANDSHAKE;
  const last = anyRecord ? TLS_TYPE_LAST : TLS_HANDSHAKE;
  if (type < first || type > last) return "";
  const length = Math.min(TLS_BYTES, end - start);
  if (length > 1 && bytes[start + 1] !== 3) return "";
  if (length < TLS_BYTES) return undefined;
  return (bytes[start + 2] ?? 0) <= TLS_MINOR_MAX ? "unsupported:tls" : "";
}

/** Bytes that tell the greeting of a client of SOCKS (RFC 1928 3, and version 4 before it). */
const SOCKS_BYTES = 3;
const SOCKS_4 = 4;
const SOCKS_5 = 5;
/** CONNECT and BIND, the commands of version 4. */
const SOCKS_4_COMMAND_MAX = 2;
/** Ways of logging in that a client of version 5 offers; there are ten. */
const SOCKS_5_METHODS_MAX = 16;

/** `unsupported:socks` when a client's first bytes are of SOCKS, else as `foreignProtocol`. */
function foreignOpening(bytes: Uint8Array, start: number, end: number): string | undefined {
  const version = bytes[start] ?? 0;
  if (version !== SOCKS_4 && version !== SOCKS_5) return foreignProtocol(bytes, start, end, false);
  if (end - start < SOCKS_BYTES) return undefined;
  const count = bytes[start + 1] ?? 0;
  const max = version === SOCKS_4 ? SOCKS_4_COMMAND_MAX : SOCKS_5_METHODS_MAX;
  return count >= 1 && count <= max ? "unsupported:socks" : "";
}

const GET: Uint8Array = Buffer.from("GET /");

/** Whether a line that is no request line is one of HTTP/0.9: `GET`, a blank, a path, and nothing more. */
function isSimpleRequest(line: Uint8Array): boolean {
  if (!GET.every((byte, i) => line[i] === byte)) return false;
  let at = GET.length;
  while (at < line.length && (line[at] ?? 0) > SPACE) at += 1;
  return line[at] === LF || (line[at] === CR && line[at + 1] === LF);
}

/** What bytes behind a 101 are counted under. Few words, because they become names of counters. */
export function upgradeReason(upgrade: string): string {
  if (upgrade.includes("websocket")) return "unsupported:websocket";
  return upgrade.includes("h2c") ? "unsupported:http2" : "unsupported:upgrade";
}

/** Whether a line found somewhere may begin with `first`: methods in use are upper case, a status line begins with `HTTP`. */
export function mayStart(first: number, isRequest: boolean): boolean {
  return isRequest ? first >= 0x41 && first <= 0x5a : first === 0x48;
}

/**
 * What the bytes are called that stand where a head should and are none: another protocol, as which all that follows is
 * counted when `isForeign`; else something to pass over. Undefined when there are too few to tell. `isOpening`: they are the
 * first of a connection's client.
 */
export function nameOf(
  head: Uint8Array,
  isRequest: boolean,
  isOpening: boolean,
): string | undefined {
  const tell = isRequest && isOpening ? foreignOpening : foreignProtocol;
  const protocol = tell(head, 0, head.length, false);
  if (protocol !== "") return protocol;
  if (isProxyLine(head)) return PROXY_HEADER;
  return isRequest && isSimpleRequest(head) ? HTTP_0_9 : "not-http";
}

/** Whether nothing behind bytes of that name can be HTTP/1 again. */
export function isForeign(name: string): boolean {
  return name.startsWith("unsupported:") && name !== HTTP_0_9;
}
