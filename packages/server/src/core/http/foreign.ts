/** Names what is not HTTP/1 by its first bytes. */

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

/** What bytes behind a 101 are counted under. Few words, because they become names of counters. */
export function upgradeReason(upgrade: string): string {
  if (upgrade.includes("websocket")) return "unsupported:websocket";
  return upgrade.includes("h2c") ? "unsupported:http2" : "unsupported:upgrade";
}

/** Whether a line found somewhere may begin with `first`: methods in use are upper case, a status line begins with `HTTP`. */
export function mayStart(first: number, isRequest: boolean): boolean {
  return isRequest ? first >= 0x41 && first <= 0x5a : first === 0x48;
}
