/** What header fields hold, cut into names and values: cookies of a request, cookies that a response sets, credentials. Sans-IO. */
import { headerValue } from "@mirrorball/protocol";
import type { HeaderList } from "@mirrorball/protocol";

/** Cookies of one request that are looked at; browsers keep 180 a site at most. */
const COOKIES_MAX = 200;

export interface NameValue {
  readonly name: string;
  readonly value: string;
}

/** The pairs of all Cookie fields, quotes kept. */
export function cookiesOf(headers: HeaderList): NameValue[] {
  const found: NameValue[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== "cookie") continue;
    for (const part of (headers[i + 1] ?? "").split(";", COOKIES_MAX)) {
      const at = part.indexOf("=");
      const name = part.slice(0, Math.max(0, at)).trim();
      if (name !== "") found.push({ name, value: part.slice(at + 1).trim() });
    }
  }
  return found;
}

export interface SetCookie extends NameValue {
  /** In lower case, in the order of the field; a value of "" for a flag. */
  readonly attributes: readonly NameValue[];
}

export function setCookiesOf(headers: HeaderList): SetCookie[] {
  const found: SetCookie[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== "set-cookie") continue;
    const [pair = "", ...rest] = (headers[i + 1] ?? "").split(";", COOKIES_MAX);
    const at = pair.indexOf("=");
    if (at <= 0) continue;
    found.push({
      name: pair.slice(0, at).trim(),
      value: pair.slice(at + 1).trim(),
      attributes: rest.map(attributeOf),
    });
  }
  return found;
}

function attributeOf(text: string): NameValue {
  const at = text.indexOf("=");
  if (at < 0) return { name: text.trim().toLowerCase(), value: "" };
  return { name: text.slice(0, at).trim().toLowerCase(), value: text.slice(at + 1).trim() };
}

/** The value of Authorization behind its scheme (RFC 9110 11.6.2); undefined when there is none. */
export function bearerOf(headers: HeaderList): string | undefined {
  const value = headerValue(headers, "authorization");
  if (value === undefined) return undefined;
  const blank = value.indexOf(" ");
  const token = (blank < 0 ? value : value.slice(blank + 1)).trim();
  return token === "" ? undefined : token;
}

/** Fields by which services know a caller, beside Authorization and Cookie. */
const KEY_FIELD = /^x-(?:[a-z]+-)?(?:api-?key|auth-?token|access-?token|session(?:-?id)?|token)$/;

export function keyFieldsOf(headers: HeaderList): string[] {
  const found: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (name.length > 2 && (name.startsWith("x-") || name.startsWith("X-"))) {
      if (KEY_FIELD.test(name.toLowerCase())) found.push(headers[i + 1] ?? "");
    }
  }
  return found;
}
