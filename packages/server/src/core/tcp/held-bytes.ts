/**
 * What one direction holds back, within what it may hold and what all may: ranges of bytes, or of bytes that are known to be
 * missing, each with how far its sender had read the other direction. Keeps the books of what is held. Sans-IO.
 */
import { ByteRanges } from "../byte-ranges.ts";
import type { HeldRange } from "../byte-ranges.ts";
import type { TcpPacket } from "../packet/tcp-packet.ts";
import type { TcpCounters } from "./counters.ts";
import type { FlowLimits } from "./limits.ts";
import { advance } from "./sequence.ts";

/** What all directions of a table share. */
export interface HeldContext {
  readonly counters: TcpCounters;
  readonly limits: FlowLimits;
  /** What is held in all, with overhead. */
  heldCostBytes: number;
  heldBytes: number;
}

export class HeldBytes {
  readonly #ranges: ByteRanges = new ByteRanges();
  readonly #context: HeldContext;

  constructor(context: HeldContext) {
    this.#context = context;
  }

  get isEmpty(): boolean {
    return this.#ranges.count === 0;
  }

  get first(): HeldRange | undefined {
    return this.#ranges.first;
  }

  /** Behind the last position that is held. */
  get end(): number | undefined {
    const { last } = this.#ranges;
    return last === undefined ? undefined : advance(last.at, last.length);
  }

  /** Whether anything of `from` to `to` is held. */
  touches(from: number, to: number): boolean {
    return this.#ranges.touches(from, to);
  }

  /** Takes the packet's bytes from `start` on for position `at`, as far as these positions are free. */
  insert(packet: TcpPacket, at: number, start: number, length: number, mark: number): void {
    const ranges = this.#ranges;
    const { counters } = this.#context;
    const { chunk, seconds, nanoseconds } = packet;
    const costBefore = ranges.costBytes;
    const bytesBefore = ranges.bytes;
    ranges.insert(at, chunk, start, start + length, seconds, nanoseconds, mark);
    this.#account(costBefore, bytesBefore);
    counters.duplicateBytes += ranges.duplicateBytes;
    counters.overlapConflicts += ranges.conflicts > 0 ? 1 : 0;
  }

  insertMissing(packet: TcpPacket, at: number, length: number, mark: number): void {
    const ranges = this.#ranges;
    const costBefore = ranges.costBytes;
    ranges.insertMissing(at, length, packet.seconds, packet.nanoseconds, mark);
    this.#account(costBefore, ranges.bytes);
  }

  shift(): HeldRange | undefined {
    const costBefore = this.#ranges.costBytes;
    const bytesBefore = this.#ranges.bytes;
    const range = this.#ranges.shift();
    this.#account(costBefore, bytesBefore);
    return range;
  }

  /** Whether it is too much, counted by what is. */
  exceeds(): boolean {
    const { limits, counters, heldCostBytes } = this.#context;
    if (this.isEmpty) return false;
    if (this.#ranges.count > limits.heldFlowSegmentsMax) counters.forcedByFlowSegments += 1;
    else if (this.#ranges.bytes > limits.heldFlowBytesMax) counters.forcedByFlowBytes += 1;
    else if (heldCostBytes > limits.heldBytesMax) counters.forcedByTotalBytes += 1;
    else return false;
    return true;
  }

  #account(costBefore: number, bytesBefore: number): void {
    this.#context.heldCostBytes += this.#ranges.costBytes - costBefore;
    this.#context.heldBytes += this.#ranges.bytes - bytesBefore;
  }
}
