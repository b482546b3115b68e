/**
 * Texts of no format, or of one that is not read here (GraphQL, YAML, scripts, logs, JSON with something around it): what is
 * assigned to a name of the rules is replaced. In: text. Out: the same string when there is nothing to replace.
 *
 * 1. A quoted name and `:` or `=`, anywhere: `{"password": "x"}`.
 * 2. A bare name and `=`, anywhere: `password=x`, `/a?password=x`.
 * 3. A bare name, `:` and a quoted value, anywhere: `{password: 'x'}`.
 * 4. A bare name and `:` at the beginning of a line, when `lines` says so: `password: x`.
 *
 * Where the end of a value is in doubt, the longer one is taken. What cannot be told throws `CannotLook`. Linear.
 */
import { spelledOut } from "./pairs.ts";
import { CannotLook } from "./replacer.ts";
import type { ReplaceAs } from "./replacer.ts";

export interface PlainRules {
  /** How the value of a name is replaced; undefined when it is not. */
  readonly find: (name: string, value: string) => ReplaceAs | undefined;
  readonly replace: (value: string, as: ReplaceAs) => string;
  /** Lines are `name: value`, as in YAML and HTTP. */
  readonly lines: boolean;
  /** A document in GraphQL: `name: $variable` and `$name: Type` hold no value. */
  readonly graphql: boolean;
}

/** No rule names longer ones; bounds how far is looked back. */
const NAME_CHARS_MAX = 128;
/** What may stand before a name on its line: indentation, `- `, `export `. */
const LINE_BEGIN = /^[\s*>$-]*(?:(?:export|set|let|var|const|env)\s+)?$/;
const LINE_BEGIN_CHARS_MAX = 64;
/** How far is looked back for what makes a word a URL; a longer one is none, and its value ends later. */
const URL_CHARS_MAX = 512;
const QUOTES = "\"'`";
const BRACKETS = new Map([["{", "}"], ["[", "]"], ["(", ")"]]); // prettier-ignore
const COLON = 0x3a;
const EQUALS = 0x3d;

interface Name {
  readonly text: string;
  readonly start: number;
  readonly quoted: boolean;
}

/** Where the value stands that is replaced, and what closes it stays. */
interface Span {
  readonly start: number;
  readonly end: number;
}

export function redactPlain(text: string, rules: PlainRules): string {
  const out: string[] = [];
  let copied = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code !== COLON && code !== EQUALS) continue;
    const name = nameBefore(text, i, copied);
    if (name === undefined || (rules.graphql && name.text.startsWith("$"))) continue;
    // Most names are none of the rules: only those that may be are worth to look for their value.
    if (rules.find(name.text, "") === undefined) continue;
    const span = valueBehind(text, i, name, rules);
    if (span === undefined) continue;
    const value = text.slice(span.start, span.end);
    const as = rules.find(name.text, value);
    if (as === undefined || value === "") continue;
    out.push(text.slice(copied, span.start), rules.replace(value, as));
    copied = span.end;
    i = span.end - 1;
  }
  return out.length === 0 ? text : out.join("") + text.slice(copied);
}

/** The name in front of a separator; `from` is where text begins that was not replaced. */
function nameBefore(text: string, separator: number, from: number): Name | undefined {
  const floor = Math.max(0, separator - NAME_CHARS_MAX);
  let end = separator;
  while (end > floor && isBlank(text.charCodeAt(end - 1))) end -= 1;
  const quote = text[end - 1] ?? "";
  if (quote !== "" && QUOTES.includes(quote)) {
    // The quote that opens it may be one that closed a value which was replaced.
    const before = text.slice(floor, end - 1);
    const open = before.lastIndexOf(quote);
    // A quoted text within a quoted text: the quotes have backslashes in front.
    const said = before.slice(open + 1).replace(/(?<!\\)\\+$/, "");
    return open < 0 || said === ""
      ? undefined
      : { text: spelledOut(said), start: floor + open, quoted: true };
  }
  let start = end;
  while (start > Math.max(floor, from) && isNameCode(text.charCodeAt(start - 1))) start -= 1;
  if (start === end) return undefined;
  return { text: spelledOut(text.slice(start, end)), start, quoted: false };
}

function valueBehind(
  text: string,
  separator: number,
  name: Name,
  rules: PlainRules,
): Span | undefined {
  const isColon = text.charCodeAt(separator) === COLON;
  let start = separator + 1;
  while (text[start] === "=" || text[start] === ">") start += 1;
  while (isBlank(text.charCodeAt(start)) || (name.quoted && isLineEnd(text.charCodeAt(start)))) start += 1; // prettier-ignore
  const quoted = quotedAt(text, start);
  if (quoted !== undefined) return quoted;
  const close = BRACKETS.get(text[start] ?? "");
  const isLine = rules.lines && isAtLineBegin(text, name.start);
  if (name.quoted || (isColon && rules.graphql)) {
    if (isColon && rules.graphql && !/[\d-]/.test(text[start] ?? "")) return undefined;
    if (close !== undefined) return { start, end: closedAt(text, start, text[start] ?? "", close) };
    return { start, end: endAt(text, start, ",}])\r\n") };
  }
  if (isColon && !isLine) return undefined;
  const end = isUrl(text, name.start) ? endAt(text, start, "&;# \t\r\n\"<>`") : endAt(text, start, "&\r\n"); // prettier-ignore
  if (isLine && isBlock(text, start, end)) throw new CannotLook("a value of several lines");
  return { start, end };
}

/** A quoted text, also one within a quoted text, whose quotes have backslashes in front. */
function quotedAt(text: string, at: number): Span | undefined {
  let open = at;
  while (text[open] === "\\") open += 1;
  const quote = text[open] ?? "";
  if (quote === "" || !QUOTES.includes(quote)) return undefined;
  const level = open - at;
  const triple = quote.repeat(3);
  const start = text.startsWith(triple, open) ? open + 3 : open + 1;
  if (start === open + 3) {
    const end = text.indexOf(triple, start);
    return { start, end: end < 0 ? text.length : end };
  }
  for (let end = text.indexOf(quote, start); end >= 0; end = text.indexOf(quote, end + 1)) {
    let slashes = 0;
    while (end - slashes > start && text[end - slashes - 1] === "\\") slashes += 1;
    const closes = level === 0 ? slashes % 2 === 0 : slashes <= level;
    if (closes) return { start, end: end - Math.min(slashes, level) };
  }
  return { start, end: text.length };
}

/** Behind the bracket that closes the one at `at`; the end of the text when none does. */
function closedAt(text: string, at: number, open: string, close: string): number {
  let depth = 0;
  for (let i = at; i < text.length; i += 1) {
    const char = text[i] ?? "";
    if (char === open) depth += 1;
    else if (char === close) depth -= 1;
    else if (char === '"' || char === "'") i = Math.max(i, quotedAt(text, i)?.end ?? i);
    if (depth === 0) return i + 1;
  }
  return text.length;
}

function endAt(text: string, start: number, stops: string): number {
  let end = start;
  while (end < text.length && !stops.includes(text[end] ?? "")) end += 1;
  return end;
}

function isAtLineBegin(text: string, at: number): boolean {
  const from = Math.max(0, at - LINE_BEGIN_CHARS_MAX);
  const before = text.slice(from, at);
  const line = Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r"));
  return (line >= 0 || from === 0) && LINE_BEGIN.test(before.slice(line + 1));
}

/** Whether the name stands in the query, fragment or parameters of a URL: such a value has no blanks. */
function isUrl(text: string, nameStart: number): boolean {
  const before = text.slice(Math.max(0, nameStart - URL_CHARS_MAX), nameStart);
  let from = before.length;
  while (from > 0 && !' \t\r\n"<>`'.includes(before[from - 1] ?? "")) from -= 1;
  if (from === 0 && nameStart > URL_CHARS_MAX) return false;
  return /[?#]|:\/\//.test(before.slice(from));
}

/** A value on the following lines, as YAML has it. */
function isBlock(text: string, start: number, end: number): boolean {
  const said = text.slice(start, Math.min(end, start + 8)).trim();
  if (/^[|>][+-]?\d?$/.test(said)) return true;
  return said === "" && /^(?:\r\n?|\n)[ \t]+\S/.test(text.slice(end, end + LINE_BEGIN_CHARS_MAX));
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function isLineEnd(code: number): boolean {
  return code === 0x0a || code === 0x0d;
}

/** Letters, digits, what joins them, escapes, and all that is not ASCII. */
function isNameCode(code: number): boolean {
  if (code > 0x7e) return true;
  if ((code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)) return true; // prettier-ignore
  return "_-.[]$%+*\\".includes(String.fromCharCode(code));
}
