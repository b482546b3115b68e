/**
 * Names by pattern, as Go's `filepath.Glob`: `*` and `?` stay within a name, `[a-z]` and `[^a-z]`, `\` takes the next
 * character as it is. In: a pattern. Out: the paths there are, in natural order (`r_2` before `r_10`). Directories are left
 * out.
 */
import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

const QUIET = { throwIfNoEntry: false } as const;
const MAGIC = /[*?[\\]/;

/** Made with the first list: loading a language takes as long as reading fifty files. */
let naturally: Intl.Collator | undefined;

/** Throws when the pattern is malformed. A path that exists as it is written is itself, whatever it holds. */
export function glob(pattern: string): string[] {
  if (statSync(pattern, QUIET) !== undefined) return [pattern];
  if (!MAGIC.test(pattern)) return [];
  naturally ??= new Intl.Collator("en", { numeric: true, caseFirst: "upper" });
  return expand(pattern)
    .filter((path) => statSync(path, QUIET)?.isDirectory() !== true)
    .sort(naturally.compare);
}

/** Whether the pattern means this path, be it there or not. Throws when the pattern is malformed. */
export function matches(pattern: string, path: string): boolean {
  const [folder, other] = [resolve(dirname(pattern)), resolve(dirname(path))];
  return (
    folder === other && MAGIC.test(pattern) && nameMatcher(basename(pattern)).test(basename(path))
  );
}

function expand(pattern: string): string[] {
  const parent = dirname(pattern);
  const name = nameMatcher(basename(pattern));
  const parents = MAGIC.test(parent) ? expand(parent) : [parent];
  const paths: string[] = [];
  for (const folder of parents) {
    for (const entry of namesIn(folder)) {
      if (name.test(entry)) {
        // `./x` as Go writes it: without the dot when the pattern had none.
        paths.push(folder === "." && !pattern.startsWith("./") ? entry : join(folder, entry));
      }
    }
  }
  return paths;
}

/** One name of a pattern: characters, sets of characters, and `*`. */
function nameMatcher(pattern: string): { test: (name: string) => boolean } {
  const parts: Part[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? "";
    if (char === "*") parts.push(ANY);
    else if (char === "?") parts.push(() => true);
    else if (char === "[") {
      const set = /^\[(\^?)((?:\\.|[^\]\\])+)\]/s.exec(pattern.slice(at));
      if (set === null) throw malformed(pattern);
      parts.push(setOf(pattern, set[1] === "^", set[2] ?? ""));
      at += set[0].length - 1;
    } else {
      if (char === "\\") at += 1;
      if (at === pattern.length) throw malformed(pattern);
      const wanted = pattern[at];
      parts.push((found) => found === wanted);
    }
  }
  return { test: (name) => fits(parts, name) };
}

/** A part takes one character or not; `ANY` takes any number of them. */
type Part = typeof ANY | ((char: string) => boolean);
const ANY = "*";

/** `a-z` and single characters; a `\` takes the next as it is. */
function setOf(pattern: string, negated: boolean, inside: string): (char: string) => boolean {
  const chars = [...inside.matchAll(/\\(.)|[^\\]/gs)].map((match) => ({
    char: match[1] ?? match[0],
    isDash: match[0] === "-",
  }));
  const ranges: [from: string, to: string][] = [];
  for (let i = 0; i < chars.length; i += 1) {
    const from = chars[i]?.char ?? "";
    const to = chars[i + 1]?.isDash === true ? chars[i + 2]?.char : undefined;
    if (to !== undefined && from > to) throw malformed(pattern);
    ranges.push([from, to ?? from]);
    if (to !== undefined) i += 2;
  }
  return (char) => ranges.some(([from, to]) => char >= from && char <= to) !== negated;
}

/** Goes back to the last `*` only: what an earlier one took need not change, so that no name takes long. */
function fits(parts: readonly Part[], name: string): boolean {
  let part = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    const wanted = parts[part];
    if (wanted === ANY) {
      star = part;
      starAt = at;
      part += 1;
    } else if (wanted?.(name[at] ?? "") === true) {
      part += 1;
      at += 1;
    } else if (star >= 0) {
      starAt += 1;
      at = starAt;
      part = star + 1;
    } else return false;
  }
  return parts.slice(part).every((rest) => rest === ANY);
}

function malformed(pattern: string): Error {
  return new Error(`the pattern ${JSON.stringify(pattern)} is malformed: a [ or a \\ has no end`);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
