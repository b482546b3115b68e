/**
 * Who this process is: `--drop-privileges USER`. In: a user's name. Out: a process that is that user, for good, or one
 * sentence about why it is not. What needed root must be open before.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Identity {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
  /** All groups of the user, that one included. */
  readonly groups: readonly number[];
}

const FLAG = "--drop-privileges";

/** The identity to become; undefined when there is nothing to drop, as this process is that user already. Throws one sentence. */
export function identityOf(user: string): Identity | undefined {
  const own = process.geteuid?.();
  if (own === undefined) throw new Error(`${FLAG}: this system knows no users to change to`);
  const [uid = 0] = lookUp("-u", user);
  if (uid === 0) throw new Error(`${FLAG}: must be a user without privileges; got ${user}`);
  if (own === uid) return undefined;
  if (own !== 0) {
    throw new Error(`${FLAG}: only root can become ${user}; this is user ${own}, leave it out`);
  }
  const [gid = 0] = lookUp("-g", user);
  return { user, uid, gid, groups: lookUp("-G", user) };
}

/** Does something with the rights of another user only, so that what it makes is that user's, and what it may not do fails now. */
export function asUser<T>({ uid, gid, groups }: Identity, action: () => T): T {
  const groupBefore = process.getegid?.() ?? 0;
  const groupsBefore = process.getgroups?.() ?? [];
  try {
    process.setgroups?.([...groups]);
    process.setegid?.(gid);
    process.seteuid?.(uid);
    return action();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(groupBefore);
    process.setgroups?.(groupsBefore);
  }
}

/** Becomes another user with all threads, without a way back, and makes sure of it. */
export function become({ uid, gid, groups }: Identity): void {
  process.setgroups?.([...groups]);
  process.setgid?.(gid);
  process.setuid?.(uid);
  const kept = capabilities();
  if (process.getuid?.() === uid && process.geteuid?.() === uid && /^0*$/.test(kept)) return;
  throw new Error(`${FLAG}: the system let this process keep privileges (CapEff ${kept})`);
}

/** As Linux tells them, hexadecimal; "" elsewhere. */
function capabilities(): string {
  if (process.platform !== "linux") return "";
  return /^CapEff:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "";
}

/** Node has no look-up of users; `id` knows those of directory services too. */
function lookUp(what: "-u" | "-g" | "-G", user: string): number[] {
  try {
    const out = execFileSync("id", [what, "--", user], { stdio: ["ignore", "pipe", "ignore"] });
    return String(out).trim().split(/\s+/).map(Number);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const why = isMissing ? "needs the command id, which is not there" : `there is no user ${user}`;
    throw new Error(`${FLAG}: ${why}`, { cause: error });
  }
}
