/**
 * The command line's grammar: words to raw flags. Go's `flag` package as gor's users know it (`-x` is `--x`,
 * `--x=v` is `--x v`), minus its trap: a stray word is an error here, where gor silently ignored
 * everything behind it. Values are not looked at.
 */
import { isSwitch, shownValue } from "./flags.ts";
import type { FlagInfo } from "./flags.ts";
import { maskUserinfo } from "./mask.ts";
import { Refusal } from "./option.ts";
import { reasonUnsupported, unsupportedCommands } from "./unsupported-flags.ts";

export interface RawFlag {
  readonly flag: FlagInfo;
  readonly value: string;
  /** Where it was written, when that was not the command line: `replay.yaml:3`. */
  readonly origin?: string;
}

export interface ParsedArgv {
  readonly raw: readonly RawFlag[];
  /** Every fault, each one line that names the word. */
  readonly errors: readonly string[];
}

/** gor's own documentation writes `--split-output true`, which its parser took for a stray word. */
const TRUTH_WORDS = new Set(["true", "false"]);

/** Every name a flag goes by. */
export function flagsByName(flags: readonly FlagInfo[]): ReadonlyMap<string, FlagInfo> {
  const byName = new Map<string, FlagInfo>();
  for (const flag of flags) for (const name of [flag.name, ...flag.aliases]) byName.set(name, flag);
  return byName;
}

/** `operands` takes the words that belong to no flag; without it they are errors. */
export function parseArgv(
  args: readonly string[],
  flags: readonly FlagInfo[],
  operands?: string[],
): ParsedArgv {
  const byName = flagsByName(flags);
  const raw: RawFlag[] = [];
  const errors: string[] = [];
  for (let i = 0; i < args.length; i += 1) {
    const word = args[i] ?? "";
    // Ends the flags in Go; what follows belongs to none, which is told below.
    if (word === "--") continue;
    const match = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(word);
    if (match === null && operands !== undefined && (word === "-" || !word.startsWith("-"))) {
      operands.push(word);
      continue;
    }
    if (match === null) {
      errors.push(strayWord(word, args[i - 1], byName));
      // Its value would only make a second error.
      if (OTHER_DASHES.test(word) && !(args[i + 1] ?? "-").startsWith("-")) i += 1;
      continue;
    }
    const [, name = "", inline] = match;
    const next = args[i + 1];
    const flag = byName.get(name);
    if (flag === undefined) {
      errors.push(unknownFlag(name, [...byName.keys()]));
      // Its value, if any, would only make a second error.
      if (inline === undefined && !(next ?? "-").startsWith("-")) i += 1;
      continue;
    }
    const found = valueOf(flag, name, inline, next);
    const swallowed = found.takesNext ? flagIn(found.value, byName) : undefined;
    if (found.value === undefined || swallowed !== undefined)
      errors.push(missingValue(name, flag, swallowed));
    else raw.push({ flag, value: found.value });
    if (found.takesNext && swallowed === undefined) i += 1;
  }
  return { raw, errors };
}

/** `swallowed`: the flag that stands where the value should. */
function missingValue(name: string, flag: FlagInfo, swallowed: string | undefined): string {
  const behind = swallowed === undefined ? "" : `; behind it stands the flag --${swallowed}`;
  return `--${name}: needs a value: --${name} ${flag.placeholder}${behind}`;
}

/** The name of the flag that a value is by itself: who means such a value writes it with `=`. */
function flagIn(
  value: string | undefined,
  byName: ReadonlyMap<string, FlagInfo>,
): string | undefined {
  const name = /^--?([a-z][^=]*)/.exec(value ?? "")?.[1];
  return name !== undefined && byName.has(name) ? name : undefined;
}

interface FoundValue {
  readonly value: string | undefined;
  readonly takesNext: boolean;
}

function valueOf(
  flag: FlagInfo,
  name: string,
  inline: string | undefined,
  next: string | undefined,
): FoundValue {
  const nextIsFlag = next === undefined || next.startsWith("-");
  if (flag.role === "instance" && flag.valuedAliases.includes(name)) {
    return { value: "true", takesNext: inline === undefined && !nextIsFlag };
  }
  if (inline !== undefined) return { value: inline, takesNext: false };
  if (isSwitch(flag)) {
    const spelled = next !== undefined && TRUTH_WORDS.has(next);
    return { value: spelled ? next : "true", takesNext: spelled };
  }
  const bare = flag.role === "option" ? flag.spec.bare : undefined;
  if (flag.role === "option" && bare !== undefined) {
    // A number is meant as one, also one that the flag refuses: a file of that name can be written with its folder.
    const isNumber = next !== undefined && /^\d+$/.test(next);
    const isValue = !nextIsFlag && (isNumber || !(flag.spec.parse(next) instanceof Refusal));
    return isValue ? { value: next, takesNext: true } : { value: bare, takesNext: false };
  }
  return { value: next, takesNext: next !== undefined };
}

function strayWord(
  word: string,
  before: string | undefined,
  byName: ReadonlyMap<string, FlagInfo>,
): string {
  if (OTHER_DASHES.test(word)) return otherDashes(word);
  const reason = Object.hasOwn(unsupportedCommands, word) ? unsupportedCommands[word] : undefined;
  return reason === undefined
    ? `${shownStray(word, before, byName)} is not a flag and belongs to none`
    : `${word}: not supported: ${reason}`;
}

/** What word processors and web pages make of hyphens. */
const OTHER_DASHES = /^[\u2010-\u2015\u2212]+-*(?=[a-z])/;

function otherDashes(word: string): string {
  const name = word.replace(OTHER_DASHES, "").split("=", 1).join("");
  return `the dashes in front of ${JSON.stringify(maskUserinfo(name))} are no hyphens; write them anew: --${maskUserinfo(name)}`;
}

/** A stray word may be a secret, or a piece of one that was not quoted: behind such a flag it is not shown. */
function shownStray(
  word: string,
  before: string | undefined,
  byName: ReadonlyMap<string, FlagInfo>,
): string {
  // The flag whose value it follows, or to which it was meant to belong.
  const name = /^--?([^=-][^=]*)/.exec(before ?? "")?.[1];
  const flag = name === undefined ? undefined : byName.get(name);
  const isOpen = before === undefined || (flag !== undefined && shownValue(flag, word) === word);
  return isOpen ? JSON.stringify(maskUserinfo(word)) : "a word";
}

function unknownFlag(name: string, known: readonly string[]): string {
  const reason = reasonUnsupported(name);
  return reason === undefined
    ? `unknown flag --${name}${suggestion(name, known)}`
    : `--${name}: not supported: ${reason}`;
}

/** Edits between a mistyped name and a suggestion; more is a guess. */
const SUGGESTION_EDITS_MAX = 3;

/** Letters of a piece of a flag's name that say enough to look for it. */
const PART_CHARS_MIN = 3;

export function suggestion(name: string, known: readonly string[]): string {
  const best = suggested(name, known);
  if (best !== undefined) return `; did you mean --${best}?`;
  const isPart = name.length >= PART_CHARS_MIN && known.some((one) => one.includes(name));
  return isPart ? `; see mirrorball help ${name}` : "; see mirrorball help all";
}

/** The nearest of the known names, if one is within `editsMax`. */
export function suggested(
  name: string,
  known: readonly string[],
  editsMax: number = SUGGESTION_EDITS_MAX,
): string | undefined {
  let best: string | undefined;
  let bestEdits = editsMax + 1;
  for (const candidate of known) {
    const edits = editDistance(name, candidate, bestEdits);
    if (edits < bestEdits) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
}

/** Edits between a mistyped command and a suggestion: the names are short. */
const COMMAND_EDITS_MAX = 2;
const RECORDING = /\.(?:gor|har|jsonl|pcap|pcapng)(?:\.gz)?$/;

/** What to say of a first word that is neither a flag nor one of the `commands`; undefined when a run says it. */
export function unknownCommand(word: string, commands: readonly string[]): string | undefined {
  if (word === "" || word.startsWith("-") || Object.hasOwn(unsupportedCommands, word))
    return undefined;
  if (OTHER_DASHES.test(word)) return otherDashes(word);
  const shown = JSON.stringify(maskUserinfo(word));
  if (RECORDING.test(word)) {
    return `${shown} is no command; to replay a recording: mirrorball --input-file FILE --output-http URL; to look into it: mirrorball inspect FILE`;
  }
  const near = suggested(word, commands, COMMAND_EDITS_MAX);
  const advice = near === undefined ? "see mirrorball --help" : `did you mean mirrorball ${near}?`;
  return `${shown} is no command; ${advice}`;
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
