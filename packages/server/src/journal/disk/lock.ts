/**
 * One process a journal: lmdb would let two of them write, and each would hand on what the other has. A file names the process
 * that has the directory, by its number and its start, so that a number used again is not taken for it. What a killed process
 * leaves behind is taken over, by one of those who try at the same moment.
 */
import {
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

const LOCK_FILE = "lock";
/** Who has this one may replace a lock that was left behind; it is there for an instant. */
const TAKEOVER_FILE = "lock.takeover";
const FILE_MODE = 0o600;
/** Milliseconds between signs of life: the only thing that a process in another container can see. */
const TOUCH_MS = 2000;
/** A holder elsewhere that gave no sign for so long is gone. */
const SILENT_MS_MAX = 10_000;

/** True for the names of files that this file makes. */
export function isLockFile(name: string): boolean {
  return /^lock(?:\.\d+|\.takeover)?$/.test(name);
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process started, as the system says it; empty where it does not. */
  readonly start: string;
}

export class Lock {
  readonly #file: string;
  readonly #timer: NodeJS.Timeout;

  private constructor(file: string) {
    this.#file = file;
    this.#timer = setInterval(() => this.#touch(), TOUCH_MS).unref();
  }

  /** Throws an error that names the directory and the process that has it. */
  static refuseIfHeld(directory: string): void {
    refuseIfAlive(directory, join(directory, LOCK_FILE));
  }

  /** Takes the directory for this process, or throws as `refuseIfHeld` does. */
  static take(directory: string): Lock {
    const file = join(directory, LOCK_FILE);
    const takeover = join(directory, TAKEOVER_FILE);
    const own = `${file}.${process.pid}`;
    const holder = { pid: process.pid, host: hostname(), start: startOf(process.pid) };
    // Written before it has its name: nobody reads half of it and takes it for damaged.
    writeFileSync(own, `${JSON.stringify(holder)}\n`, { mode: FILE_MODE });
    try {
      for (;;) {
        if (isFirst(own, file)) return new Lock(file);
        Lock.refuseIfHeld(directory);
        if (isFirst(own, takeover)) {
          try {
            // Looked at again: it may have been taken over since.
            Lock.refuseIfHeld(directory);
            renameSync(own, file);
            return new Lock(file);
          } finally {
            rmSync(takeover, { force: true });
          }
        }
        // Somebody takes it over just now, or was killed while it did.
        refuseIfAlive(directory, takeover);
        rmSync(takeover, { force: true });
      }
    } finally {
      rmSync(own, { force: true });
    }
  }

  release(): void {
    clearInterval(this.#timer);
    rmSync(this.#file, { force: true });
  }

  #touch(): void {
    const now = new Date();
    try {
      utimesSync(this.#file, now, now);
    } catch {
      // The directory is gone or the disk fails: the journal itself says so.
    }
  }
}

function refuseIfAlive(directory: string, file: string): void {
  const holder = holderOf(file);
  if (holder === undefined || !isAlive(file, holder)) return;
  const where = holder.host === hostname() ? "" : ` on ${holder.host}`;
  throw new Error(
    `${directory} is in use by process ${holder.pid}${where}; a journal serves one server at a time`,
  );
}

/** Gives `own` the name `file` as well, unless it is taken: what the system does at once, for one process only. */
function isFirst(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function holderOf(file: string): Holder | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof parsed !== "object" || parsed === null) return undefined;
    const { pid, host, start } = parsed as Record<string, unknown>;
    return typeof pid === "number" && typeof host === "string" && typeof start === "string"
      ? { pid, host, start }
      : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(file: string, { pid, host, start }: Holder): boolean {
  if (host !== hostname()) return Date.now() - touchedAtMs(file) < SILENT_MS_MAX;
  if (start !== "") return startOf(pid) === start;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function touchedAtMs(file: string): number {
  // Undefined: it was released since it was read.
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Field 22 of `/proc/PID/stat`, unless it is a zombie; the name before it may hold spaces and parentheses. */
function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "" : (fields[19] ?? "");
  } catch {
    return "";
  }
}
