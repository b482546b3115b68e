/**
 * Rules by pattern: whatever a regular expression of the user matches in a value is replaced. JavaScript's expressions may
 * take time that explodes with the text, on the host's event loop; so each is tried out on texts made to hurt it before
 * it is accepted, sees a text through windows of bounded length, and is given up when it spends too much. It fails closed:
 * what could not be looked through is reported by a throw of `CannotLook`.
 */
import { CannotLook } from "./replacer.ts";
import type { ReplaceAs, Replacer } from "./replacer.ts";

export interface PatternRule {
  readonly pattern: RegExp;
  readonly as: ReplaceAs;
}

/** Matches begin in steps of this many characters … */
const STEP_CHARS = 4096;
/** … see this many before their beginning, for look-behind and word boundaries … */
const BEFORE_CHARS = 256;
/** … and this many after the step: longer matches are not found, or end the search. */
export const MATCH_CHARS_MAX = 4096;
/** Texts of this length need no watching: no accepted expression takes long over them. */
const UNWATCHED_CHARS_MAX = 512;
/** CPU time that one expression may take over one text, and how often it may take more before it is given up. */
const CPU_MS_MAX = 50;
const OVERRUNS_MAX = 3;
/** CPU time that the worst of the trial texts may take. */
const TRIAL_CPU_MS_MAX = 100;
/** Small steps first: a time that doubles with every character is seen long before it hurts. */
const TRIAL_LENGTHS = [4, 8, 12, 16, 20, 24, 28, 32, 40, 64, 128, 256, 512, 1024, 2048, 4096];

interface Watched {
  readonly expression: RegExp;
  readonly as: ReplaceAs;
  overruns: number;
}

export class Patterns {
  readonly #watched: readonly Watched[];
  readonly #replacer: Replacer;

  constructor(rules: readonly PatternRule[], replacer: Replacer) {
    this.#replacer = replacer;
    this.#watched = rules.map(({ pattern, as }) => {
      const flags = [...new Set(`${pattern.flags.replace("y", "")}g`)].join("");
      return { expression: new RegExp(pattern.source, flags), as, overruns: 0 };
    });
  }

  get empty(): boolean {
    return this.#watched.length === 0;
  }

  /** The text with all matches replaced; the same string when there are none. */
  apply(text: string): string {
    let result = text;
    for (const watched of this.#watched) result = this.#applyOne(watched, result);
    return result;
  }

  #applyOne(watched: Watched, text: string): string {
    if (text === "") return text;
    if (watched.overruns >= OVERRUNS_MAX) throw new CannotLook("a pattern was given up");
    const isWatched = text.length > UNWATCHED_CHARS_MAX;
    const sinceUs = isWatched ? cpuUs() : 0;
    const out: string[] = [];
    let copied = 0;
    let at = 0;
    while (at < text.length) {
      const match = nextMatch(watched.expression, text, at);
      if (isWatched && cpuUs() - sinceUs > CPU_MS_MAX * 1000) {
        watched.overruns += 1;
        throw new CannotLook("a pattern took too long");
      }
      if (typeof match === "number") {
        at = match;
        continue;
      }
      const { start, end } = match;
      out.push(text.slice(copied, start), this.#replacer.replace(text.slice(start, end), watched.as)); // prettier-ignore
      copied = end;
      at = Math.max(end, start + 1);
    }
    return out.length === 0 ? text : out.join("") + text.slice(copied);
  }
}

/** The first match that begins in the step at `at`, or where the next step begins. */
function nextMatch(
  expression: RegExp,
  text: string,
  at: number,
): { readonly start: number; readonly end: number } | number {
  const from = Math.max(0, at - BEFORE_CHARS);
  const stepEnd = Math.min(text.length, at + STEP_CHARS);
  const seenEnd = Math.min(text.length, stepEnd + MATCH_CHARS_MAX);
  const seen = from === 0 && seenEnd === text.length ? text : text.slice(from, seenEnd);
  expression.lastIndex = at - from;
  let match = expression.exec(seen);
  // Nothing is hidden by nothing.
  while (match?.[0] === "") {
    expression.lastIndex += 1;
    match = expression.exec(seen);
  }
  if (match === null) return stepEnd;
  const start = from + match.index;
  if (start >= stepEnd && stepEnd < text.length) return stepEnd;
  const end = start + match[0].length;
  // It may go on beyond what was seen: half a secret is one.
  if (end === seenEnd && seenEnd < text.length) throw new CannotLook("a match is too long");
  return { start, end };
}

/** Whether an expression stays fast on texts made of what it mentions. Takes a few milliseconds. */
export function isFast(pattern: RegExp): boolean {
  const expression = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
  const mentioned = pattern.source.match(/[A-Za-z0-9]+|[^A-Za-z0-9]/g) ?? [];
  const units = new Set([
    "a", "A", "0", " ", "-", ".", "\n", "\u00e9", "a ", "a.", "0-", ...mentioned,
    ...mentioned.flatMap((word) => word.split("")),
  ]); // prettier-ignore
  for (const unit of units) {
    for (const length of TRIAL_LENGTHS) {
      // The last character belongs to no class that people write, so that what matched has to be given back.
      const text = `${unit.repeat(Math.ceil(length / unit.length)).slice(0, length)}\u0001`;
      const sinceUs = cpuUs();
      expression.test(text);
      if (cpuUs() - sinceUs > TRIAL_CPU_MS_MAX * 1000) return false;
    }
  }
  return true;
}

/** CPU time, not the clock: a busy machine does not make an expression slow. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
