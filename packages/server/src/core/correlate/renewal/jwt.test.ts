import { createHmac, createVerify, generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { JwtSigner, jwtKeyFrom } from "./jwt.ts";
import type { JwtKey } from "./jwt.ts";

const base64url = (value: unknown): string =>
  Buffer.from(JSON.stringify(value), "utf8").toString("base64url");
const tokenOf = (header: unknown, claims: unknown): string =>
  `${base64url(header)}.${base64url(claims)}.c2lnbmF0dXJl`;
const claimsOf = (token = ""): unknown =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
const signedPart = (token: string): string => token.slice(0, token.lastIndexOf("."));
const signatureOf = (token: string): Buffer =>
  Buffer.from(token.slice(token.lastIndexOf(".") + 1), "base64url");

function keyOf(text: string): JwtKey {
  const key = jwtKeyFrom(text);
  if (key === undefined) throw new Error("no key");
  return key;
}

const CLAIMS = { sub: "ann", iat: 1_732_406_400, nbf: 1_732_406_400, exp: 1_732_410_000.5, n: 7 };
const HOUR = 3_600_000;

describe("a token", () => {
  it.each(["HS256", "HS384", "HS512"])(
    "signed with %s has its times moved and a new signature",
    (alg) => {
      const { token = "" } = new JwtSigner(keyOf("secret")).resign(
        tokenOf({ alg, kid: "k1" }, CLAIMS),
        HOUR,
      );
      expect(claimsOf(token)).toEqual({
        ...CLAIMS,
        iat: CLAIMS.iat + 3600,
        nbf: CLAIMS.nbf + 3600,
        exp: CLAIMS.exp + 3600,
      });
      const expected = createHmac(`sha${alg.slice(2)}`, "secret")
        .update(signedPart(token))
        .digest();
      expect(signatureOf(token).equals(expected)).toBe(true);
    },
  );

  it("signed with RSA is verified by the public key", () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const { token = "" } = new JwtSigner(keyOf(pem)).resign(
      tokenOf({ alg: "RS384" }, CLAIMS),
      HOUR,
    );
    const verifier = createVerify("sha384").update(signedPart(token));
    expect(verifier.verify(publicKey, signatureOf(token))).toBe(true);
  });

  it.each([
    ["ES256", "P-256", 64],
    ["ES384", "P-384", 96],
    ["ES512", "P-521", 132],
  ])("signed with %s is verified by the public key", (alg, namedCurve, bytes) => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
    const pem = privateKey.export({ type: "sec1", format: "pem" }).toString();
    const { token = "" } = new JwtSigner(keyOf(pem)).resign(tokenOf({ alg }, CLAIMS), HOUR);
    const signature = signatureOf(token);
    expect(signature).toHaveLength(bytes);
    const key = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
    const text = Buffer.from(signedPart(token));
    expect(verify(`sha${alg.slice(2)}`, text, key, signature)).toBe(true);
  });

  it("becomes the same again, until the replay has fallen behind", () => {
    const signer = new JwtSigner(keyOf("secret"));
    const token = tokenOf({ alg: "HS256" }, CLAIMS);
    const first = signer.resign(token, HOUR);
    expect(signer.resign(token, HOUR + 59_000)).toEqual(first);
    expect(signer.resign(token, HOUR - 900_000)).toEqual(first);
    expect(signer.resign(token, HOUR + 60_000)).not.toEqual(first);
  });
});

describe("what is left as it was, with the reason", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();

  it.each([
    ["a token that is not signed", "secret", tokenOf({ alg: "none" }, CLAIMS), "jwt-unsigned"],
    ["another kind of key", "secret", tokenOf({ alg: "RS256" }, CLAIMS), "jwt-other-key"],
    ["another curve", pem, tokenOf({ alg: "ES384" }, CLAIMS), "jwt-other-key"],
    ["a secret for a private key", pem, tokenOf({ alg: "HS256" }, CLAIMS), "jwt-other-key"],
    ["an unknown algorithm", "secret", tokenOf({ alg: "HS1" }, CLAIMS), "jwt-other-key"],
    ["no claims", "secret", tokenOf({ alg: "HS256" }, [1]), "jwt-unreadable"],
    ["no algorithm", "secret", tokenOf({}, CLAIMS), "jwt-unreadable"],
    ["no JSON", "secret", "eyJ.e30.x", "jwt-unreadable"],
  ])("%s", (_name, key, token, reason) =>
    expect(new JwtSigner(keyOf(key)).resign(token, HOUR)).toEqual({ reason }),
  );

  it("is said of a key that cannot sign", () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const text = publicKey.export({ type: "spki", format: "pem" }).toString();
    expect(jwtKeyFrom(text)).toBeUndefined();
    expect(jwtKeyFrom("-----BEGIN NONSENSE-----")).toBeUndefined();
  });
});
