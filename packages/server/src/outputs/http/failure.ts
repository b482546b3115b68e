/**
 * Why a replay failed, as a word for counters, and as the response that stands for it: gor up to 1.2 recorded failed
 * replays under status codes that Cloudflare made known (520 to 524). In: an error. Out: words and numbers.
 */
import type { ResponseHead } from "@mirrorball/protocol";

/** The target answered something that is not one clear HTTP/1 response. */
export class BadResponse extends Error {
  override readonly name: string = "BadResponse";
}

/** The target closed the connection before its answer was whole. */
export class ClosedByTarget extends Error {
  override readonly name: string = "ClosedByTarget";
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
};

const TLS_CODE =
  /^(?:ERR_(?:TLS|SSL)|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|EPROTO)/;

export function failureReason(error: unknown): string {
  if (error instanceof BadResponse) return "bad-response";
  if (error instanceof ClosedByTarget) return "reset";
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = REASON_BY_CODE[code];
  if (known !== undefined) return known;
  return TLS_CODE.test(code) ? "tls" : "error";
}

const CONNECT_REASONS = new Set([
  "connect-refused",
  "connect-timeout",
  "dns",
  "unreachable",
  "tls",
]);

/** The head of the response that stands for a failed replay. */
export function failureHead(reason: string): ResponseHead {
  const headers = ["X-Mirrorball-Error", reason, "Content-Length", "0"];
  return { version: "HTTP/1.1", status: failureStatus(reason), reason: "Replay Failed", headers };
}

/** The status of the response that stands for a failed replay. */
function failureStatus(reason: string): number {
  if (CONNECT_REASONS.has(reason)) return 521;
  return reason === "timeout" ? 524 : 520;
}
