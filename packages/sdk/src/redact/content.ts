/**
 * The one place that decides by content what a text is, and has it looked through: JSON, XML, an event stream, multipart, a form or
 * URL, or none of these. In: a text and how deep it stands within others. Out: the same string when there is nothing to replace.
 * It fails closed: a value within something that cannot be looked through is replaced whole, a body throws `CannotLook`.
 * Knows nothing of header fields, types and encodings of bytes: `redactor.ts` and `body.ts` do.
 */
import { redactEvents } from "./events.ts";
import { PLAIN_BYTES_MAX } from "./encodings.ts";
import { isWord, redactJson } from "./json.ts";
import type { JsonRules } from "./json.ts";
import { redactMultipart } from "./multipart.ts";
import type { PartRedactor } from "./multipart.ts";
import { Names } from "./names.ts";
import type { NameRule } from "./names.ts";
import { redactEncoded, redactForm, redactPairs, redactQuery } from "./pairs.ts";
import type { ValueRules } from "./pairs.ts";
import type { Patterns } from "./patterns.ts";
import { redactPlain } from "./plain.ts";
import { CannotLook } from "./replacer.ts";
import type { ReplaceAs, Replacer } from "./replacer.ts";
import type { RedactRules } from "./rules.ts";
import { Scanner } from "./scanner.ts";
import { redactXml } from "./xml.ts";

export type TextKind =
  | "json" | "json-lines" | "json-perhaps" | "xml" | "html" | "events" | "multipart" | "form" | "pairs" | "jsonp" | "plain"; // prettier-ignore

/** Texts within texts, such as JSON in a parameter of a URL in JSON; deeper ones are attacks and are hidden. */
const DEPTH_MAX = 8;

/** What text begins like; anything may follow. */
export function kindOfText(text: string): TextKind {
  const at = beginOf(text);
  const begin = text.slice(at, at + BEGIN_CHARS);
  const first = begin[0] ?? "";
  if (first === "{") return /^\{\s*(?:["}]|$)/.test(begin) ? "json" : "plain";
  if (first === "[") return /^\[\s*(?:[{["\]]|$)/.test(begin) ? "json" : "json-perhaps";
  if (first === '"') return "json-perhaps";
  if (first === "<") {
    if (/^<(?:!doctype\s+html|html|head|body)\b/i.test(begin)) return "html";
    return /^<[a-z_?!/]/i.test(begin) ? "xml" : "plain";
  }
  if (/^(?:data|event|id|retry)?:/.test(begin)) return "events";
  if (/^--[^\s]{1,70}\r\n/.test(begin) && /^content-disposition:/im.test(text.slice(at, at + 256))) return "multipart"; // prettier-ignore
  if (JSONP.test(begin)) return "jsonp";
  return text.includes("=") && !/[\s"'<>{}\\]/.test(text.slice(at).trimEnd()) ? "pairs" : "plain";
}

/** As much of a beginning as is needed to tell what it is. */
const BEGIN_CHARS = 256;
/** A script that hands JSON to a function, as frameworks write it. */
const JSONP =
  /^(?:\/\*\*\/ ?)?(?:typeof [\w$.]{1,80} ?={2,3} ?'function' ?&& ?)?[\w$.]{1,80}\(\s{0,8}[{[]/;

/** Behind blanks and the byte order mark. */
function beginOf(text: string): number {
  let at = 0;
  while (at < text.length && /[\s\ufeff]/.test(text[at] ?? "")) at += 1;
  return at;
}

/** Characters that may be looked at for one body or field, over all depths: what is nested to be slow is hidden. */
const WORK_CHARS_MAX: number = 16 * PLAIN_BYTES_MAX;

export class Content {
  readonly scanner: Scanner;
  /** Some rule may concern a body. */
  readonly concernsBodies: boolean;
  readonly #patterns: Patterns;
  readonly #replacer: Replacer;
  readonly #json: JsonRules;
  readonly #form: ValueRules;
  readonly #query: ValueRules;
  readonly #pairs: ValueRules;
  /** Where it is not said which of the three a text is; with those of header fields, which lines of text may be. */
  readonly #any: Names;
  readonly #codes: Names;
  #work = 0;

  constructor(rules: RedactRules, patterns: Patterns, replacer: Replacer) {
    const { headers, cookies, json, form, query, codes } = rules;
    const cookieFields: NameRule[] = cookies.length === 0 ? [] : ["cookie", "set-cookie"].map((name) => ({ name, as: "mark" })); // prettier-ignore
    const isCode = ({ name }: NameRule): boolean => codes.some((code) => code.name === name);
    const value = (text: string, depth: number): string => this.value(text, depth);
    const common = { replacer, patterns, value };
    this.scanner = new Scanner([...headers, ...cookieFields, ...json, ...form, ...query, ...codes]);
    this.#patterns = patterns;
    this.#replacer = replacer;
    this.concernsBodies = json.length + form.length + query.length > 0;
    this.#codes = new Names(codes);
    this.#json = { ...common, names: new Names(json), codes: this.#codes };
    this.#form = { ...common, names: new Names(form) };
    this.#query = { ...common, names: new Names(query) };
    this.#pairs = { ...common, names: new Names([...form, ...query]) };
    this.#any = new Names([...json, ...form, ...query, ...headers, ...cookieFields].filter((rule) => !isCode(rule))); // prettier-ignore
  }

  /** What stands behind the path of a URL. */
  query(text: string): string {
    this.#work = 0;
    return redactQuery(text, this.#query, 0);
  }

  /** The value of a header field that no rule names, or what a user says: URLs, JSON, parameters. */
  field(text: string): string {
    this.#work = 0;
    return this.#within(text, 0);
  }

  /** The same of a text that may be percent-encoded: a cookie, a piece of a path. */
  encoded(text: string): string {
    this.#work = 0;
    return redactEncoded(text, this.#pairs, 0);
  }

  /** A body, said or seen to be of this kind. */
  body(text: string, kind: TextKind): string {
    this.#work = 0;
    return this.#whole(text, kind, 0);
  }

  /** A multipart body, one character a byte. `part` looks into a part, and calls `partText` for its text. */
  multipart(text: string, contentType: string, part: PartRedactor): string {
    this.#work = 0;
    return redactMultipart(text, contentType, this.#form, part);
  }

  partText(text: string, kind: TextKind): string {
    return this.#whole(text, kind, 1);
  }

  /** A value within something else, by name and by pattern. */
  value(text: string, depth: number): string {
    return this.#patterns.apply(this.#within(text, depth));
  }

  #whole(text: string, kind: TextKind, depth: number): string {
    const said = withoutUserinfo(text, this.#replacer.mark);
    const safe = this.#ofKind(said, kind, depth, true);
    return PATTERNS_WITHIN.has(kind) ? safe : this.#patterns.apply(safe);
  }

  #within(text: string, depth: number): string {
    if (!this.scanner.text(text)) return text;
    try {
      const kind = kindOfText(text);
      const said = withoutUserinfo(text, this.#replacer.mark);
      return this.#ofKind(said, kind === "json" ? "json-lines" : kind, depth, false);
    } catch (error) {
      if (!(error instanceof CannotLook)) throw error;
      return this.#replacer.mark;
    }
  }

  /** `isBody`: its lines may be fields with values. */
  #ofKind(text: string, kind: TextKind, depth: number, isBody: boolean): string {
    this.#work += text.length;
    if (depth > DEPTH_MAX || this.#work > WORK_CHARS_MAX) throw new CannotLook("too much within each other"); // prettier-ignore
    switch (kind) {
      case "json":
        return redactJson(text, this.#json, depth);
      case "json-lines":
        return redactJson(text, this.#json, depth, true);
      case "json-perhaps":
        return this.#jsonOrPlain(text, depth, isBody);
      case "xml":
        return this.#xml(text, depth);
      case "events":
        return redactEvents(text, (data) => this.value(data, depth + 1), (line) => this.#plain(line, depth, isBody)); // prettier-ignore
      case "form":
        return redactForm(text, this.#form, depth);
      case "pairs":
        return redactPairs(text, this.#pairs, depth);
      case "jsonp":
      case "plain":
        return this.#plain(text, depth, isBody);
      case "multipart":
        throw new CannotLook("multipart within something else");
      case "html":
        break;
    }
    return text;
  }

  #jsonOrPlain(text: string, depth: number, isBody: boolean): string {
    try {
      return redactJson(text, this.#json, depth, true);
    } catch (error) {
      if (!(error instanceof CannotLook)) throw error;
      return this.#plain(text, depth, isBody);
    }
  }

  #plain(text: string, depth: number, isBody: boolean): string {
    return redactPlain(this.#encodedWords(text, depth), {
      find: (name, value) => this.#find(name, value),
      replace: (value, as) => this.#replacer.replace(value, as),
      lines: isBody,
      graphql: GRAPHQL.test(text),
    });
  }

  /** Within a text, what is percent-encoded. */
  #encodedWords(text: string, depth: number): string {
    if (!ENCODED.test(text)) return text;
    const words = text.split(WORD_ENDS);
    for (const [i, word] of words.entries()) {
      if (i % 2 === 0 && ENCODED.test(word)) words[i] = redactPairs(word, this.#pairs, depth);
    }
    return words.join("");
  }

  #xml(text: string, depth: number): string {
    const safe = redactXml(text, {
      find: (name, value) => this.#find(name, value),
      replace: (value, as) => this.#replacer.replace(value, as),
      value: (said) => this.value(said, depth + 1),
    });
    return this.#plain(safe, depth, false);
  }

  #find(name: string, value: string): ReplaceAs | undefined {
    const as = this.#any.findParameter(name);
    if (as !== undefined) return as;
    const ofCode = this.#codes.find(name);
    return ofCode === undefined || (value !== "" && isWord(value)) ? undefined : ofCode;
  }
}

/** Kinds in which every value is looked into by pattern where it stands. */
const PATTERNS_WITHIN: ReadonlySet<TextKind> = new Set(["json", "json-lines", "form", "pairs"]);
const GRAPHQL = /^\s{0,64}(?:query|mutation|subscription|fragment|\{\s{0,64}[a-z_])/i;
const ENCODED = /%[\da-f]{2}/i;
const WORD_ENDS = /([\s"'<>`]+)/;
const AUTHORITY = /:\/\/[^/?#\s"'<>\\]*@/g;

/** Credentials before the host of a URL, wherever one stands. */
function withoutUserinfo(text: string, mark: string): string {
  return text.includes("://") && text.includes("@")
    ? text.replaceAll(AUTHORITY, `://${mark}@`)
    : text;
}
