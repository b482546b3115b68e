/**
 * Compares the header fields of two answers by name. Fields that belong to the connection or to the clock of one answer are left
 * out; cookies are compared by name and attribute.
 */
import type { HeaderList } from "@mirrorball/protocol";
import { setCookiesOf } from "../../content/fields.ts";
import type { SetCookie } from "../../content/fields.ts";
import { mediaType } from "../../content/body.ts";
import { difference } from "./difference.ts";
import type { Difference } from "./difference.ts";

/** Hop by hop (RFC 9110 7.6.1), of one answer's own time, or said by the body itself. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "date",
  "age",
  "via",
  "server-timing",
  "content-length",
  "content-md5",
  "digest",
  "content-digest",
  "x-response-time",
  "x-runtime",
  "x-cache",
  "x-cache-hits",
]);

/** Validators and budgets: that they are there is compared, what they say depends on everything. */
const PRESENCE_ONLY: ReadonlySet<string> = new Set([
  "etag",
  "ratelimit",
  "ratelimit-remaining",
  "ratelimit-reset",
  "x-ratelimit-remaining",
  "x-ratelimit-reset",
  "x-rate-limit-remaining",
  "x-rate-limit-reset",
  "retry-after",
]);

/** Lists whose order says nothing. */
const SETS: ReadonlySet<string> = new Set([
  "vary",
  "allow",
  "access-control-allow-methods",
  "access-control-allow-headers",
  "access-control-expose-headers",
]);

export function headerDifferences(a: HeaderList, b: HeaderList): Difference[] {
  const left = byName(a);
  const right = byName(b);
  const found: Difference[] = [];
  for (const [name, value] of left) {
    const other = right.get(name);
    if (other === undefined) found.push(difference("header", name, "missing", value, ""));
    else if (value !== other) compareField(name, value, other, found);
  }
  for (const [name, value] of right) {
    if (!left.has(name)) found.push(difference("header", name, "added", "", value));
  }
  cookieDifferences(setCookiesOf(a), setCookiesOf(b), found);
  return found;
}

function compareField(name: string, a: string, b: string, found: Difference[]): void {
  if (PRESENCE_ONLY.has(name)) return;
  if (SETS.has(name) && sorted(a) === sorted(b)) return;
  if (name === "content-type" && sameType(a, b)) return;
  found.push(difference("header", name, "value", a, b));
}

/** Values under lower-case names; repeated fields joined as RFC 9110 5.3 allows. */
function byName(headers: HeaderList): Map<string, string> {
  const found = new Map<string, string>();
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = (headers[i] ?? "").toLowerCase();
    if (name === "set-cookie" || LEFT_OUT.has(name)) continue;
    const before = found.get(name);
    const value = headers[i + 1] ?? "";
    found.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return found;
}

function sorted(list: string): string {
  const parts = list.split(",").map((part) => part.trim().toLowerCase());
  return parts.sort().join(",");
}

/** Parameters may be written with other case, blanks and quotes. */
function sameType(a: string, b: string): boolean {
  if (mediaType(a) !== mediaType(b)) return false;
  const plain = (value: string): string => value.replaceAll(/[\s"]/g, "").toLowerCase();
  return plain(a) === plain(b);
}

function cookieDifferences(
  a: readonly SetCookie[],
  b: readonly SetCookie[],
  found: Difference[],
): void {
  const rest = [...b];
  const push = (kind: "missing" | "added" | "value", x: string, y: string, where: string): void => {
    found.push(difference("header", "set-cookie", kind, x, y, where));
  };
  for (const cookie of a) {
    const at = rest.findIndex(({ name }) => name === cookie.name);
    const other = rest[at];
    if (other === undefined) {
      push("missing", `${cookie.name}=${cookie.value}`, "", cookie.name);
      continue;
    }
    rest.splice(at, 1);
    if (cookie.value !== other.value) push("value", cookie.value, other.value, cookie.name);
    attributeDifferences(cookie, other, push);
  }
  for (const { name, value } of rest) push("added", "", `${name}=${value}`, name);
}

function attributeDifferences(
  a: SetCookie,
  b: SetCookie,
  push: (kind: "missing" | "added" | "value", x: string, y: string, where: string) => void,
): void {
  const right = new Map(b.attributes.map(({ name, value }) => [name, value]));
  const left = new Map(a.attributes.map(({ name, value }) => [name, value]));
  for (const [name, value] of left) {
    const other = right.get(name);
    const where = `${a.name}; ${name}`;
    if (other === undefined) push("missing", `${name}=${value}`, "", where);
    else if (other.toLowerCase() !== value.toLowerCase()) push("value", value, other, where);
  }
  for (const [name, value] of right) {
    if (!left.has(name)) push("added", "", `${name}=${value}`, `${a.name}; ${name}`);
  }
}
