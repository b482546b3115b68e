/**
 * Says fast whether a text can hold anything that rules name: a name, or a spelling behind which a name may hide. In: names.
 * Out: yes or no, from one pass that never goes back, about a nanosecond a byte (the automaton of Aho and Corasick).
 * "Yes" may be wrong and costs a closer look; "no" may not. What a text means is not known here.
 */
import type { NameRule } from "./names.ts";

/** Spellings that hide a name: percent-encoding, escapes of JSON and JavaScript, entities. */
const SPELLINGS = ["%", "\\u", "\\x", "&#"];
const AT = "@";

const CLASS_OTHER = 0;
/** Bytes of other encodings than ASCII (UTF-16 has zeros), and letters that are folded to ASCII ones. */
const CLASS_FOREIGN = 1;
const CLASSES_FIRST = 2;
const BACKSLASH = 0x5c;

interface Word {
  readonly text: string;
  /** It counts only where no letter or digit stands beside it. */
  readonly alone: boolean;
}

/** What ends in a state: a word that counts in any case (0), or how long the words are that must stand alone. */
type Ends = readonly number[];
const IN_ANY_CASE = 0;
/** An `@` counts behind `scheme://` only: there it ends credentials. */
const IN_AUTHORITY = -1;
/** Characters that are looked at for the scheme; longer credentials count unseen. */
const AUTHORITY_CHARS_MAX = 256;
const SLASH = 0x2f;
const COLON = 0x3a;
/** What ends the credentials of a URL: blanks, quotes, `#`, `<`, `>`, `?`. */
const AUTHORITY_ENDS: ReadonlySet<number> = new Set([
  0x09, 0x0a, 0x0d, 0x20, 0x22, 0x23, 0x27, 0x3c, 0x3e, 0x3f,
]);

export class Scanner {
  /** A rule names everything. */
  readonly #always: boolean;
  readonly #classes: Uint8Array = new Uint8Array(256);
  readonly #width: number;
  /** The next state by state (the beginning of its row) and class. */
  readonly #next: Uint32Array;
  /** By number of the state. */
  readonly #ends: readonly Ends[];
  /** Rows from here on end something. */
  readonly #endsFrom: number;

  constructor(rules: readonly NameRule[]) {
    const words = wordsOf(rules);
    this.#always = words.some(({ text }) => text === "");
    for (let byte = 0; byte < 256; byte += 1)
      this.#classes[byte] = byte === 0 || byte > 0x7e ? CLASS_FOREIGN : CLASS_OTHER;
    const letters = [...new Set([AT, ...words.flatMap(({ text }) => text.split(""))])];
    for (const [i, letter] of letters.entries()) {
      this.#classes[letter.charCodeAt(0)] = CLASSES_FIRST + i;
      this.#classes[letter.toUpperCase().charCodeAt(0)] = CLASSES_FIRST + i;
    }
    this.#width = CLASSES_FIRST + letters.length;
    const { rows, ends } = automatonOf(words, (code) => this.#classes[code] ?? 0, this.#width);
    // Those that end something stand last, so that one comparison tells them.
    const order = [...rows.keys()].toSorted((a, b) => Number(ends[a] !== undefined) - Number(ends[b] !== undefined)); // prettier-ignore
    const placeOf = new Uint32Array(rows.length);
    for (const [place, state] of order.entries()) placeOf[state] = place * this.#width;
    this.#next = Uint32Array.from(order.flatMap((state) => (rows[state] ?? []).map((to) => placeOf[to] ?? 0))); // prettier-ignore
    this.#ends = order.map((state) => ends[state] ?? []);
    this.#endsFrom = order.filter((state) => ends[state] === undefined).length * this.#width;
  }

  bytes(bytes: Uint8Array): boolean {
    if (this.#always) return true;
    const next = this.#next;
    const classes = this.#classes;
    const endsFrom = this.#endsFrom;
    let row = 0;
    for (let i = 0; i < bytes.length; i += 1) {
      row = next[row + (classes[bytes[i] ?? 0] ?? 0)] ?? 0;
      if (row >= endsFrom && this.#counts(row, i, (at) => bytes[at] ?? 0)) return true;
    }
    return false;
  }

  text(text: string): boolean {
    if (this.#always) return true;
    const next = this.#next;
    const classes = this.#classes;
    const endsFrom = this.#endsFrom;
    let row = 0;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      row = next[row + (code > 0xff ? CLASS_FOREIGN : (classes[code] ?? 0))] ?? 0;
      if (row >= endsFrom && this.#counts(row, i, (at) => text.charCodeAt(at))) return true;
    }
    return false;
  }

  /** Whether what ends at `last` counts there. */
  #counts(row: number, last: number, codeAt: (at: number) => number): boolean {
    const ends = this.#ends[row / this.#width] ?? [];
    return ends.some((length) => {
      if (length === IN_ANY_CASE) return true;
      if (length === IN_AUTHORITY) return isInAuthority(last, codeAt);
      const before = last - length;
      // The letter of an escape, as in `\npin`, is no letter.
      const isBound = before < 0 || !isWordCode(codeAt(before)) || (before > 0 && codeAt(before - 1) === BACKSLASH); // prettier-ignore
      return isBound && !isWordCode(codeAt(last + 1));
    });
  }
}

/** Of each name the longest piece that texts must have as it is. */
function wordsOf(rules: readonly NameRule[]): Word[] {
  const words = new Map<string, boolean>();
  for (const spelling of SPELLINGS) words.set(spelling, false);
  for (const { name } of rules) {
    const lower = name.toLowerCase();
    // Letters beyond ASCII stop the scan by themselves.
    if (/[^\u0020-\u007e]/.test(lower)) continue;
    const pieces = lower.split(/[^a-z\d_-]+/);
    const longest = pieces.reduce((best, piece) => (piece.length > best.length ? piece : best), "");
    const alone = !lower.includes("*") && longest === lower && (words.get(longest) ?? true);
    words.set(longest, alone);
  }
  return [...words].map(([text, alone]) => ({ text, alone }));
}

interface Automaton {
  /** By state: the next state of each class. */
  readonly rows: readonly (readonly number[])[];
  readonly ends: readonly (Ends | undefined)[];
}

function automatonOf(
  words: readonly Word[],
  classOf: (code: number) => number,
  width: number,
): Automaton {
  const rows: number[][] = [Array.from({ length: width }, () => -1)];
  const ends: (number[] | undefined)[] = [undefined];
  const add = (end: readonly number[]): number => {
    ends.push(end.length === 0 ? undefined : [...end]);
    return rows.push(Array.from({ length: width }, () => -1)) - 1;
  };
  const insert = (text: string, end: number): void => {
    let state = 0;
    for (let i = 0; i < text.length; i += 1) {
      const row = rows[state] ?? [];
      const by = classOf(text.charCodeAt(i));
      if ((row[by] ?? -1) < 0) row[by] = add([]);
      state = row[by] ?? 0;
    }
    ends[state] = [...(ends[state] ?? []), end];
  };
  for (const { text, alone } of words)
    if (text !== "") insert(text, alone ? text.length : IN_ANY_CASE);
  insert(AT, IN_AUTHORITY);
  const foreign = add([IN_ANY_CASE]);
  const root = rows[0] ?? [];
  root[CLASS_FOREIGN] = foreign;
  complete(rows, ends);
  return { rows, ends };
}

/** Gives every state a next one for every class: where the longest end of what was read goes on. */
function complete(rows: number[][], ends: (number[] | undefined)[]): void {
  const fallback = new Uint32Array(rows.length);
  const queue = [0];
  for (const state of queue) {
    const row = rows[state] ?? [];
    const behind = rows[fallback[state] ?? 0] ?? [];
    for (const [by, to] of row.entries()) {
      const other = state === 0 ? 0 : (behind[by] ?? 0);
      if (to < 0) {
        row[by] = other;
        continue;
      }
      fallback[to] = other;
      const more = ends[other] ?? [];
      if (more.length > 0) ends[to] = [...(ends[to] ?? []), ...more];
      queue.push(to);
    }
  }
}

function isInAuthority(at: number, codeAt: (at: number) => number): boolean {
  for (let i = at - 1; i >= 0; i -= 1) {
    const code = codeAt(i);
    if (code === SLASH) return codeAt(i - 1) === SLASH && codeAt(i - 2) === COLON;
    if (AUTHORITY_ENDS.has(code)) return false;
    if (at - i > AUTHORITY_CHARS_MAX) return true;
  }
  return false;
}

function isWordCode(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a); // prettier-ignore
}
