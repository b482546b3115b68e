/**
 * Names of the files an output writes, as gor's: `requests.gor` becomes `requests_0.gor`, `requests_1.gor` … The number
 * follows the highest that is there, so that nothing is ever overwritten. Unlike gor's,
 * a name that ends in a number keeps it: `shop_2024.gor` becomes `shop_2024_0.gor`, not a chunk of `shop.gor`.
 */
import { readdirSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";

/** The path of chunk `index` of `path`. */
export function chunkPath(path: string, index: number): string {
  const { stem, extension } = split(path);
  return join(dirname(path), `${stem}_${index}${extension}`);
}

/**
 * The index behind the highest among `names`, 0 when there is none. Only names of exactly this form count: gor
 * also took `requests_0.gor` for a chunk of `req.gor`.
 */
export function nextChunkIndex(path: string, names: readonly string[]): number {
  const { stem, extension } = split(path);
  let highest = -1;
  for (const name of names) {
    if (!name.startsWith(`${stem}_`) || !name.endsWith(extension)) continue;
    const digits = name.slice(stem.length + 1, name.length - extension.length);
    if (/^\d{1,15}$/.test(digits)) highest = Math.max(highest, Number(digits));
  }
  return highest + 1;
}

/** The chunk that would be written next, as the folder is now. */
export function nextChunk(path: string): string {
  try {
    return chunkPath(path, nextChunkIndex(path, readdirSync(dirname(path))));
  } catch {
    // Whoever opens it says what is wrong with the folder.
    return chunkPath(path, 0);
  }
}

/** As gor: the last ending only, so that `a.gor.gz` becomes `a.gor_0.gz`. */
function split(path: string): { stem: string; extension: string } {
  const extension = extname(path);
  return { stem: basename(path, extension), extension };
}
