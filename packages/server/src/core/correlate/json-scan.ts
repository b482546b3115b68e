/**
 * Replaces scalars in JSON text in place: everything else keeps its bytes, blanks and digits. In: text and a function that is shown each
 * string and number with the name of its member and its path. Out: the text, the same one when nothing was replaced.
 *
 * The text must be JSON that `parseJson` took, which bounds its depth: this scanner checks nothing again. Deeper than its own bound is left
 * as it is.
 */

import { elementPath, memberPath } from "../content/path.ts";

export type ReplaceScalar = (
  value: string,
  name: string,
  path: string,
  isText: boolean,
) => string | undefined;

const DEPTH_MAX = 64;

export function replaceInJson(text: string, replace: ReplaceScalar): string {
  return new Scanner(text, replace).run();
}

class Scanner {
  readonly #text: string;
  readonly #replace: ReplaceScalar;
  #at = 0;
  #out = "";
  #copied = 0;

  constructor(text: string, replace: ReplaceScalar) {
    this.#text = text;
    this.#replace = replace;
  }

  run(): string {
    this.#value("", "$", 0);
    return this.#out === "" ? this.#text : this.#out + this.#text.slice(this.#copied);
  }

  #value(name: string, path: string, depth: number): void {
    this.#blanks();
    const char = this.#text.charAt(this.#at);
    if (char === "{") this.#members(path, depth + 1);
    else if (char === "[") this.#elements(name, path, depth + 1);
    else if (char === '"') this.#string(name, path, depth);
    else this.#bare(name, path, depth);
  }

  #members(path: string, depth: number): void {
    this.#at += 1;
    for (;;) {
      this.#blanks();
      if (this.#ends("}")) return;
      const name = this.#key();
      this.#blanks();
      // The colon.
      this.#at += 1;
      this.#value(name, memberPath(path, name), depth);
      this.#blanks();
      if (this.#text.charAt(this.#at) === ",") this.#at += 1;
    }
  }

  #elements(name: string, path: string, depth: number): void {
    this.#at += 1;
    const inner = elementPath(path);
    for (;;) {
      this.#blanks();
      if (this.#ends("]")) return;
      this.#value(name, inner, depth);
      this.#blanks();
      if (this.#text.charAt(this.#at) === ",") this.#at += 1;
    }
  }

  /** True behind the closing mark, and at the end of a text that lacks it. */
  #ends(mark: string): boolean {
    if (this.#at >= this.#text.length) return true;
    if (this.#text.charAt(this.#at) !== mark) return false;
    this.#at += 1;
    return true;
  }

  #key(): string {
    const start = this.#at;
    this.#skipString();
    return decoded(this.#text.slice(start, this.#at));
  }

  #string(name: string, path: string, depth: number): void {
    const start = this.#at;
    this.#skipString();
    if (depth > DEPTH_MAX) return;
    const value = decoded(this.#text.slice(start, this.#at));
    const image = this.#replace(value, name, path, true);
    if (image !== undefined && image !== value) this.#put(start, JSON.stringify(image));
  }

  #bare(name: string, path: string, depth: number): void {
    const start = this.#at;
    while (this.#at < this.#text.length && !/[\s,\]}]/.test(this.#text.charAt(this.#at)))
      this.#at += 1;
    // What is no JSON must not hold the scanner up.
    if (this.#at === start) this.#at += 1;
    const value = this.#text.slice(start, this.#at);
    const first = value.charCodeAt(0);
    const isNumber = first === 0x2d || (first >= 0x30 && first <= 0x39);
    if (!isNumber || depth > DEPTH_MAX) return;
    const image = this.#replace(value, name, path, false);
    if (image === undefined || image === value) return;
    this.#put(start, /^-?\d+(?:\.\d+)?$/.test(image) ? image : JSON.stringify(image));
  }

  #put(start: number, text: string): void {
    this.#out += this.#text.slice(this.#copied, start) + text;
    this.#copied = this.#at;
  }

  #skipString(): void {
    this.#at += 1;
    while (this.#at < this.#text.length) {
      const code = this.#text.charCodeAt(this.#at);
      this.#at += code === 0x5c ? 2 : 1;
      if (code === 0x22) return;
    }
  }

  #blanks(): void {
    while (this.#at < this.#text.length && this.#text.charCodeAt(this.#at) <= 0x20) this.#at += 1;
  }
}

function decoded(literal: string): string {
  if (!literal.includes("\\")) return literal.slice(1, -1);
  try {
    const value: unknown = JSON.parse(literal);
    return typeof value === "string" ? value : "";
  } catch {
    return "";
  }
}
