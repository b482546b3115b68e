/** How many files and sockets this process may have open. In: nothing. Out: a number, where the system tells. */
import { readFileSync } from "node:fs";

/** Read it before it is reached: to read it takes a descriptor. Undefined where nobody tells, or where there is no limit. */
export function descriptorLimit(): number | undefined {
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** Descriptors that connections leave to files, outputs and what is still to be opened. */
const RESERVED = 64;

/** How many connections a listener may have open: beyond, the system would accept them and nobody could serve them. */
export function connectionLimit(wanted: number, limit: number | undefined): number {
  return limit === undefined ? wanted : Math.min(wanted, Math.max(limit - RESERVED, 1));
}

/** `this process may have 1024 files open (ulimit -n)` */
export function limitWords(limit: number | undefined): string {
  const many = limit === undefined ? "no more files" : `${limit} files`;
  return `this process may have ${many} open (ulimit -n)`;
}
