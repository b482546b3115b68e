/**
 * What an answer gives its reader to send back beside JSON and cookies: tokens in a page or a text, and in `Location`. In: a head and its content.
 * Out: values with 64 bits or more of their own. Shorter ones are words and numbers that anybody may use.
 */
import { headerValue } from "@mirrorball/protocol";
import type { HeaderList } from "@mirrorball/protocol";
import type { Content } from "../content/body.ts";
import { classesOf, isStrong } from "../content/value-class.ts";

/** Text of a page that is looked at, in characters. */
const TEXT_CHARS_MAX = 65_536;
/** Values of one answer: a page with a thousand links gives as many ids, and few are used. */
const VALUES_MAX = 64;
const LONG_TOKEN = /[\w-]{16,}/g;

export function givenInText(headers: HeaderList, content: Content | string): string[] {
  const found = new Set<string>();
  collect(headerValue(headers, "location") ?? "", found);
  if (typeof content !== "string" && content.json === undefined) collect(content.text, found);
  return [...found];
}

function collect(text: string, found: Set<string>): void {
  for (const [token] of text.slice(0, TEXT_CHARS_MAX).matchAll(LONG_TOKEN)) {
    if (found.size >= VALUES_MAX) return;
    if (isStrong(token, classesOf(token))) found.add(token);
  }
}
