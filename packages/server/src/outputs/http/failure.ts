/**
 * Why a replay failed, as a word for counters, and as the response that stands for it: gor up to 1.2 recorded failed
 * replays under status codes that Cloudflare made known (520 to 524). In: an error. Out: words and numbers.
 */

/** Thrown into a connection when its exchange takes too long. */
export class ReplayTimeout extends Error {
  override readonly name: string = "ReplayTimeout";
}

const REASON_BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect-refused",
  UND_ERR_CONNECT_TIMEOUT: "connect-timeout",
  ETIMEDOUT: "connect-timeout",
  ENOTFOUND: "dns",
  EAI_AGAIN: "dns",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  ECONNRESET: "reset",
  EPIPE: "reset",
  UND_ERR_SOCKET: "reset",
  UND_ERR_INVALID_ARG: "unsendable",
  UND_ERR_NOT_SUPPORTED: "unsendable",
  UND_ERR_HEADERS_OVERFLOW: "bad-response",
  UND_ERR_RESPONSE_EXCEEDED_SIZE: "bad-response",
  UND_ERR_DESTROYED: "shutdown",
  UND_ERR_CLOSED: "shutdown",
};

const TLS_CODE =
  /^(?:ERR_(?:TLS|SSL)|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|EPROTO)/;

export function failureReason(error: unknown): string {
  if (error instanceof ReplayTimeout) return "timeout";
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = REASON_BY_CODE[code];
  if (known !== undefined) return known;
  // undici names its parser's errors, and gives them no code.
  if (code.startsWith("HPE_") || (error instanceof Error && error.name === "HTTPParserError"))
    return "bad-response";
  return TLS_CODE.test(code) ? "tls" : "error";
}

const CONNECT_REASONS = new Set([
  "connect-refused",
  "connect-timeout",
  "dns",
  "unreachable",
  "tls",
]);

/** The status of the response that stands for a failed replay. */
export function failureStatus(reason: string): number {
  if (CONNECT_REASONS.has(reason)) return 521;
  return reason === "timeout" ? 524 : 520;
}
