/**
 * Makes a JWT of the recording valid at the copy: its times moved, signed anew with the copy's key. In: a token, a key, how far its times are to
 * be moved. Out: a token, or the reason why it was left as it was. The algorithm stays what the token says; a token that is not signed is left.
 */
import { createHmac, createPrivateKey, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { isObject, parseJson } from "../../content/json.ts";
import { replaceInJson } from "../json-scan.ts";

/** An HMAC secret, or a private key. */
export type JwtKey =
  | { readonly kind: "secret"; readonly secret: Uint8Array }
  | { readonly kind: "private"; readonly key: KeyObject };

/** Claims that say when (RFC 7519 4.1, OpenID Connect Core 2). */
const TIME_CLAIMS: ReadonlySet<string> = new Set(["$.iat", "$.nbf", "$.exp", "$.auth_time"]);
/** Tokens that were signed, the oldest forgotten first; the same token becomes the same again, as services know them by their text. */
const SIGNED_MAX = 10_000;
/** A token is signed once more when the replay fell behind by so much since. */
const DRIFT_MS_MAX = 60_000;
const CURVES: ReadonlyMap<string, string> = new Map([
  ["ES256", "prime256v1"],
  ["ES384", "secp384r1"],
  ["ES512", "secp521r1"],
]);

export type Resigned =
  | { readonly token: string; readonly reason?: undefined }
  | { readonly token?: undefined; readonly reason: string };

/** PEM of a private key, else the secret itself. Undefined when PEM does not hold a private key that can sign. */
export function jwtKeyFrom(text: string): JwtKey | undefined {
  if (!text.trimStart().startsWith("-----BEGIN")) {
    return { kind: "secret", secret: Buffer.from(text, "utf8") };
  }
  try {
    const key = createPrivateKey(text);
    const canSign = key.asymmetricKeyType === "rsa" || key.asymmetricKeyType === "ec";
    return canSign ? { kind: "private", key } : undefined;
  } catch {
    return undefined;
  }
}

export class JwtSigner {
  readonly #key: JwtKey;
  readonly #signed: Map<string, { readonly token: string; readonly shiftMs: number }> = new Map();

  constructor(key: JwtKey) {
    this.#key = key;
  }

  resign(token: string, shiftMs: number): Resigned {
    const known = this.#signed.get(token);
    if (known !== undefined && shiftMs - known.shiftMs < DRIFT_MS_MAX)
      return { token: known.token };
    const made = this.#make(token, shiftMs);
    if (made.token !== undefined) this.#remember(token, made.token, shiftMs);
    return made;
  }

  #remember(token: string, made: string, shiftMs: number): void {
    this.#signed.delete(token);
    this.#signed.set(token, { token: made, shiftMs });
    if (this.#signed.size <= SIGNED_MAX) return;
    const [oldest] = this.#signed.keys();
    if (oldest !== undefined) this.#signed.delete(oldest);
  }

  #make(token: string, shiftMs: number): Resigned {
    const [head = "", payload = ""] = token.split(".");
    const alg = algorithmOf(head);
    const text = Buffer.from(payload, "base64url").toString("utf8");
    if (alg === undefined || !isObject(parseJson(text))) return { reason: "jwt-unreadable" };
    if (alg === "none") return { reason: "jwt-unsigned" };
    const moved = replaceInJson(text, (value, _name, path) => movedClaim(value, path, shiftMs));
    const signed = `${head}.${Buffer.from(moved, "utf8").toString("base64url")}`;
    const signature = this.#sign(alg, signed);
    if (signature === undefined) return { reason: "jwt-other-key" };
    return { token: `${signed}.${signature.toString("base64url")}` };
  }

  #sign(alg: string, text: string): Buffer | undefined {
    const [family, bits] = [alg.slice(0, 2), alg.slice(2)];
    if (!/^(?:256|384|512)$/.test(bits)) return undefined;
    const digest = `sha${bits}`;
    if (this.#key.kind === "secret") {
      return family === "HS"
        ? createHmac(digest, this.#key.secret).update(text).digest()
        : undefined;
    }
    const { key } = this.#key;
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
    const bytes = Buffer.from(text, "utf8");
    if (family === "RS" && type === "rsa") return sign(digest, bytes, key);
    const isOfCurve = type === "ec" && details?.namedCurve === CURVES.get(alg);
    return isOfCurve ? sign(digest, bytes, { key, dsaEncoding: "ieee-p1363" }) : undefined;
  }
}

function algorithmOf(head: string): string | undefined {
  const fields = parseJson(Buffer.from(head, "base64url").toString("utf8"));
  const alg = isObject(fields) ? fields["alg"] : undefined;
  return typeof alg === "string" ? alg : undefined;
}

/** Seconds since the Unix epoch, a fraction allowed (RFC 7519 2, NumericDate). */
function movedClaim(value: string, path: string, shiftMs: number): string | undefined {
  if (!TIME_CLAIMS.has(path) || !Number.isFinite(Number(value))) return undefined;
  return String(Number(value) + Math.round(shiftMs / 1000));
}
