/**
 * JSON texts: values by name at any depth, and by pattern. Reads the text itself instead of parsing and writing it anew, so that
 * numbers, order, white space and doubled names stay as they were, and nothing hides behind a name that is said
 * twice. Strict: what is not JSON throws `CannotLook`.
 */
import type { Names } from "./names.ts";
import type { ValueRules } from "./pairs.ts";
import { CannotLook } from "./replacer.ts";
import type { ReplaceAs } from "./replacer.ts";

/** Deeper texts are attacks; each level costs a call. */
const NESTING_MAX = 128;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;
const SPACE = /[ \t\n\r]*/y;
/** Between the texts of a sequence. */
// oxlint-disable-next-line no-control-regex -- RFC 7464 has a control character there
const SEQUENCE_SPACE = /[ \t\n\r\u001e]*/y;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Longer values of a field such as `code` are no words. */
const WORD_CHARS_MAX = 40;
/** A status, a number of an error. */
const STATUS = /^-?\d{1,5}$/;
const WORDS = /^(?:[A-Z]+|[A-Z]?[a-z]+(?:[A-Z][a-z]+)*)$/;

export interface JsonRules extends ValueRules {
  /** Names such as `code`, whose value is a secret in one place and the name of an error in another. */
  readonly codes: Names;
}

/** The same string when there is nothing to replace. A `sequence` is any number of texts, as in JSON lines. */
export function redactJson(
  text: string,
  rules: JsonRules,
  depth: number,
  sequence: boolean = false,
): string {
  return new JsonRedaction(text, rules, depth).run(sequence);
}

/** Whether a value is a word or a small number, as the names of errors are: `NOT_FOUND`, `invalidGrant`, `404`. */
export function isWord(value: string): boolean {
  if (value.length > WORD_CHARS_MAX) return false;
  return STATUS.test(value) || value.split(/[ ._:/-]/).every((word) => WORDS.test(word));
}

class JsonRedaction {
  readonly #text: string;
  readonly #rules: JsonRules;
  /** How deep the text stands within others. */
  readonly #outerDepth: number;
  readonly #out: string[] = [];
  #at = 0;
  #copied = 0;
  /** Above 0 within a value that is replaced as a whole. */
  #skipping = 0;

  constructor(text: string, rules: JsonRules, outerDepth: number) {
    this.#text = text;
    this.#rules = rules;
    this.#outerDepth = outerDepth;
  }

  run(sequence: boolean): string {
    const space = sequence ? SEQUENCE_SPACE : SPACE;
    // A byte order mark says nothing.
    if (this.#text.charCodeAt(0) === 0xfeff) this.#at = 1;
    this.#skip(space);
    if (!sequence || this.#at < this.#text.length) this.#value(0, undefined);
    this.#skip(space);
    while (this.#at < this.#text.length) {
      if (!sequence) this.#fail();
      this.#value(0, undefined);
      this.#skip(space);
    }
    if (this.#out.length === 0) return this.#text;
    return this.#out.join("") + this.#text.slice(this.#copied);
  }

  #value(depth: number, as: ReplaceAs | undefined): void {
    if (depth > NESTING_MAX) this.#fail();
    const start = this.#at;
    if (as === "mark") {
      this.#skipping += 1;
      this.#value(depth, undefined);
      this.#skipping -= 1;
      this.#put(start, JSON.stringify(this.#rules.replacer.mark));
      return;
    }
    const first = this.#text[start];
    if (first === "{") this.#members(depth, as);
    else if (first === "[") this.#elements(depth, as);
    else if (first === '"') this.#string(as);
    else if (this.#skip(NUMBER) > 0) this.#number(start, as);
    else if (this.#skip(LITERAL) === 0) this.#fail();
    else if (as !== undefined && first !== "n")
      this.#put(start, JSON.stringify(this.#rules.replacer.mark));
  }

  #members(depth: number, as: ReplaceAs | undefined): void {
    this.#list("}", () => {
      if (this.#text[this.#at] !== '"') this.#fail();
      const name = this.#string(undefined);
      this.#skip(SPACE);
      if (this.#text[this.#at] !== ":") this.#fail();
      this.#at += 1;
      this.#skip(SPACE);
      this.#value(depth + 1, as ?? (this.#skipping > 0 ? undefined : this.#verdict(name)));
    });
  }

  /** How the value is replaced that comes next. */
  #verdict(name: string): ReplaceAs | undefined {
    const as = this.#rules.names.findParameter(name);
    if (as !== undefined) return as;
    const ofCode = this.#rules.codes.find(name);
    if (ofCode === undefined) return undefined;
    const value = /"(?:[^"\\]|\\.)*"|-?\d+/y;
    value.lastIndex = this.#at;
    const found = value.exec(this.#text)?.[0];
    return found === undefined || isWord(found.replaceAll('"', "")) ? undefined : ofCode;
  }

  #elements(depth: number, as: ReplaceAs | undefined): void {
    this.#list("]", () => this.#value(depth + 1, as));
  }

  #list(close: string, item: () => void): void {
    this.#at += 1;
    this.#skip(SPACE);
    if (this.#text[this.#at] === close) {
      this.#at += 1;
      return;
    }
    for (;;) {
      item();
      this.#skip(SPACE);
      const mark = this.#text[this.#at];
      this.#at += 1;
      if (mark === close) return;
      if (mark !== ",") this.#fail();
      this.#skip(SPACE);
    }
  }

  /** What the string says; replaced in the text when it must be. */
  #string(as: ReplaceAs | undefined): string {
    const start = this.#at;
    let escaped = false;
    for (this.#at += 1; ; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === QUOTE) break;
      // NaN, the end, is not above 0x1f either.
      if (!(code > 0x1f)) this.#fail();
      if (code !== BACKSLASH) continue;
      escaped = true;
      this.#at += 1;
    }
    this.#at += 1;
    const said = escaped ? this.#unescaped(start) : this.#text.slice(start + 1, this.#at - 1);
    if (this.#skipping > 0) return said;
    const { replacer, value } = this.#rules;
    const safe = as === undefined ? value(said, this.#outerDepth + 1) : replacer.replace(said, as);
    if (safe !== said) this.#put(start, JSON.stringify(safe));
    return said;
  }

  #unescaped(start: number): string {
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      return this.#fail();
    }
  }

  #number(start: number, as: ReplaceAs | undefined): void {
    if (this.#skipping > 0) return;
    const said = this.#text.slice(start, this.#at);
    const { patterns, replacer } = this.#rules;
    if (as !== undefined) this.#put(start, replacer.digits(said));
    else if (patterns.apply(said) !== said) this.#put(start, JSON.stringify(patterns.apply(said)));
  }

  #put(start: number, replacement: string): void {
    if (this.#skipping > 0) return;
    this.#out.push(this.#text.slice(this.#copied, start), replacement);
    this.#copied = this.#at;
  }

  #skip(expression: RegExp): number {
    expression.lastIndex = this.#at;
    // `test` makes no match object.
    if (!expression.test(this.#text)) return 0;
    const length = expression.lastIndex - this.#at;
    this.#at = expression.lastIndex;
    return length;
  }

  #fail(): never {
    throw new CannotLook("not JSON");
  }
}
