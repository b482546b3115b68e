/**
 * How the body of a message ends, from its head (RFC 9112 6.3). Pure. Where the head says two things or nonsense, the
 * reason marks the scan as ambiguous, and the body is what the RFC makes of it; `unknown` when it makes nothing.
 */
import { Coding, MethodKind } from "../head/head-scan.ts";
import type { HeadScan } from "../head/head-scan.ts";
import { upgradeReason } from "./foreign.ts";
import type { StreamLimits } from "./stream-limits.ts";

export const Body = { none: 0, length: 1, chunked: 2, untilClose: 3, unknown: 4 } as const;
export type Body = (typeof Body)[keyof typeof Body];

export function requestBody(scan: HeadScan, limits: StreamLimits): Body {
  doubtHead(scan, limits);
  if (scan.coding !== Coding.none) {
    if (scan.coding === Coding.chunked) return Body.chunked;
    scan.markAmbiguous("transfer-encoding");
    return Body.unknown;
  }
  if (scan.contentLengthInvalid) return Body.unknown;
  return scan.contentLength > 0 ? Body.length : Body.none;
}

/** `method` is that of the request it answers. */
export function responseBody(scan: HeadScan, method: MethodKind, limits: StreamLimits): Body {
  const { status } = scan;
  const bodiless = (status >= 100 && status < 200) || status === 204 || status === 304;
  if (bodiless || method === MethodKind.head || isTunnel(method, status)) return Body.none;
  doubtHead(scan, limits);
  if (scan.coding !== Coding.none) {
    if (scan.coding === Coding.chunked) return Body.chunked;
    scan.markAmbiguous("transfer-encoding");
    return Body.untilClose;
  }
  if (scan.contentLengthInvalid || scan.contentLength < 0) return Body.untilClose;
  return scan.contentLength > 0 ? Body.length : Body.none;
}

function doubtHead(scan: HeadScan, limits: StreamLimits): void {
  const hasLength = scan.contentLength >= 0 || scan.contentLengthInvalid;
  if (scan.coding !== Coding.none && hasLength) scan.markAmbiguous("length-and-coding");
  // RFC 9112 6.1: HTTP/1.0 knows no transfer codings; who sends one has lost its framing.
  if (scan.coding !== Coding.none && scan.versionMinor === 0) scan.markAmbiguous("coding-in-1.0");
  if (scan.fields > limits.headerFieldsMax) scan.markAmbiguous("too-many-fields");
}

/** What a response makes of its connection that we cannot read, or "". `method` is that of the request it answers. */
export function upgradeOf({ status, upgrade }: HeadScan, method: MethodKind): string {
  if (status === 101) return upgradeReason(upgrade);
  return isTunnel(method, status) ? "unsupported:connect" : "";
}

/** A CONNECT was granted: what follows is not ours to read (RFC 9110 9.3.6). */
function isTunnel(method: MethodKind, status: number): boolean {
  return method === MethodKind.connect && status >= 200 && status < 300;
}
