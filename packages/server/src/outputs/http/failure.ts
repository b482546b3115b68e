/**
 * Why a replay failed, as a word for counters, as words for a person where the person can do something about it, and as the response
 * that stands for it: gor up to 1.2 recorded failed replays under status codes that Cloudflare made known (520 to 524). In: an
 * error. Out: words and numbers.
 */
import type { ResponseHead } from "@mirrorball/protocol";
import { tlsFaultOf } from "../../component/net/tls-fault.ts";
import type { TlsRemedy } from "../../component/net/tls-fault.ts";
import { connectFault } from "../../files/socket-file.ts";
import { ProxyFault } from "./dialer.ts";
import type { Origin } from "./origin.ts";

/** The target answered something that is not one clear HTTP/1 response. */
export class BadResponse extends Error {
  override readonly name: string = "BadResponse";
}

/** The target answered in TLS to what was sent without. */
export class TlsExpected extends Error {
  override readonly name: string = "TlsExpected";
}

/** The target closed the connection before its answer was whole. */
export class ClosedByTarget extends Error {
  override readonly name: string = "ClosedByTarget";
}

export interface Failure {
  /** A word for counters. */
  readonly reason: string;
  /** What to do about it; undefined when the reason says all there is. */
  readonly advice: string | undefined;
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
  EMFILE: "too-many-open-files",
  ENFILE: "too-many-open-files",
  EACCES: "permission",
  EPERM: "permission",
  ENOENT: "no-socket",
  ENOTDIR: "no-socket",
  ENOTSOCK: "no-socket",
};

const REMEDIES: Readonly<Record<TlsRemedy, string>> = {
  trust: "; --output-http-ca FILE trusts whom you choose, --output-http-skip-verify trusts anybody",
  name: "; use a name of the certificate's, or --output-http-skip-verify, which trusts anybody",
  plain: "; if it speaks HTTP without TLS, write http://",
  "client-certificate": "; none can be shown to a target",
  none: "",
};

/** `origin` is where the connection led, `name` what it is called in words: nothing captured. */
export function failureOf(error: unknown, origin: Origin, name: string): Failure {
  if (error instanceof BadResponse) return { reason: "bad-response", advice: undefined };
  if (error instanceof ClosedByTarget) return { reason: "reset", advice: undefined };
  if (error instanceof TlsExpected) {
    const advice = `${name}: TLS is spoken there; write https://`;
    return { reason: "tls-expected", advice };
  }
  if (error instanceof ProxyFault) return proxyFailure(error);
  const tls = tlsFaultOf(error);
  if (tls !== undefined) {
    return { reason: tls.reason, advice: `${name}: ${tls.words}${REMEDIES[tls.remedy]}` };
  }
  const code = codeOf(error);
  const reason = REASON_BY_CODE[code] ?? "error";
  const fault = origin.socketPath === undefined ? undefined : connectFault(origin.socketPath, code);
  return { reason, advice: fault === undefined ? undefined : `${name}: ${fault}` };
}

function proxyFailure({ status, message }: ProxyFault): Failure {
  if (status === 407) {
    const advice = `${message}: it wants a user and a password; --output-http-proxy http://USER:PASSWORD@…`;
    return { reason: "proxy-auth", advice };
  }
  return { reason: status === 0 ? "proxy-unreachable" : "proxy-refused", advice: message };
}

/** True when the connection was not made because the process or the machine has too many files open: nothing was sent. */
export function isOutOfDescriptors(error: unknown): boolean {
  const code = codeOf(error instanceof ProxyFault ? error.cause : error);
  return code === "EMFILE" || code === "ENFILE";
}

/** Of several addresses that were tried, the first has it. */
function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

const CONNECT_REASONS = new Set([
  "connect-refused",
  "connect-timeout",
  "dns",
  "unreachable",
  "permission",
  "no-socket",
  "proxy-auth",
  "proxy-refused",
  "proxy-unreachable",
  "tls",
  "tls-version",
  "self-signed",
  "unknown-authority",
  "name-mismatch",
  "expired",
  "not-yet-valid",
  "revoked",
  "not-tls",
  "client-certificate",
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
