/** Rules by name: exact names and names with `*` in them, all without case. Linear in the length of the name. */
import type { ReplaceAs } from "./replacer.ts";

export interface NameRule {
  readonly name: string;
  readonly as: ReplaceAs;
}

/** Services say the same names again and again: verdicts are kept, so that most cost one look-up. A few hundred KB at most. */
const KNOWN_MAX = 2000;
const KNOWN_CHARS_MAX = 64;
const PLAIN_NAME = /^[\u0021-\u007e]*$/;
/** Blanks, control and format characters. */
const IGNORED = /[\s\p{C}\p{M}]/gu;

export class Names {
  readonly #known: Map<string, ReplaceAs | "none"> = new Map();
  readonly #exact: Map<string, ReplaceAs> = new Map();
  readonly #globs: { readonly parts: readonly string[]; readonly as: ReplaceAs }[] = [];

  constructor(rules: readonly NameRule[]) {
    for (const { name, as } of rules) {
      const lower = name.toLowerCase();
      if (lower.includes("*")) this.#globs.push({ parts: lower.split("*"), as });
      else this.#exact.set(lower, as);
    }
  }

  get empty(): boolean {
    return this.#exact.size === 0 && this.#globs.length === 0;
  }

  find(name: string): ReplaceAs | undefined {
    const known = this.#known.get(name);
    if (known !== undefined) return known === "none" ? undefined : known;
    const as = this.#look(name);
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    // A copy: a piece of a text keeps the whole text in memory.
    if (name.length <= KNOWN_CHARS_MAX) this.#known.set(Buffer.from(name).toString(), as ?? "none");
    return as;
  }

  #look(name: string): ReplaceAs | undefined {
    const lower = name.toLowerCase();
    const as = this.#verdict(lower);
    if (as !== undefined || PLAIN_NAME.test(lower)) return as;
    // As receivers that forgive read it: `ｐａｓｓｗｏｒｄ`, soft hyphens, blanks and zeros within.
    const folded = lower.normalize("NFKC").replaceAll(IGNORED, "").toLowerCase();
    return folded === lower ? undefined : this.#verdict(folded);
  }

  #verdict(lower: string): ReplaceAs | undefined {
    const exact = this.#exact.get(lower);
    if (exact !== undefined || this.#globs.length === 0) return exact;
    return this.#globs.find(({ parts }) => globMatches(parts, lower))?.as;
  }

  /** Of a parameter: `user[password]` and `user.password` are found by `password`, too. */
  findParameter(name: string): ReplaceAs | undefined {
    const whole = this.find(name);
    if (whole !== undefined || !/[[.]/.test(name)) return whole;
    for (const part of name.split(/[[\].]+/)) {
      const as = part === "" ? undefined : this.find(part);
      if (as !== undefined) return as;
    }
    return undefined;
  }
}

function globMatches(parts: readonly string[], name: string): boolean {
  const [first = "", ...rest] = parts;
  const last = rest.pop() ?? "";
  if (name.length < first.length + last.length) return false;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
