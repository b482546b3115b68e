/**
 * Which side of a connection says what begins with these bytes, when one may have come to it in the middle. Pure. Only what
 * nearly nobody else sends counts: a whole request line, or the beginning of a status line.
 */
import { mayStart } from "./foreign.ts";
import { HeadScan, NOT_A_HEAD } from "../head/head-scan.ts";
import { scanHead } from "../head/scan-head.ts";

const LF = 0x0a;
/** Bytes of a status line that are enough: `HTTP/1.1`. */
const STATUS_BYTES = 8;
/** Bytes in which a request line must end; longer ones are left to the ports. */
const LINE_BYTES_MAX = 8192;

const scan: HeadScan = new HeadScan();

/** 0: the client, 1: the server, -1: cannot be told. */
export function speakerOf(chunk: Uint8Array, start: number, end: number): 0 | 1 | -1 {
  const first = chunk[start] ?? 0;
  const isStatus = mayStart(first, false) && end - start >= STATUS_BYTES;
  if (isStatus && scanHead(chunk, start, end, false, scan) !== NOT_A_HEAD) return 1;
  if (!mayStart(first, true)) return -1;
  const limit = Math.min(end, start + LINE_BYTES_MAX);
  if (chunk.subarray(start, limit).indexOf(LF) < 0) return -1;
  return scanHead(chunk, start, limit, true, scan) === NOT_A_HEAD ? -1 : 0;
}
