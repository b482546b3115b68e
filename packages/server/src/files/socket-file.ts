/**
 * What is wrong with a Unix socket, in words that name the file, its owner and its mode. In: a path and a code of the system's.
 * Out: words, or undefined when there are none. Looks at files and changes nothing.
 */
import { lstatSync } from "node:fs";
import type { Stats } from "node:fs";
import { dirname } from "node:path";

const PERMISSIONS = 0o777;

export function isSocketFile(path: string): boolean {
  return look(path)?.isSocket() === true;
}

/** Why nobody could connect to it. */
export function connectFault(path: string, code: string): string | undefined {
  if (code === "EACCES" || code === "EPERM") return permission(path);
  if (code === "ENOENT") return "there is no such socket";
  if (code === "ENOTSOCK") return "it is no socket";
  if (code === "ECONNREFUSED") {
    return look(path)?.isSocket() === false ? "it is no socket" : "nobody listens on it";
  }
  return common(path, code);
}

/** Why nobody could listen on it. */
export function listenFault(path: string, code: string): string | undefined {
  const folder = dirname(path);
  // Node says EACCES of a folder that is not there, as Windows does.
  const isMissing = code === "ENOENT" || (code === "EACCES" && isNowhere(folder));
  if (isMissing) return `the folder ${folder} does not exist`;
  if (code === "EACCES" || code === "EPERM") return permission(folder);
  if (code === "EADDRINUSE" || code === "ENOTSOCK") {
    return look(path)?.isSocket() === false
      ? "a file that is no socket is there, and it is left as it is"
      : "another process listens on it";
  }
  return common(path, code);
}

function common(path: string, code: string): string | undefined {
  if (code === "ENOTDIR") return `a part of ${dirname(path)} is no folder`;
  return code === "EROFS" ? "the file system is read-only" : undefined;
}

function permission(path: string): string {
  const who = process.geteuid === undefined ? "" : `; this process is user ${process.geteuid()}`;
  const found = look(path);
  if (found === undefined)
    return `permission denied: a folder above ${path} may not be entered${who}`;
  const mode = (found.mode & PERMISSIONS).toString(8).padStart(4, "0");
  return `permission denied: ${path} belongs to user ${found.uid}, group ${found.gid}, mode ${mode}${who}`;
}

function isNowhere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
