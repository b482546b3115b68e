/**
 * The first line of a record: `TYPE ID TIMESTAMP [LATENCY …]`, in every form that gor wrote.
 *
 * In: bytes. Out: fields. Three fields come from gor before 1.2: then a request's third field is its time, but a
 * response's is how long it took (before 0.15), told apart by its size. Behind the fourth stand words of ours, see `words.ts`.
 * gor's `output-binary` wrote type 3 with both numbers swapped; they are put right.
 */
import { MessageKind } from "@mirrorball/protocol";
import { Words } from "./words.ts";

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const ZERO = 0x30;
const MINUS = 0x2d;
/** A type, a token, two numbers of 19 digits; what is longer without a line end is no first line. */
export const META_BYTES_MAX = 4096;
/** Characters of an id that leave the line room for everything else; gor's have 24 or 40. */
export const ID_CHARS_MAX = 2048;
/** Digits of the largest timestamp: nanoseconds until the year 2286. */
const TIMESTAMP_DIGITS_MAX = 19;
/** Digits of a latency: eleven days, and exact in a double. */
const LATENCY_DIGITS_MAX = 15;
const NS_DIGITS = 9;
/** 1e15 ns are the 12th of January 1970, or a response that took eleven days: smaller numbers are durations. */
const DURATION_SECONDS_MAX = 1_000_000;

/** Filled in place by `readMeta`: an object a record would be waste. */
export class MetaLine {
  kind: MessageKind = MessageKind.request;
  idStart = 0;
  idEnd = 0;
  /** Whole seconds and the nanoseconds beyond; -1 seconds when the line gives no time. */
  seconds = -1;
  nanoseconds = 0;
  latencyNs: number | undefined;
  readonly words: Words = new Words();
  /** The line has its LF: nothing of it is to come. */
  whole = false;
  /** Where the payload starts: behind the line's LF, or the end of the bytes. */
  end = 0;
}

/** True when `bytes[start..stop)` starts with a first line; then `line` holds its fields. */
export function readMeta(bytes: Uint8Array, start: number, stop: number, line: MetaLine): boolean {
  const kind = (bytes[start] ?? 0) - ZERO;
  if (
    kind !== MessageKind.request &&
    kind !== MessageKind.response &&
    kind !== MessageKind.replayed
  )
    return false;
  if (bytes[start + 1] !== SPACE) return false;
  let at = start + 2;
  line.kind = kind;
  line.idStart = at;
  while (at < stop && isTokenByte(bytes[at])) at += 1;
  line.idEnd = at;
  if (at === line.idStart || at >= stop || bytes[at] !== SPACE) return false;
  at += 1;
  const digitsStart = at;
  while (at < stop && isDigit(bytes[at])) at += 1;
  if (at === digitsStart || at - digitsStart > TIMESTAMP_DIGITS_MAX || at > stop) return false;
  const split = Math.max(digitsStart, at - NS_DIGITS);
  line.seconds = number(bytes, digitsStart, split);
  line.nanoseconds = number(bytes, split, at);
  line.latencyNs = undefined;
  line.words.clear();
  if (at < stop && bytes[at] === SPACE) at = readLatency(bytes, at + 1, stop, line);
  else if (line.kind !== MessageKind.request && line.seconds < DURATION_SECONDS_MAX) {
    line.latencyNs = line.seconds * 1e9 + line.nanoseconds;
    line.seconds = -1;
  }
  return endLine(bytes, at, stop, line);
}

function readLatency(bytes: Uint8Array, start: number, stop: number, line: MetaLine): number {
  const negative = bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  let at = first;
  while (at < stop && isDigit(bytes[at])) at += 1;
  if (at > first && at - first <= LATENCY_DIGITS_MAX) {
    const value = number(bytes, first, at);
    line.latencyNs = negative ? -value : value;
  } else if (
    line.kind === MessageKind.replayed &&
    line.seconds < DURATION_SECONDS_MAX &&
    at - first <= TIMESTAMP_DIGITS_MAX
  ) {
    line.latencyNs = line.seconds * 1e9 + line.nanoseconds;
    const split = Math.max(first, at - NS_DIGITS);
    line.seconds = number(bytes, first, split);
    line.nanoseconds = number(bytes, split, at);
  }
  return at;
}

/** Reads what else the line holds, and finds its end. */
function endLine(bytes: Uint8Array, from: number, stop: number, line: MetaLine): boolean {
  let at = from;
  const next = bytes[at];
  if (at < stop && next !== LF && next !== CR && next !== SPACE) return false;
  while (at < stop && bytes[at] !== LF) {
    if (at - from > META_BYTES_MAX) return false;
    at += 1;
  }
  if (at - from > 1 && next === SPACE) line.words.read(bytes, from + 1, at);
  line.whole = at < stop;
  line.end = line.whole ? at + 1 : stop;
  return true;
}

function isTokenByte(byte: number | undefined): boolean {
  return byte !== undefined && byte > SPACE;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= ZERO + 9;
}

function number(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + ((bytes[at] ?? ZERO) - ZERO);
  return value;
}
