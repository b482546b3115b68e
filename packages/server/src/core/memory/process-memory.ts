/**
 * How much of this process may wait: for the rest of a message, for its turn, for a peer. Every component charges what it
 * holds here, or takes a part of it for a bound of its own. The only thing that core asks the process itself.
 */
import { getHeapStatistics } from "node:v8";
import { MemoryBudget } from "./budget.ts";

const MIB = 1024 * 1024;
/** A part of what V8 may use, although most of what waits lies outside of its heap: who gives it little has little. */
const HEAP_PART = 4;
const WAITING_BYTES_MIN = 32 * MIB;
/** Bytes that may wait however large the heap may be: what more buys is only later answers. */
const WAITING_BYTES_MAX = 512 * MIB;

/** Bytes of everything that waits, in all: 512 MiB when V8's heap may have 2 GiB or more, as by default. */
export const WAITING_BYTES: number = Math.min(
  WAITING_BYTES_MAX,
  Math.max(WAITING_BYTES_MIN, Math.floor(getHeapStatistics().heap_size_limit / HEAP_PART)),
);

/** What is unfinished: bodies, heads, records, answers. */
export const processMemory: MemoryBudget = new MemoryBudget(WAITING_BYTES);

/** A bound of `bytes`, or less where there is less: the same part of what this process has as of what it has by default. */
export function scaledBytes(bytes: number): number {
  return Math.floor((bytes * WAITING_BYTES) / WAITING_BYTES_MAX);
}
