/**
 * Names by pattern, as Go's `filepath.Glob`: `*` and `?` stay within a name, `[a-z]` and `[^a-z]`, `\` takes the next
 * character as it is. In: a pattern. Out: the paths there are, in natural order (`r_2` before `r_10`). Directories are left
 * out.
 */
import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

const QUIET = { throwIfNoEntry: false } as const;
const MAGIC = /[*?[\\]/;
const naturally = new Intl.Collator("en", { numeric: true, caseFirst: "upper" });

/** Throws when the pattern is malformed. A path that exists as it is written is itself, whatever it holds. */
export function glob(pattern: string): string[] {
  if (statSync(pattern, QUIET) !== undefined) return [pattern];
  if (!MAGIC.test(pattern)) return [];
  return expand(pattern)
    .filter((path) => statSync(path, QUIET)?.isDirectory() !== true)
    .sort((a, b) => naturally.compare(a, b));
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

/** One name of a pattern as an expression without back-tracking between its parts. */
function nameMatcher(pattern: string): RegExp {
  let source = "";
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? "";
    if (char === "*") source += "[^/]*";
    else if (char === "?") source += "[^/]";
    else if (char === "[") {
      const set = /^\[(\^?)((?:\\.|[^\]\\])+)\]/s.exec(pattern.slice(at));
      if (set === null) throw malformed(pattern);
      source += `[${set[1] ?? ""}${(set[2] ?? "").replaceAll(/[[^]/g, "\\$&")}]`;
      at += set[0].length - 1;
    } else if (char === "\\") {
      at += 1;
      if (at === pattern.length) throw malformed(pattern);
      source += escaped(pattern[at] ?? "");
    } else source += escaped(char);
  }
  try {
    return new RegExp(`^${source}$`, "s");
  } catch {
    throw malformed(pattern);
  }
}

function malformed(pattern: string): Error {
  return new Error(`the pattern ${JSON.stringify(pattern)} is malformed: a [ or a \\ has no end`);
}

function escaped(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
