/**
 * The files that a name or pattern means. In: what a person wrote. Out: paths, in natural order. A name that is not there
 * stands for the numbered files that an output of this name has written: what was recorded as `requests.gor` is
 * replayed as `requests.gor`.
 */
import { basename, dirname, extname, join } from "node:path";
import { glob } from "./glob.ts";

/** Throws when the pattern is malformed. Empty when there is nothing. */
export async function recordings(pattern: string): Promise<string[]> {
  const found = await glob(pattern);
  if (found.length > 0) return found;
  const extension = extname(pattern);
  const stem = `${basename(pattern, extension)}_`;
  const chunks = await glob(join(dirname(pattern), `${stem}*${extension}`));
  return chunks.filter((path) => {
    const name = basename(path, extension);
    return name.startsWith(stem) && /^\d+$/.test(name.slice(stem.length));
  });
}
