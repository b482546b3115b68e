/** Whether two names lead to the same file, through whatever links. In: paths. Out: yes or no; reads nothing but what the system says of them. */
import { realpathSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

export function isSameFile(one: string, other: string): boolean {
  const [a, b] = [statOf(one), statOf(other)];
  // What is not there yet has a name only.
  if (a === undefined || b === undefined) return a === b && placeOf(one) === placeOf(other);
  return carries(a) && a.dev === b.dev && a.ino === b.ino;
}

/** What goes in at one name comes out at the other: not so with `/dev/null` or a terminal. */
function carries(stats: Stats): boolean {
  return stats.isFile() || stats.isFIFO() || stats.isSocket();
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // What may not be looked at is reported by whoever opens it.
    return undefined;
  }
}

/** The name with the links of its folder followed. */
function placeOf(path: string): string {
  const whole = resolve(path);
  try {
    return join(realpathSync(dirname(whole)), basename(whole));
  } catch {
    return whole;
  }
}
