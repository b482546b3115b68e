/** Where a record ends, and what is in it, by its bytes alone. Pure. In: bytes. Out: places and answers. */
import { HttpMessage, headEnd } from "@mirrorball/protocol";

const LF = 0x0a;
const CR = 0x0d;

/** Where the record before a separator ends: its LF is not the record's, nor its CR when the separator has one behind too. */
export function recordEnd(bytes: Uint8Array, start: number, monkeys: number, end: number): number {
  if (monkeys === start) return start;
  const lf = monkeys - 1;
  return bytes[end - 2] === CR && lf > start && bytes[lf - 1] === CR ? lf - 1 : lf;
}

export function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] !== LF && bytes[at] !== CR) return false;
  return true;
}

/** True when the head ends and the body is as long as the head says. */
export function isWholeMessage(payload: Uint8Array): boolean {
  const end = headEnd(payload);
  if (end === payload.length && !endsWithBlankLine(payload)) return false;
  return HttpMessage.fromRaw(payload).bodyComplete;
}

function endsWithBlankLine(bytes: Uint8Array): boolean {
  if (bytes.at(-1) !== LF) return false;
  return bytes.at(-2) === LF || (bytes.at(-2) === CR && bytes.at(-3) === LF);
}
