/**
 * Why a TLS connection did not come about, in words for people and a reason for counters. In: an error of Node's. Out: words, or
 * undefined when the error is of another kind. Knows no flags: who asks says which of them helps. Pure.
 */
import { printable } from "@mirrorball/protocol/messages";

/** Characters of a certificate's names that are told: it is the peer's text. */
const NAMES_LENGTH_MAX = 200;

/** What would help: another trust, another name, no TLS at all, or a certificate of ours. */
export type TlsRemedy = "trust" | "name" | "plain" | "client-certificate" | "none";

export interface TlsFault {
  /** A word for counters. */
  readonly reason: string;
  readonly words: string;
  readonly remedy: TlsRemedy;
}

const SELF_SIGNED: TlsFault = {
  reason: "self-signed",
  words: "self-signed: nobody but the certificate itself vouches for it",
  remedy: "trust",
};
const UNKNOWN_AUTHORITY: TlsFault = {
  reason: "unknown-authority",
  words: "unknown authority: the certificate was signed by nobody that is trusted here",
  remedy: "trust",
};
const NOT_TLS: TlsFault = {
  reason: "not-tls",
  words: "not TLS: something else is spoken there",
  remedy: "plain",
};

const FAULTS: Readonly<Record<string, TlsFault>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  CERT_UNTRUSTED: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: {
    reason: "expired",
    words: "expired: the certificate is not valid any more",
    remedy: "trust",
  },
  CERT_NOT_YET_VALID: {
    reason: "not-yet-valid",
    words: "not yet valid: the certificate's time has not come, or this machine's clock is wrong",
    remedy: "trust",
  },
  CERT_REVOKED: { reason: "revoked", words: "revoked: the certificate was", remedy: "none" },
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_RECORD_LAYER_FAILURE: NOT_TLS,
  ERR_SSL_HTTP_REQUEST: NOT_TLS,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: {
    reason: "tls-version",
    words: "TLS version: the two sides have none in common",
    remedy: "none",
  },
  ERR_SSL_UNSUPPORTED_PROTOCOL: {
    reason: "tls-version",
    words: "TLS version: the two sides have none in common",
    remedy: "none",
  },
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: {
    reason: "client-certificate",
    words: "client certificate: one is asked for",
    remedy: "client-certificate",
  },
};

const TLS_CODE =
  /^(?:ERR_(?:TLS|SSL|OSSL)|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|EPROTO)/;
const NOT_TLS_MESSAGE = /wrong version number|packet length too long|record layer failure/i;

export function tlsFaultOf(error: unknown): TlsFault | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const code = String(error.code);
  const known = FAULTS[code];
  if (known !== undefined) return known;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID" || code === "HOSTNAME_MISMATCH") {
    const words = `name mismatch: certificate is for ${namesOf(error)}`;
    return { reason: "name-mismatch", words, remedy: "name" };
  }
  if (!TLS_CODE.test(code)) return undefined;
  if (NOT_TLS_MESSAGE.test(error.message)) return NOT_TLS;
  return { reason: "tls", words: `TLS failed: ${code}`, remedy: "none" };
}

function namesOf(error: Error): string {
  const cert = "cert" in error ? error.cert : undefined;
  const names = fieldOf(cert, "subjectaltname") ?? fieldOf(fieldOf(cert, "subject"), "CN");
  if (typeof names !== "string" || names === "") return "no name at all";
  const plain = names.replaceAll(/(?:DNS|IP Address):/g, "");
  return printable(plain).slice(0, NAMES_LENGTH_MAX);
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}
