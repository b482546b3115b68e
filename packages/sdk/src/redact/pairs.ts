/**
 * `a=1&b=2`: queries, fragments and parameters of URLs, and URL-encoded forms. Names and values are compared decoded, also when they
 * were encoded more than once; what is not replaced keeps its spelling.
 */
import { unescape } from "node:querystring";
import type { Names } from "./names.ts";
import type { Patterns } from "./patterns.ts";
import { CannotLook } from "./replacer.ts";
import type { Replacer } from "./replacer.ts";

export interface ValueRules {
  readonly names: Names;
  readonly replacer: Replacer;
  readonly patterns: Patterns;
  /** A value that no name hides, without secrets: what is within it, and what patterns find. The same one when there is none. */
  readonly value: (text: string, depth: number) => string;
}

/** Some servers take `;` for `&`. Line ends part pairs in texts that people write. The separators are kept: they stand at odd places. */
const FORM_SEPARATORS = /([&;\r\n]+)/;
/** A fragment may be a query, and a query within a query may be written without encoding. */
const URL_SEPARATORS = /([?&;#]+)/;
const ANY_SEPARATORS = /([?&;#\r\n]+)/;
/** Nobody encodes a name more often; what is still encoded then is hidden. */
const NAME_DECODINGS_MAX = 4;
/** Escapes of JSON and JavaScript, and the percent-encoding of the latter. */
const ESCAPE = /[\\%]u\{?([\da-f]{4})\}?|\\x([\da-f]{2})/gi;

/** The same string when there is nothing to replace. */
export function redactForm(text: string, rules: ValueRules, depth: number): string {
  return redactPieces(text.split(FORM_SEPARATORS), text, rules, depth);
}

/** What stands behind the path of a URL, or a whole one. */
export function redactQuery(text: string, rules: ValueRules, depth: number): string {
  return redactPieces(text.split(URL_SEPARATORS), text, rules, depth);
}

/** A text that is one of both. */
export function redactPairs(text: string, rules: ValueRules, depth: number): string {
  return redactPieces(text.split(ANY_SEPARATORS), text, rules, depth);
}

function redactPieces(pieces: string[], text: string, rules: ValueRules, depth: number): string {
  let changed = false;
  for (let i = 0; i < pieces.length; i += 2) {
    const pair = pieces[i] ?? "";
    if (pair === "") continue;
    const redacted = redactPair(pair, rules, depth);
    if (redacted === pair) continue;
    pieces[i] = redacted;
    changed = true;
  }
  return changed ? pieces.join("") : text;
}

function redactPair(pair: string, rules: ValueRules, depth: number): string {
  const { names, replacer } = rules;
  const equals = pair.indexOf("=");
  if (equals < 0) return redactEncoded(pair, rules, depth);
  const name = pair.slice(0, equals);
  const value = pair.slice(equals + 1);
  const said = spelledOut(name);
  const as = names.findParameter(said);
  if (as !== undefined) {
    const shown = value === "" ? "" : encodeURIComponent(replacer.replace(decoded(value), as));
    return `${withoutIndex(name, said, names, replacer.mark)}=${shown}`;
  }
  return `${redactEncoded(name, rules, depth)}=${redactEncoded(value, rules, depth)}`;
}

/** `token[SECRET]=1`: what stands in brackets behind the name that hides it. */
function withoutIndex(name: string, said: string, names: Names, mark: string): string {
  const bracket = said.indexOf("[");
  if (bracket <= 0 || names.find(said.slice(0, bracket)) === undefined) return name;
  const [head = ""] = name.split(/\[|%5b/i);
  return said.slice(bracket).replaceAll(/\[[^\]]*\]?/g, (index) => (/^\[\d{0,4}\]$/.test(index) ? index : `[${mark}]`)).replace(/^/, head); // prettier-ignore
}

/** What the text says decoded. */
export function redactEncoded(
  text: string,
  { value, patterns }: Pick<ValueRules, "value" | "patterns">,
  depth: number,
): string {
  if (text === "") return text;
  const plain = decoded(text);
  const redacted = value(plain, depth + 1);
  if (redacted !== plain) return plain === text ? redacted : encodeURIComponent(redacted);
  return plain === text ? text : patterns.apply(text);
}

/** Never throws: what is wrongly encoded is decoded as far as it goes. */
export function decoded(text: string): string {
  return /[%+]/.test(text) ? unescape(text.replaceAll("+", " ")) : text;
}

/** A name without percent-encoding and escapes, however often it has them. */
export function spelledOut(name: string): string {
  if (!/[%+\\]/.test(name)) return name;
  let said = name;
  for (let i = 0; i < NAME_DECODINGS_MAX; i += 1) {
    const next = decoded(said)
      .replaceAll(ESCAPE, (_all, four?: string, two?: string) => String.fromCharCode(Number.parseInt(four ?? two ?? "", 16)))
      .replaceAll("\\", ""); // prettier-ignore
    if (next === said) return said;
    said = next;
  }
  if (/%[\da-f]{2}/i.test(said)) throw new CannotLook("a name is encoded too often");
  return said;
}
