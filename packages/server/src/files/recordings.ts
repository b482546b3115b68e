/**
 * The files that a name or pattern means. In: what a person wrote. Out: paths, in natural order. A name that is not there
 * stands for the numbered files that an output of this name has written: what was recorded as `requests.gor` is
 * replayed as `requests.gor`.
 */
import { basename, dirname, extname, join, resolve } from "node:path";
import { glob } from "./glob.ts";

/** Throws when the pattern is malformed. Empty when there is nothing. */
export function recordings(pattern: string): string[] {
  const found = glob(pattern);
  if (found.length > 0) return found;
  const extension = extname(pattern);
  const stem = `${basename(pattern, extension)}_`;
  const chunks = glob(join(dirname(pattern), `${stem}*${extension}`));
  return chunks.filter((path) => isChunk(pattern, path));
}

/** Whether `path` is one of the numbered files of the recording `name`. */
export function isChunk(name: string, path: string): boolean {
  const extension = extname(name);
  const stem = `${basename(name, extension)}_`;
  const own = basename(path, extension);
  const isBeside = resolve(dirname(name)) === resolve(dirname(path));
  return isBeside && own.startsWith(stem) && /^\d+$/.test(own.slice(stem.length));
}
