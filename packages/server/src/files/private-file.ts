/**
 * A file that holds a secret of ours and is written anew each time. In: a path and a text. Out: a file of that content that only this user can read,
 * or one sentence about what speaks against it. Who reads it sees the old text or the new one, never a half.
 */
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { FILE_MODE, refuseLinks } from "./own-path.ts";

export function writePrivate(path: string, text: string): void {
  refuseLinks(path);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) {
    throw new Error(`${path} is no plain file; it is left untouched`);
  }
  const own = process.geteuid?.();
  if (found !== undefined && own !== undefined && found.uid !== own) {
    throw new Error(`${path} belongs to user ${found.uid}, and this is user ${own}; it is left untouched`); // prettier-ignore
  }
  const fresh = `${path}.${process.pid}.partial`;
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const handle = openSync(fresh, O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), FILE_MODE);
  try {
    writeSync(handle, text);
  } finally {
    closeSync(handle);
  }
  try {
    renameSync(fresh, path);
  } catch (error) {
    unlinkSync(fresh);
    throw error;
  }
}

/** Takes it away at the end; it may be gone. */
export function removePrivate(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody was faster.
  }
}
