/**
 * The command line's grammar: words to raw flags. Go's `flag` package as gor's users know it (`-x` is `--x`,
 * `--x=v` is `--x v`), minus its trap: a stray word is an error here, where gor silently ignored
 * everything behind it. Values are not looked at.
 */
import { isSwitch } from "./flags.ts";
import type { FlagInfo, OptionFlag } from "./flags.ts";
import { Refusal } from "./option.ts";

export interface RawFlag {
  readonly flag: FlagInfo;
  readonly value: string;
}

export interface ParsedArgv {
  readonly raw: readonly RawFlag[];
  /** Every fault, each one line that names the word. */
  readonly errors: readonly string[];
}

/** gor's own documentation writes `--split-output true`, which its parser took for a stray word. */
const TRUTH_WORDS = new Set(["true", "false"]);

/** `operands` takes the words that belong to no flag; without it they are errors. */
export function parseArgv(
  words: readonly string[],
  flags: readonly FlagInfo[],
  operands?: string[],
): ParsedArgv {
  const byName = new Map<string, FlagInfo>();
  for (const flag of flags) for (const name of [flag.name, ...flag.aliases]) byName.set(name, flag);
  const raw: RawFlag[] = [];
  const errors: string[] = [];
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? "";
    const match = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(word);
    if (match === null && operands !== undefined && (word === "-" || !word.startsWith("-"))) {
      operands.push(word);
      continue;
    }
    if (match === null) {
      errors.push(`${JSON.stringify(word)} is not a flag and belongs to none`);
      continue;
    }
    const [, name = "", inline] = match;
    const flag = byName.get(name);
    if (flag === undefined) {
      errors.push(`unknown flag --${name}${suggestion(name, [...byName.keys()])}`);
      // Its value, if any, would only make a second error.
      if (inline === undefined && !(words[i + 1] ?? "-").startsWith("-")) i += 1;
      continue;
    }
    const next = words[i + 1];
    if (inline !== undefined) {
      raw.push({ flag, value: inline });
    } else if (isSwitch(flag)) {
      const spelled = next !== undefined && TRUTH_WORDS.has(next);
      raw.push({ flag, value: spelled ? next : "true" });
      if (spelled) i += 1;
    } else if (standsAlone(flag, next)) {
      raw.push({ flag, value: flag.spec.alone });
    } else if (next === undefined) {
      errors.push(`--${name}: needs a value: --${name} ${flag.placeholder}`);
    } else {
      raw.push({ flag, value: next });
      i += 1;
    }
  }
  return { raw, errors };
}

/** True when the next word is none of its values. */
function standsAlone(
  flag: FlagInfo,
  next: string | undefined,
): flag is OptionFlag & { readonly spec: { readonly alone: string } } {
  if (flag.role !== "option" || flag.spec.alone === undefined) return false;
  return next === undefined || flag.spec.parse(next) instanceof Refusal;
}

/** Edits between a mistyped name and a suggestion; more is a guess. */
const SUGGESTION_EDITS_MAX = 3;

function suggestion(name: string, known: readonly string[]): string {
  let best = "";
  let bestEdits = SUGGESTION_EDITS_MAX + 1;
  for (const candidate of known) {
    const edits = editDistance(name, candidate, bestEdits);
    if (edits < bestEdits) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best === "" ? "; see --help" : `; did you mean --${best}?`;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string, giveUp: number): number {
  if (Math.abs(a.length - b.length) >= giveUp) return giveUp;
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min(
        (previous[j] ?? 0) + 1,
        (current[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + same,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, (older[j - 2] ?? 0) + 1);
      }
      current.push(edits);
    }
    older = previous;
    previous = current;
  }
  return previous[b.length] ?? giveUp;
}
