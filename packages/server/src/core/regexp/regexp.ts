/**
 * Regular expressions as gor has them: Go's syntax (RE2), searched for anywhere in a text, in linear time whatever the
 * pattern and the text, so that no request can hang the server.
 *
 * In: patterns as text; subjects in which a character is a byte (latin1), as heads are. Out: whether and where one
 * matches. Patterns without metacharacters are found without an engine, simple ones lend the runtime's (`native.ts`). A
 * pattern that holds characters beyond ASCII is held against the subject read as UTF-8, as Go does. Nothing here knows
 * what a header is.
 */
import { createRequire } from "node:module";
import type * as Re2 from "re2js";
import type { Matcher, RE2JS } from "re2js";
import { nativeOf } from "./native.ts";
import type { NativePattern } from "./native.ts";
import { isAscii, latin1FromUtf8, utf8FromLatin1 } from "../latin1.ts";

export interface Pattern {
  test(subject: string): boolean;
}

export interface Replacer {
  /** The text with every match replaced; undefined when nothing matches. */
  replace(subject: string): string | undefined;
}

/** Why a pattern cannot be used: what it must be. */
export class PatternFault {
  readonly rule: string;
  constructor(rule: string) {
    this.rule = rule;
  }
}

export function compilePattern(source: string): Pattern | PatternFault {
  const literal = literalOf(source);
  if (literal !== undefined) return literal;
  const engine = compile(source);
  if (engine instanceof PatternFault) return engine;
  if (!isAscii(source)) return new Utf8Pattern(engine);
  const native = nativeOf(source);
  return native === undefined ? engine : new QuickPattern(engine, native);
}

/**
 * Go's `ReplaceAll`: every match gives way to `template`, in which `$1`, `$name` and `${name}` stand for groups and `$$`
 * for a dollar. A name reaches as far as letters, digits and underscores do; an unknown one is empty.
 */
export function compileReplacer(source: string, template: string): Replacer | PatternFault {
  const engine = compile(source);
  if (engine instanceof PatternFault) return engine;
  const ascii = isAscii(source);
  // The template joins a subject in which a character is a byte.
  const pieces = parseTemplate(ascii ? latin1FromUtf8(template) : template, engine);
  const replacer = new Re2Replacer(engine, pieces);
  if (!ascii) return new Utf8Replacer(replacer);
  const native = nativeOf(source);
  return native === undefined ? replacer : new QuickReplacer(replacer, native, pieces);
}

/**
 * What is wrong with a template: it names a group that the expression has not, which would always be empty. Undefined when it is
 * right, or when the expression is not.
 */
export function templateFault(source: string, template: string): PatternFault | undefined {
  const engine = compile(source);
  if (engine instanceof PatternFault) return undefined;
  for (const match of template.matchAll(REFERENCE)) {
    const name = match[2] ?? match[3];
    if (name === undefined || groupOf(name, engine) !== undefined) continue;
    const digits = match[2] === undefined ? undefined : /^\d+/.exec(name)?.[0];
    const meant =
      digits === undefined || digits === name
        ? undefined
        : `\${${digits}}${name.slice(digits.length)}`;
    const advice = meant === undefined ? "" : `${meant} is group ${digits} and text behind it, `;
    return new PatternFault(
      `must name groups of its expression: ${match[0]} names the group ${JSON.stringify(name)}, which it has not (${advice}$$ is a dollar)`,
    );
  }
  return undefined;
}

/** Loaded with the first pattern that needs it: most runs have none, and it takes as long to load as all else. */
let re2: typeof Re2 | undefined;

function compile(source: string): RE2JS | PatternFault {
  re2 ??= createRequire(import.meta.url)("re2js") as typeof Re2;
  try {
    return re2.RE2JS.compile(source);
  } catch (error) {
    return new PatternFault(faultOf(source, error instanceof Error ? error.message : ""));
  }
}

const SYNTAX = "must be a regular expression in Go's syntax (RE2)";

/** Named by what was meant, where that can be told: RE2 itself only calls it bad syntax. */
function faultOf(source: string, message: string): string {
  const plain = withoutClasses(source).replace(/\\(?![1-9k])./g, "");
  if (/\(\?<?[=!]/.test(plain)) {
    return `${SYNTAX}, which has no look-around, so that every match takes linear time`;
  }
  if (/\\[1-9k]/.test(plain)) {
    return `${SYNTAX}, which has no back-references, so that every match takes linear time`;
  }
  const detail = message.replace(/^error parsing regexp: /, "").replaceAll("`", '"');
  return detail === "" ? SYNTAX : `${SYNTAX}: ${detail}`;
}

/** Without `[…]`, in which a bracket may come first, and may be escaped. */
function withoutClasses(source: string): string {
  let plain = "";
  let at = 0;
  while (at < source.length) {
    const end = source[at] === "[" ? classEnd(source, at) : -1;
    if (end < 0 && source[at] === "[") return plain + source.slice(at);
    const next = end < 0 ? at + (source[at] === "\\" ? 2 : 1) : end;
    if (end < 0) plain += source.slice(at, next);
    at = next;
  }
  return plain;
}

/** The place behind the bracket that closes the class at `at`, or -1. */
function classEnd(source: string, at: number): number {
  let next = at + (source[at + 1] === "^" ? 2 : 1);
  if (source[next] === "]") next += 1;
  while (next < source.length && source[next] !== "]") next += source[next] === "\\" ? 2 : 1;
  return next < source.length ? next + 1 : -1;
}

/** `^`, characters that mean themselves or are escaped punctuation, `$`. */
const LITERAL = /^(\^?)((?:[^\\.+*?()|[\]{}^$]|\\[!-/:-@[-`{-~])*)(\$?)$/;

function literalOf(source: string): Pattern | undefined {
  const match = LITERAL.exec(source);
  if (match === null) return undefined;
  const [, start = "", body = "", end = ""] = match;
  const text = latin1FromUtf8(body.replace(/\\(.)/g, "$1"));
  return new LiteralPattern(text, start !== "", end !== "");
}

class LiteralPattern implements Pattern {
  readonly #text: string;
  readonly #atStart: boolean;
  readonly #atEnd: boolean;

  constructor(text: string, atStart: boolean, atEnd: boolean) {
    this.#text = text;
    this.#atStart = atStart;
    this.#atEnd = atEnd;
  }

  test(subject: string): boolean {
    if (this.#atStart) return this.#atEnd ? subject === this.#text : subject.startsWith(this.#text);
    return this.#atEnd ? subject.endsWith(this.#text) : subject.includes(this.#text);
  }
}

class QuickPattern implements Pattern {
  readonly #engine: RE2JS;
  readonly #native: NativePattern;

  constructor(engine: RE2JS, native: NativePattern) {
    this.#engine = engine;
    this.#native = native;
  }

  test(subject: string): boolean {
    const { expression, subjectLengthMax } = this.#native;
    if (subject.length > subjectLengthMax) return this.#engine.test(subject);
    expression.lastIndex = 0;
    return expression.test(subject);
  }
}

class Utf8Pattern implements Pattern {
  readonly #engine: RE2JS;

  constructor(engine: RE2JS) {
    this.#engine = engine;
  }

  test(subject: string): boolean {
    return this.#engine.test(utf8FromLatin1(subject));
  }
}

/** Text, or the number of a group. */
type Piece = string | number;

const REFERENCE = /\$(?:(\$)|(\w+)|\{(\w+)\})/g;

/** The number of the group that a template names; undefined when there is none. */
function groupOf(name: string, engine: RE2JS): number | undefined {
  if (/^\d+$/.test(name)) return Number(name) <= engine.groupCount() ? Number(name) : undefined;
  const named = engine.namedGroups();
  return Object.hasOwn(named, name) ? named[name] : undefined;
}

/** A group that is not there is empty for good. */
function parseTemplate(template: string, engine: RE2JS): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of template.matchAll(REFERENCE)) {
    pieces.push(template.slice(at, match.index));
    at = match.index + match[0].length;
    const name = match[2] ?? match[3];
    pieces.push(name === undefined ? "$" : (groupOf(name, engine) ?? ""));
  }
  pieces.push(template.slice(at));
  return pieces.filter((piece) => piece !== "");
}

class Re2Replacer implements Replacer {
  readonly #engine: RE2JS;
  readonly #pieces: readonly Piece[];

  constructor(engine: RE2JS, pieces: readonly Piece[]) {
    this.#engine = engine;
    this.#pieces = pieces;
  }

  replace(subject: string): string | undefined {
    // Most subjects do not match, and asking only that is several times cheaper.
    if (!this.#engine.test(subject)) return undefined;
    const matcher = this.#engine.matcher(subject);
    let out = "";
    let lastEnd = 0;
    while (matcher.find()) {
      const start = matcher.start();
      const end = matcher.end();
      out += subject.slice(lastEnd, start);
      // Go leaves out an empty match right behind another one.
      if (end > lastEnd || start === 0) out += this.#expand(matcher);
      lastEnd = end;
    }
    return out + subject.slice(lastEnd);
  }

  #expand(matcher: Matcher): string {
    let out = "";
    for (const piece of this.#pieces) {
      out += typeof piece === "string" ? piece : (matcher.group(piece) ?? "");
    }
    return out;
  }
}

class QuickReplacer implements Replacer {
  readonly #replacer: Replacer;
  readonly #native: NativePattern;
  readonly #pieces: readonly Piece[];

  constructor(replacer: Replacer, native: NativePattern, pieces: readonly Piece[]) {
    this.#replacer = replacer;
    this.#native = native;
    this.#pieces = pieces;
  }

  replace(subject: string): string | undefined {
    const { expression, subjectLengthMax } = this.#native;
    if (subject.length > subjectLengthMax) return this.#replacer.replace(subject);
    expression.lastIndex = 0;
    let match: RegExpExecArray | null = expression.exec(subject);
    if (match === null) return undefined;
    let out = "";
    let lastEnd = 0;
    while (match !== null) {
      const index: number = match.index;
      const found: string = match[0];
      const end = index + found.length;
      out += subject.slice(lastEnd, index);
      if (end > lastEnd || index === 0) out += this.#expand(match);
      lastEnd = end;
      if (found === "") expression.lastIndex = end + 1;
      match = end === subject.length && found === "" ? null : expression.exec(subject);
    }
    return out + subject.slice(lastEnd);
  }

  #expand(match: RegExpExecArray): string {
    let out = "";
    for (const piece of this.#pieces)
      out += typeof piece === "string" ? piece : (match[piece] ?? "");
    return out;
  }
}

class Utf8Replacer implements Replacer {
  readonly #replacer: Replacer;

  constructor(replacer: Replacer) {
    this.#replacer = replacer;
  }

  replace(subject: string): string | undefined {
    const text = utf8FromLatin1(subject);
    // A subject that is not UTF-8 would not come back as it was: then it is none of this pattern's.
    if (latin1FromUtf8(text) !== subject) return undefined;
    const replaced = this.#replacer.replace(text);
    return replaced === undefined ? undefined : latin1FromUtf8(replaced);
  }
}
