/** Which member names say that their value names something: an id, a number, a reference, a token. Pure. */

const WORDS: ReadonlySet<string> = new Set([
  "id",
  "ids",
  "uid",
  "uuid",
  "guid",
  "no",
  "nr",
  "number",
  "ref",
  "reference",
  "key",
  "code",
  "token",
  "cursor",
  "sku",
  "slug",
  "handle",
  "session",
  "iban",
  "isbn",
  "serial",
  "receipt",
  "ticket",
  "seq",
  "sequence",
  "nonce",
  "csrf",
  "etag",
  "trace",
  "next",
  "prev",
  "previous",
  "self",
  "href",
  "url",
  "location",
]);

/** True when the last word of the name (`order_no`, `accountId`, `X-Request-ID`) is one of them. */
export function isIdName(name: string): boolean {
  if (name.length === 0 || name.length > 64) return false;
  return WORDS.has(lastWord(name).toLowerCase());
}

/** Words end at separators and where a capital follows a small letter. */
function lastWord(name: string): string {
  let end = name.length;
  while (end > 0 && isSeparator(name.charCodeAt(end - 1))) end -= 1;
  let start = end;
  while (start > 0) {
    const code = name.charCodeAt(start - 1);
    if (isSeparator(code)) break;
    start -= 1;
    if (isUpper(code) && start > 0 && !isUpper(name.charCodeAt(start - 1))) break;
  }
  return name.slice(start, end);
}

function isSeparator(code: number): boolean {
  return (
    code === 0x5f ||
    code === 0x2d ||
    code === 0x2e ||
    code === 0x20 ||
    code === 0x5d ||
    code === 0x5b
  );
}

function isUpper(code: number): boolean {
  return code >= 0x41 && code <= 0x5a;
}
