/**
 * The search for the next start line in a stream whose messages do not follow each other any more: what it looks at, and what
 * the bytes that are skipped meanwhile are counted under. Holds no bytes.
 */
import { foreignProtocol, mayStart } from "./foreign.ts";
import { HeadScan, NOT_A_HEAD } from "../head/head-scan.ts";
import { scanHead } from "../head/scan-head.ts";

const CR = 0x0d;
const LF = 0x0a;

/** One for all: a scan never outlives the call that made it. */
const scan: HeadScan = new HeadScan();

export class Resync {
  /** What skipped bytes are counted under; "" while messages follow each other as they should. */
  reason: string;
  /** From the middle of a connection or behind a hole: a segment may begin a message although no line ended before it. */
  trustSegments: boolean;
  /** The next byte begins a line. */
  atLine = true;

  constructor(midstream: boolean) {
    this.reason = midstream ? "mid-stream" : "";
    this.trustSegments = midstream;
  }

  begin(reason: string, trustSegments: boolean, atLine: boolean): void {
    this.reason = reason;
    this.trustSegments = trustSegments;
    this.atLine = atLine;
  }

  /** Messages follow each other again. */
  end(): void {
    this.reason = "";
    this.trustSegments = false;
  }

  /** The place of the next line's first byte, or `end`. */
  skipLine(chunk: Uint8Array, at: number, end: number): number {
    const lineFeed = chunk.subarray(at, end).indexOf(LF);
    this.atLine = lineFeed >= 0;
    return lineFeed < 0 ? end : at + lineFeed + 1;
  }

  /** What this place, where another protocol may begin too, is of; "" when nothing tells. */
  foreignAt(chunk: Uint8Array, at: number, end: number): string {
    return this.trustSegments ? (foreignProtocol(chunk, at, end, true) ?? "") : "";
  }

  /** Whether a message may begin here. */
  startsAt(chunk: Uint8Array, at: number, end: number, isRequest: boolean): boolean {
    return (
      mayStart(chunk[at] ?? 0, isRequest) &&
      scanHead(chunk, at, end, isRequest, scan) !== NOT_A_HEAD
    );
  }
}

/** The place behind the empty lines that begin here. */
export function blankLinesEnd(chunk: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && (chunk[at] === CR || chunk[at] === LF)) at += 1;
  return at;
}
