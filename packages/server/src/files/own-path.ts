/**
 * May this path be written by us? What another user made must not decide where captured traffic goes, least of all when we
 * are root. In: a path that is about to be written. Out: an open file, or one sentence that names the path and what speaks
 * against it.
 *
 * Links are followed where only we or root can have made them; devices and pipes are let through, such as `/dev/stdout`.
 * A file of ours that others may read is closed to them: recordings hold secrets.
 */
import { constants, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname, join, parse, resolve, sep } from "node:path";

/** Captured traffic holds secrets: the owner only. */
export const FILE_MODE = 0o600;
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;
const QUIET = { throwIfNoEntry: false } as const;

/** Opens a file to add to it, or makes it. `read`: it is read, too. */
export async function openToAppend(path: string, read: boolean): Promise<FileHandle> {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR, O_WRONLY } = constants;
  const access = (read ? O_RDWR : O_WRONLY) | O_APPEND;
  const found = followed(path);
  if (found !== undefined && isStream(found)) return open(path, access);
  // Of a link that was followed the place it leads to is opened: it must not lead elsewhere by then.
  const place = found === undefined ? path : realpathSync(path);
  const handle = await open(place, access | O_CREAT | (O_NOFOLLOW ?? 0), FILE_MODE);
  try {
    await closeToOthers(handle);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Throws unless `path` is free or a socket of ours; true when there is one. */
export function isOwnSocket(path: string): boolean {
  const found = lstatSync(path, QUIET);
  if (found === undefined) return false;
  if (!found.isSocket()) {
    throw new Error(`${path} is ${kindOf(found)} and no socket; it is left untouched`);
  }
  refuseForeign(path, found);
  return true;
}

/** Throws unless the directory is ours alone, and all that lies in it. */
export function checkOwnDirectory(path: string): void {
  refuseLinks(path);
  const found = statSync(path);
  if (!found.isDirectory()) throw new Error(`${path} is ${kindOf(found)} and no directory`);
  refuseForeign(path, found);
  const names = readdirSync(path);
  for (const name of names) {
    const file = join(path, name);
    const inside = lstatSync(file, QUIET);
    // It was there a moment ago: a lock that somebody gave back.
    if (inside === undefined) continue;
    if (!inside.isFile()) {
      throw new Error(`${file} is ${kindOf(inside)} and no file of ours; it is left untouched`);
    }
    refuseForeign(file, inside);
  }
  // An empty one is closed to them before anything is put there.
  if (names.length > 0 && ownId() !== undefined && (found.mode & OTHERS_WRITE) !== 0) {
    throw new Error(`${path} may be written by others; chmod 700 closes it to them`);
  }
}

/** What is at the end of all links; undefined when nothing is. Throws when somebody else's link is on the way. */
function followed(path: string): Stats | undefined {
  refuseLinks(path);
  const found = statSync(path, QUIET);
  if (found === undefined && lstatSync(path, QUIET) !== undefined) {
    throw new Error("it is a link that leads nowhere");
  }
  if (found === undefined || isStream(found)) return found;
  if (!found.isFile()) throw new Error(`it is ${kindOf(found)} and no file`);
  refuseForeign("it", found);
  if (
    found.nlink > 1 &&
    (statSync(dirname(path)).mode & OTHERS_WRITE) !== 0 &&
    ownId() !== undefined
  ) {
    throw new Error("it has a second name, which others may have given it");
  }
  return found;
}

/** Every link on the way, the last one too, must be one that we or root made. */
export function refuseLinks(path: string): void {
  const own = ownId();
  if (own === undefined) return;
  const whole = resolve(path);
  let at = parse(whole).root;
  for (const name of whole.slice(at.length).split(sep)) {
    at = join(at, name);
    const found = lstatSync(at, QUIET);
    if (found === undefined) return;
    if (found.isSymbolicLink() && found.uid !== 0 && found.uid !== own) {
      throw new Error(`${at} is a link that user ${found.uid} made; it is not followed`);
    }
  }
}

async function closeToOthers(handle: FileHandle): Promise<void> {
  const found = await handle.stat();
  if (!found.isFile()) throw new Error(`it is ${kindOf(found)} and no file`);
  refuseForeign("it", found);
  if (ownId() !== undefined && (found.mode & OTHERS) !== 0) await handle.chmod(FILE_MODE);
}

function refuseForeign(what: string, { uid }: Stats): void {
  const own = ownId();
  if (own === undefined || uid === own) return;
  throw new Error(`${what} belongs to user ${uid}, and this is user ${own}; it is left untouched`);
}

/** Undefined where the system knows no users. */
function ownId(): number | undefined {
  return process.geteuid?.();
}

/** Bytes that are written there stay nowhere that we would have to guard. */
function isStream(found: Stats): boolean {
  return found.isCharacterDevice() || found.isFIFO() || found.isSocket();
}

function kindOf(found: Stats): string {
  if (found.isSymbolicLink()) return "a link";
  if (found.isDirectory()) return "a directory";
  if (found.isSocket()) return "a socket";
  return found.isFile() ? "a file" : "a device or a pipe";
}
