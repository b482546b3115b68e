/**
 * The values that an HTML page gives its reader to send back: inputs with a value, and meta tags that carry a token. In: text. Out: names and
 * values. A scanner over tags, not a parser: linear, and what it misreads is not learned.
 */
import type { NameValue } from "./fields.ts";

/** Inputs and meta tags that are looked at. */
const TAGS_MAX = 2000;
const TAG_CHARS_MAX = 4096;

export function htmlValues(text: string): NameValue[] {
  const found: NameValue[] = [];
  let at = 0;
  for (let tags = 0; tags < TAGS_MAX;) {
    const start = text.indexOf("<", at);
    if (start < 0) break;
    const end = text.indexOf(">", start);
    if (end < 0) break;
    at = end + 1;
    const isInput = startsWithWord(text, start + 1, "input");
    if (!isInput && !startsWithWord(text, start + 1, "meta")) continue;
    tags += 1;
    if (end - start > TAG_CHARS_MAX) continue;
    const attributes = attributesOf(text.slice(start + 1, end));
    const name = attributes.get("name");
    const value = attributes.get(isInput ? "value" : "content");
    if (name === undefined || value === undefined) continue;
    if (isInput || /csrf|xsrf|token|nonce/i.test(name))
      found.push({ name, value: unescaped(value) });
  }
  return found;
}

function startsWithWord(text: string, at: number, word: string): boolean {
  if (text.slice(at, at + word.length).toLowerCase() !== word) return false;
  const next = text.charAt(at + word.length);
  return next === " " || next === "\n" || next === "\t" || next === "\r";
}

/** Names in small letters. */
function attributesOf(tag: string): Map<string, string> {
  const found = new Map<string, string>();
  let at = 0;
  for (;;) {
    const equals = tag.indexOf("=", at);
    if (equals < 0) return found;
    const name = lastWord(tag.slice(at, equals));
    const quote = tag.charAt(equals + 1);
    const isQuoted = quote === '"' || quote === "'";
    const start = equals + (isQuoted ? 2 : 1);
    const stop = isQuoted ? tag.indexOf(quote, start) : nextBlank(tag, start);
    const end = stop < 0 ? tag.length : stop;
    // Of two the first counts, as in HTML.
    if (name !== "" && !found.has(name)) found.set(name, tag.slice(start, end));
    at = end + 1;
    if (at >= tag.length) return found;
  }
}

function lastWord(text: string): string {
  const trimmed = text.trimEnd();
  let start = trimmed.length;
  while (start > 0 && !/[\s"'/]/.test(trimmed.charAt(start - 1))) start -= 1;
  return trimmed.slice(start).toLowerCase();
}

function nextBlank(text: string, from: number): number {
  for (let i = from; i < text.length; i += 1) if (/[\s/]/.test(text.charAt(i))) return i;
  return -1;
}

function unescaped(value: string): string {
  if (!value.includes("&")) return value;
  return value
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&#x2F;", "/")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
