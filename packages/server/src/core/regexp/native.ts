/**
 * Lends simple patterns the runtime's own engine, which is twenty times as fast as a linear one and backtracks: only
 * for patterns whose meaning is the same in both, and only for subjects so short that even the worst of them takes a bounded
 * number of steps. Everything else is undefined here, and RE2's business.
 *
 * In: a pattern in Go's syntax. Out: the same for `RegExp`, and the longest subject it may be given. Left to RE2 are
 * repeated groups, counted repetitions, and what is not ASCII: these are what blows up, or what differs.
 */

export interface NativePattern {
  readonly expression: RegExp;
  /** Characters; with a longer subject a hostile one could make this engine slow. */
  readonly subjectLengthMax: number;
}

/**
 * Ways through a pattern that may be tried on one subject. Each is a few nanoseconds, so that the worst subject anybody can
 * make costs as much as a few dozen ordinary requests.
 */
const WAYS_MAX = 65_536;

export function nativeOf(source: string): NativePattern | undefined {
  const translator = new Translator(source);
  const translated = translator.whole();
  if (translated === undefined) return undefined;
  const { ways, unbounded, anchored } = translator;
  // Every unbounded repetition multiplies the ways by the subject's length, and so does beginning anywhere.
  const exponent = unbounded + (anchored ? 0 : 1);
  const lengthMax = exponent === 0 ? WAYS_MAX : Math.floor((WAYS_MAX / ways) ** (1 / exponent));
  const expression = new RegExp(translated, translator.ignoresCase ? "gi" : "g");
  return { expression, subjectLengthMax: lengthMax };
}

const ASCII = /^[\t -~]*$/;
const CASE_FLAG = "(?i)";
/** What a repetition may stand behind: one character of some sort. */
type Atom = { readonly text: string; readonly repeatable: boolean };

/** Outside classes. RE2's dot and white space are not JavaScript's. */
const ESCAPES: Readonly<Record<string, Atom>> = {
  d: { text: "[0-9]", repeatable: true },
  D: { text: "[^0-9]", repeatable: true },
  w: { text: "\\w", repeatable: true },
  W: { text: "\\W", repeatable: true },
  s: { text: "[\\t\\n\\f\\r ]", repeatable: true },
  S: { text: "[^\\t\\n\\f\\r ]", repeatable: true },
  b: { text: "\\b", repeatable: false },
  B: { text: "\\B", repeatable: false },
};
const CLASS_ESCAPES: Readonly<Record<string, string>> = {
  d: "0-9",
  w: "\\w",
  s: "\\t\\n\\f\\r ",
};

/** A parser by descent over the few forms that are the same everywhere. */
class Translator {
  /** Choices between alternatives and of optional characters, multiplied. */
  ways = 1;
  unbounded = 0;
  readonly anchored: boolean;
  readonly ignoresCase: boolean;
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.ignoresCase = source.startsWith(CASE_FLAG);
    this.#source = this.ignoresCase ? source.slice(CASE_FLAG.length) : source;
    // An alternative could begin without it.
    this.anchored = this.#source.startsWith("^") && !this.#source.includes("|");
  }

  whole(): string | undefined {
    if (!ASCII.test(this.#source)) return undefined;
    const text = this.#alternatives();
    return this.#at === this.#source.length ? text : undefined;
  }

  get #next(): string {
    return this.#source.charAt(this.#at);
  }

  #alternatives(): string | undefined {
    const branches: string[] = [];
    for (;;) {
      const branch = this.#sequence();
      if (branch === undefined) return undefined;
      branches.push(branch);
      if (this.#next !== "|") break;
      this.#at += 1;
    }
    this.ways *= branches.length;
    return branches.join("|");
  }

  #sequence(): string | undefined {
    let text = "";
    while (this.#at < this.#source.length && this.#next !== "|" && this.#next !== ")") {
      const atom = this.#atom();
      if (atom === undefined) return undefined;
      const repetition = this.#repetition();
      if (repetition !== "" && !atom.repeatable) return undefined;
      text += atom.text + repetition;
    }
    return text;
  }

  #repetition(): string {
    const [found = ""] = /^[*+?]\??/.exec(this.#source.slice(this.#at, this.#at + 2)) ?? [];
    this.#at += found.length;
    if (found.startsWith("?")) this.ways *= 2;
    else if (found !== "") this.unbounded += 1;
    return found;
  }

  #atom(): Atom | undefined {
    const char = this.#next;
    if (char === "(") return this.#group();
    if (char === "[") return this.#charClass();
    this.#at += 1;
    if (char === "\\") {
      const escaped = this.#next;
      this.#at += 1;
      if (/[!-/:-@[-`{-~]/.test(escaped)) return literal(escaped);
      return Object.hasOwn(ESCAPES, escaped) ? ESCAPES[escaped] : undefined;
    }
    if (char === ".") return { text: "[^\\n]", repeatable: true };
    if (char === "^" || char === "$") return { text: char, repeatable: false };
    return /[*+?{}\]]/.test(char) ? undefined : literal(char);
  }

  #group(): Atom | undefined {
    const [open = "", capturing] = /^\((?:(\?:)|\?P<\w+>|(?!\?))/.exec(this.#source.slice(this.#at)) ?? []; // prettier-ignore
    if (open === "") return undefined;
    this.#at += open.length;
    const inner = this.#alternatives();
    if (inner === undefined || this.#next !== ")") return undefined;
    this.#at += 1;
    return { text: `(${capturing ?? ""}${inner})`, repeatable: false };
  }

  #charClass(): Atom | undefined {
    // A `]` behind the beginning is a member, and RE2's business; so a `^` there must stay what negates.
    const end = /^\[(\^(?!\])|(?!\^))((?:[^\\[\]]|\\.)+)\]/.exec(this.#source.slice(this.#at));
    if (end === null) return undefined;
    const [whole, not = "", inside = ""] = end;
    const text = classItems(inside);
    if (text === undefined) return undefined;
    this.#at += whole.length;
    return { text: `[${not}${text}]`, repeatable: true };
  }
}

/** Characters, ranges of plain characters, and the sorts that JavaScript knows as well. */
function classItems(inside: string): string | undefined {
  let text = "";
  const item = /\\([dws])|([^\\-])-([^\\-])|\\([!-/:-@[-`{-~])|([^\\-])|(-)/gy;
  let at = 0;
  for (const [found, sort, from, to, escaped, char, dash] of inside.matchAll(item)) {
    // A dash that is neither first nor last is a range of something else.
    if (dash !== undefined && at !== 0 && at !== inside.length - 1) return undefined;
    if (sort !== undefined) text += CLASS_ESCAPES[sort] ?? "";
    else if (from !== undefined && to !== undefined) {
      if (from > to) return undefined;
      text += `${hex(from)}-${hex(to)}`;
    } else text += hex(escaped ?? char ?? dash ?? "");
    at += found.length;
  }
  return at === inside.length ? text : undefined;
}

function literal(char: string): Atom {
  return { text: /\w/.test(char) ? char : hex(char), repeatable: true };
}

function hex(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
