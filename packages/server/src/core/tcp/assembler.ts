/**
 * One direction of a connection: segments in, in any order; bytes, gaps and one end out, in stream order. Sans-IO.
 *
 * `position` is the sequence number of the next byte to tell. A segment at `position` is told at once, without a
 * copy. One ahead of it is held; so a hole is where `position` stands and nothing is held. A hole becomes a gap
 *   - when the peer acknowledged all of it: it was delivered, hence only the capture lost it;
 *   - when the capture cut the segment, so that the rest is known to be missing;
 *   - when a bound is reached, or the connection ends: see limits.ts and counters.ts.
 * Of bytes that come twice the first stay, as Linux does it.
 */
import { ByteRanges } from "../byte-ranges.ts";
import type { TcpPacket } from "../packet/tcp-packet.ts";
import type { TcpCounters } from "./counters.ts";
import { AHEAD_BYTES_MAX } from "./limits.ts";
import type { FlowLimits } from "./limits.ts";
import { advance, distance } from "./sequence.ts";
import type { ConnectionHandler, Direction, EndReason } from "./types.ts";

/** What all assemblers of a table share. */
export interface AssemblerContext {
  readonly counters: TcpCounters;
  readonly limits: FlowLimits;
  /** See FlowTableOptions. */
  readonly deliverWhenAcknowledged: boolean;
  /** What is held in all, with overhead. */
  heldCostBytes: number;
  heldBytes: number;
}

/** The connection that an assembler is a half of. */
export interface AssemblerOwner {
  /** Opens the reader when this is the first thing to tell it. */
  handler(): ConnectionHandler;
  /** Time of the packet that is being handled. */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** A direction has ended. */
  ended(direction: Direction, how: EndReason): void;
}

export class Assembler {
  /** Next sequence number to tell; valid once `started`. */
  position = 0;
  started = false;
  /** A packet of this direction was captured. */
  seen = false;
  /** The highest that the peer acknowledged; valid once `isAcknowledged`. */
  acknowledged = 0;
  isAcknowledged = false;
  ended = false;
  /** Something waits: held bytes, a FIN behind a hole, or bytes that were acknowledged and not seen. */
  waiting = false;
  #waitingSince = 0;
  #finSeen = false;
  #finAt = 0;
  #held: ByteRanges | undefined = undefined;
  readonly #direction: Direction;
  readonly #owner: AssemblerOwner;
  readonly #context: AssemblerContext;

  constructor(direction: Direction, owner: AssemblerOwner, context: AssemblerContext) {
    this.#direction = direction;
    this.#owner = owner;
    this.#context = context;
  }

  start(sequence: number): void {
    this.position = sequence;
    this.started = true;
  }

  /** The payload of a packet, which begins at `sequence`. */
  segment(packet: TcpPacket, sequence: number): void {
    const length = packet.end - packet.start;
    const { counters } = this.#context;
    counters.seenBytes += length;
    const inOrder = sequence === this.position && !this.waiting && !this.ended;
    if (inOrder && packet.missingBytes === 0 && !this.#context.deliverWhenAcknowledged) {
      this.position = (sequence + length) | 0;
      counters.deliveredBytes += length;
      this.#owner
        .handler()
        .data(
          this.#direction,
          packet.chunk,
          packet.start,
          packet.end,
          packet.seconds,
          packet.nanoseconds,
        );
      return;
    }
    this.#irregular(packet, sequence, length);
  }

  /** The sender has nothing behind `sequence`. What contradicts bytes that came first is not believed. */
  fin(sequence: number): void {
    if (this.ended || (this.#finSeen && sequence === this.#finAt)) return;
    const ahead = distance(sequence, this.position);
    const last = this.#held?.last;
    const contradicts = last !== undefined && distance(advance(last.at, last.length), sequence) > 0;
    if (this.#finSeen || contradicts || ahead < 0 || ahead > AHEAD_BYTES_MAX) {
      this.#context.counters.finsIgnored += 1;
      return;
    }
    this.#finSeen = true;
    this.#finAt = sequence;
    this.#drain(false);
  }

  /** The peer has everything before `sequence`. */
  acknowledge(sequence: number): void {
    if (this.isAcknowledged && distance(sequence, this.acknowledged) <= 0) return;
    // Nobody can acknowledge more than a window.
    if (this.seen && distance(sequence, this.position) > AHEAD_BYTES_MAX) return;
    this.isAcknowledged = true;
    this.acknowledged = sequence;
    if (this.ended || !this.seen) return;
    if (this.waiting || distance(sequence, this.position) > 0) this.#drain(false);
  }

  /** Bytes that the peer has and that are not told; below 1 for none. */
  get unseenBytes(): number {
    return this.isAcknowledged ? distance(this.acknowledged, this.position) : 0;
  }

  /** To be called now and then: an acknowledgement half the sequence space ago would look like one ahead. */
  forgetStale(): void {
    if (distance(this.position, this.acknowledged) > AHEAD_BYTES_MAX) this.isAcknowledged = false;
  }

  /** Gives up a hole whose time is over. `peerSeen`: acknowledgements would have been captured. */
  review(seconds: number, peerSeen: boolean): void {
    if (!this.waiting || this.ended) return;
    const { limits, counters } = this.#context;
    const waited = seconds - this.#waitingSince;
    if (!peerSeen) {
      if (waited < limits.holeSeconds) return;
      counters.forcedByTime += 1;
      this.#drain(true);
      return;
    }
    if (waited < limits.acknowledgedHoleSeconds) return;
    // One byte ahead with nothing behind it is most likely a FIN that was not captured.
    const ahead = distance(this.acknowledged, this.position);
    if (this.isAcknowledged && ahead > 1 && ahead <= AHEAD_BYTES_MAX) this.#gap(ahead);
    this.#drain(false);
  }

  /** Tells what is held, with the gaps between, and ends. */
  close(how: EndReason): void {
    if (this.ended) return;
    if (this.#drain(true)) return;
    const ahead = distance(this.acknowledged, this.position);
    if (this.seen && this.isAcknowledged && ahead > 1 && ahead <= AHEAD_BYTES_MAX) this.#gap(ahead);
    this.#end(how);
  }

  /** Out of order, repeated, cut, too late, or while something waits. */
  #irregular(packet: TcpPacket, sequence: number, length: number): void {
    const { counters } = this.#context;
    const ahead = distance(sequence, this.position);
    if (ahead > AHEAD_BYTES_MAX || (ahead < 0 && ahead + AHEAD_BYTES_MAX < 0)) {
      counters.refusedOutOfWindowBytes += length;
      return;
    }
    const behind = ahead < 0 ? Math.min(length, -ahead) : 0;
    counters.duplicateBytes += behind;
    let rest = length - behind;
    let missing = packet.missingBytes;
    if (this.ended || this.#finSeen) {
      const limit = this.#finSeen ? this.#finAt : this.position;
      const room = Math.max(0, distance(limit, advance(sequence, behind)));
      counters.refusedAfterEndBytes += Math.max(0, rest - room);
      missing = Math.max(0, Math.min(missing, room - rest));
      rest = Math.min(rest, room);
    }
    if (this.ended) return;
    if (rest > 0) this.#place(packet, advance(sequence, behind), packet.start + behind, rest);
    if (missing > 0) this.#placeMissing(packet, advance(sequence, length), missing);
    if (rest > 0 || missing > 0) {
      this.#drain(false);
      this.#enforceLimits();
    }
  }

  #place(packet: TcpPacket, sequence: number, start: number, length: number): void {
    const { counters } = this.#context;
    const { seconds, nanoseconds, chunk } = packet;
    const first = this.#held?.first;
    const fits = first === undefined || distance(first.at, sequence) >= length;
    if (sequence === this.position && fits && !this.#context.deliverWhenAcknowledged) {
      this.#tell(chunk, start, length, seconds, nanoseconds);
      return;
    }
    const held = (this.#held ??= new ByteRanges());
    const costBefore = held.costBytes;
    const bytesBefore = held.bytes;
    held.insert(sequence, chunk, start, start + length, seconds, nanoseconds);
    this.#account(held, costBefore, bytesBefore);
    counters.duplicateBytes += held.duplicateBytes;
    counters.overlapConflicts += held.conflicts > 0 ? 1 : 0;
  }

  #placeMissing(packet: TcpPacket, sequence: number, length: number): void {
    const behind = Math.max(0, distance(this.position, sequence));
    if (behind >= length) return;
    const held = (this.#held ??= new ByteRanges());
    const costBefore = held.costBytes;
    held.insertMissing(
      advance(sequence, behind),
      length - behind,
      packet.seconds,
      packet.nanoseconds,
    );
    this.#account(held, costBefore, held.bytes);
  }

  #account(held: ByteRanges, costBefore: number, bytesBefore: number): void {
    this.#context.heldCostBytes += held.costBytes - costBefore;
    this.#context.heldBytes += held.bytes - bytesBefore;
  }

  /** Tells all that can be told. `force`: gives up every hole on the way. True when that was the end. */
  #drain(force: boolean): boolean {
    const positionBefore = this.position;
    while (this.#step(force));
    if (this.#endAtFin(force)) return true;
    const ahead = this.isAcknowledged ? distance(this.acknowledged, this.position) : 0;
    const waits = this.#finSeen || (this.#held?.count ?? 0) > 0 || (this.seen && ahead > 0);
    if (waits && (!this.waiting || positionBefore !== this.position)) {
      this.#waitingSince = this.#owner.seconds;
    }
    this.waiting = waits;
    return false;
  }

  /** Tells the first held range, if its turn has come. */
  #step(force: boolean): boolean {
    const range = this.#held?.first;
    if (range === undefined) return false;
    const hole = distance(range.at, this.position);
    if (hole > 0) {
      if (!force && !this.#isAcknowledgedUpTo(range.at)) return false;
      this.#gap(hole);
    } else if (!force && this.#context.deliverWhenAcknowledged) {
      if (!this.#isAcknowledgedUpTo(advance(range.at, range.length))) return false;
    }
    this.#tellFirst();
    return true;
  }

  #tellFirst(): void {
    const held = this.#held;
    if (held === undefined) return;
    const costBefore = held.costBytes;
    const bytesBefore = held.bytes;
    const range = held.shift();
    this.#account(held, costBefore, bytesBefore);
    if (range === undefined) return;
    if (range.bytes === undefined) {
      this.#context.counters.truncatedBytes += range.length;
      this.#gap(range.length);
    } else {
      this.#tell(range.bytes, 0, range.length, range.seconds, range.nanoseconds);
    }
  }

  #isAcknowledgedUpTo(sequence: number): boolean {
    return this.isAcknowledged && distance(this.acknowledged, sequence) >= 0;
  }

  #endAtFin(force: boolean): boolean {
    if (!this.#finSeen || (this.#held?.count ?? 0) > 0) return false;
    const hole = distance(this.#finAt, this.position);
    if (hole > 0 && !force && !this.#isAcknowledgedUpTo(this.#finAt)) return false;
    if (hole > 0) this.#gap(hole);
    this.#end("fin");
    return true;
  }

  #enforceLimits(): void {
    const { limits, counters } = this.#context;
    while (!this.ended && (this.#held?.count ?? 0) > 0) {
      const held = this.#held;
      if (held === undefined) return;
      if (held.count > limits.heldFlowSegmentsMax) counters.forcedByFlowSegments += 1;
      else if (held.bytes > limits.heldFlowBytesMax) counters.forcedByFlowBytes += 1;
      else if (this.#context.heldCostBytes > limits.heldBytesMax) counters.forcedByTotalBytes += 1;
      else return;
      const range = held.first;
      const hole = range === undefined ? 0 : distance(range.at, this.position);
      if (hole > 0) this.#gap(hole);
      this.#tellFirst();
      this.#drain(false);
    }
  }

  #tell(
    chunk: Uint8Array,
    start: number,
    length: number,
    seconds: number,
    nanoseconds: number,
  ): void {
    this.position = advance(this.position, length);
    this.#context.counters.deliveredBytes += length;
    const handler = this.#owner.handler();
    handler.data(this.#direction, chunk, start, start + length, seconds, nanoseconds);
  }

  #gap(length: number): void {
    this.position = advance(this.position, length);
    this.#context.counters.holes += 1;
    this.#context.counters.lostBytes += length;
    const { seconds, nanoseconds } = this.#owner;
    this.#owner.handler().gap(this.#direction, length, seconds, nanoseconds);
  }

  #end(how: EndReason): void {
    this.ended = true;
    this.waiting = false;
    this.#held = undefined;
    this.#owner.ended(this.#direction, how);
  }
}
