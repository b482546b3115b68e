/**
 * One direction of a connection: segments in, in any order; bytes, gaps and one end out, in stream order. Sans-IO.
 *
 * `position` is the sequence number of the next byte to tell. A segment at `position` is told at once, without a copy. One
 * ahead of it is held; so a hole is where `position` stands and nothing is held. A hole becomes a gap
 *   - when the peer acknowledged all of it, hence only the capture lost it, and it has not come a while later: captures
 *     bring packets out of order, and acknowledgements before what they acknowledge;
 *   - when the capture cut the segment, so that the rest is known to be missing;
 *   - when a bound is reached, or the connection ends: see limits.ts and counters.ts.
 * What a side said after bytes of the other that were not told yet waits for them in the same way (`mark` of a held range:
 * how far its sender had read), so that answers are told behind what they answer. Of bytes that come twice the first stay,
 * as Linux does it.
 */
import type { HeldRange } from "../byte-ranges.ts";
import { TcpFlag } from "../packet/tcp-packet.ts";
import type { TcpPacket } from "../packet/tcp-packet.ts";
import { Acknowledged } from "./acknowledged.ts";
import { HeldBytes } from "./held-bytes.ts";
import type { HeldContext } from "./held-bytes.ts";
import { AHEAD_BYTES_MAX } from "./limits.ts";
import { advance, distance } from "./sequence.ts";
import type { ConnectionHandler, Direction, EndReason } from "./types.ts";

/** What all assemblers of a table share. */
export interface AssemblerContext extends HeldContext {
  /** See FlowTableOptions. */
  readonly deliverWhenAcknowledged: boolean;
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
  /** Something came in reach that may be what either direction waits for. */
  tellReady(): void;
}

export class Assembler extends Acknowledged {
  ended = false;
  /** Something waits: held bytes, a FIN behind a hole, or bytes that were acknowledged and not seen. */
  waiting = false;
  /** The other direction. */
  peer: Assembler = this;
  #waitingSince = 0;
  #begin = 0;
  #held: HeldBytes | undefined = undefined;
  readonly #direction: Direction;
  readonly #owner: AssemblerOwner;
  readonly #context: AssemblerContext;

  constructor(direction: Direction, owner: AssemblerOwner, context: AssemblerContext) {
    super();
    this.#direction = direction;
    this.#owner = owner;
    this.#context = context;
  }

  start(sequence: number): void {
    this.position = sequence;
    this.#begin = sequence;
    this.started = true;
  }

  /** The stream begins at `sequence`, whatever was thought before, unless bytes were told that contradict it. */
  restart(sequence: number): void {
    const first = this.#held?.first;
    const isBeyond = first !== undefined && distance(sequence, first.at) > 0;
    if (this.position !== this.#begin || this.ended || isBeyond) return;
    this.start(sequence);
    this.isAcknowledged = false;
  }

  get hasHeld(): boolean {
    return this.#held !== undefined && !this.#held.isEmpty;
  }

  /** What is held first answers bytes that were not told yet. */
  get isBlocked(): boolean {
    const first = this.#held?.first;
    return first !== undefined && this.#mustWait(first.mark);
  }

  /** The same, and no hole is before it. */
  get isReadyButBlocked(): boolean {
    return this.isBlocked && this.#held?.first?.at === this.position;
  }

  /** The payload of a packet, which begins at `sequence`. */
  segment(packet: TcpPacket, sequence: number): void {
    const length = packet.end - packet.start;
    const { counters } = this.#context;
    counters.seenBytes += length;
    const waits = this.waiting || this.peer.waiting;
    const inOrder = sequence === this.position && !waits && !this.ended;
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
    if (this.ended || (this.finSeen && sequence === this.finAt)) return;
    const ahead = distance(sequence, this.position);
    const heldEnd = this.#held?.end;
    const contradicts = heldEnd !== undefined && distance(heldEnd, sequence) > 0;
    if (this.finSeen || contradicts || ahead < 0 || ahead > AHEAD_BYTES_MAX) {
      this.#context.counters.finsIgnored += 1;
      return;
    }
    this.finSeen = true;
    this.finAt = sequence;
    this.drain();
  }

  /** The peer says that it has everything before `sequence`. */
  acknowledge(sequence: number): void {
    if (this.isAcknowledged && distance(sequence, this.acknowledged) <= 0) return;
    const ahead = distance(sequence, this.position);
    if (ahead > 0 && !this.isCredible(sequence, ahead, this.#held)) return;
    this.isAcknowledged = true;
    this.acknowledged = sequence;
    if (this.ended || !this.seen) return;
    if (ahead > 0) this.#wait();
  }

  /** Tells all whose turn has come. True when there was something. */
  drain(): boolean {
    if (this.ended) return false;
    const before = this.position;
    while (this.#step());
    if (this.finSeen && !this.hasHeld && distance(this.finAt, this.position) <= 0) {
      this.#end("fin");
      return true;
    }
    const moved = this.position !== before;
    const waits = this.finSeen || this.hasHeld || (this.seen && this.awaitedBytes > 0);
    if (waits && moved) this.#waitingSince = this.#owner.seconds;
    if (waits) this.#wait();
    this.waiting = waits;
    return moved;
  }

  /** Gives up one hole whose time is over. True when there was one. */
  giveUp(seconds: number): boolean {
    if (!this.waiting || this.ended) return false;
    const { limits, counters } = this.#context;
    const waited = Math.abs(seconds - this.#waitingSince);
    if (!this.peer.seen) {
      // Nobody can acknowledge.
      if (waited < limits.holeSeconds) return false;
      counters.forcedByTime += 1;
      const hadHeld = this.hasHeld;
      while (!this.ended && this.hasHeld) this.force();
      return this.#gapBeforeFin() || hadHeld;
    }
    const first = this.#held?.first;
    const hole = first === undefined ? 0 : distance(first.at, this.position);
    if (first !== undefined && hole > 0 && this.#isAcknowledgedUpTo(first.at)) {
      if (Math.abs(seconds - first.seconds) < limits.acknowledgedHoleSeconds) return false;
      this.#gap(hole);
      return true;
    }
    if (waited < limits.acknowledgedHoleSeconds || (first !== undefined && hole === 0))
      return false;
    return this.#giveUpUnseen();
  }

  /** Gives up the first thing that something held waits for. */
  force(): void {
    const held = this.#held;
    const first = held?.first;
    if (held === undefined || first === undefined) return;
    const hole = distance(first.at, this.position);
    if (hole > 0 && this.#isAstray(first, hole)) this.#refuse(held);
    else if (hole > 0) this.#gap(hole);
    else if (!this.#mustWait(first.mark) || !this.peer.giveUpTo(first.mark)) this.#tellFirst(held);
  }

  /** Gives up a hole that begins here, as far as `sequence`. False when there is none. */
  giveUpTo(sequence: number): boolean {
    const first = this.#held?.first;
    const wanted = distance(sequence, this.position);
    const hole = first === undefined ? wanted : Math.min(wanted, distance(first.at, this.position));
    if (hole <= 0) return false;
    this.#gap(hole);
    return true;
  }

  /** Ends; nothing is held any more. */
  close(how: EndReason): void {
    if (this.ended) return;
    if (this.finSeen) {
      this.#gapBeforeFin();
      this.#end("fin");
      return;
    }
    if (this.seen && this.unseenBytes > 1) this.#gap(this.unseenBytes);
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
    if (this.ended || this.finSeen) {
      const limit = this.finSeen ? this.finAt : this.position;
      const room = Math.max(0, distance(limit, advance(sequence, behind)));
      counters.refusedAfterEndBytes += Math.max(0, rest - room);
      missing = Math.max(0, Math.min(missing, room - rest));
      rest = Math.min(rest, room);
    }
    if (this.ended) return;
    const mark = this.#readBy(packet);
    if (rest > 0) this.#place(packet, advance(sequence, behind), packet.start + behind, rest, mark);
    if (missing > 0) this.#placeMissing(packet, advance(sequence, length), missing, mark);
    if (rest > 0 || missing > 0) {
      this.#owner.tellReady();
      this.#enforceLimits();
    }
  }

  /** How far the sender of this packet had read the other direction. */
  #readBy({ flags, acknowledgment }: TcpPacket): number {
    const { peer } = this;
    if ((flags & TcpFlag.ack) === 0 || !peer.isAcknowledged) return peer.position;
    const isDoubted = distance(acknowledgment, peer.acknowledged) > 0;
    return isDoubted ? peer.acknowledged : acknowledgment;
  }

  /** What was said after the other direction had come to `mark` is not to be told yet. */
  #mustWait(mark: number): boolean {
    const { peer } = this;
    if (!peer.seen || peer.ended) return false;
    return distance(mark, peer.position) > 0 && peer.awaitedBytes > 0;
  }

  #place(packet: TcpPacket, at: number, start: number, length: number, mark: number): void {
    const first = this.#held?.first;
    const fits = first === undefined || distance(first.at, at) >= length;
    const isReady = at === this.position && fits && !this.#context.deliverWhenAcknowledged;
    if (isReady && !this.#mustWait(mark)) {
      this.#tell(packet.chunk, start, length, packet.seconds, packet.nanoseconds);
      return;
    }
    this.#held ??= new HeldBytes(this.#context);
    this.#held.insert(packet, at, start, length, mark);
    this.#wait();
  }

  #placeMissing(packet: TcpPacket, sequence: number, length: number, mark: number): void {
    const behind = Math.max(0, distance(this.position, sequence));
    if (behind >= length) return;
    this.#held ??= new HeldBytes(this.#context);
    this.#held.insertMissing(packet, advance(sequence, behind), length - behind, mark);
    this.#wait();
  }

  #wait(): void {
    if (!this.waiting) this.#waitingSince = this.#owner.seconds;
    this.waiting = true;
  }

  /** Tells the first held range, if its turn has come. */
  #step(): boolean {
    const held = this.#held;
    const first = held?.first;
    if (held === undefined || first === undefined || first.at !== this.position) return false;
    if (this.#mustWait(first.mark)) return false;
    if (this.#context.deliverWhenAcknowledged) {
      if (!this.#isAcknowledgedUpTo(advance(first.at, first.length))) return false;
    }
    this.#tellFirst(held);
    return true;
  }

  #tellFirst(held: HeldBytes): void {
    const range = held.shift();
    if (range === undefined) return;
    if (range.bytes === undefined) {
      this.#context.counters.truncatedBytes += range.length;
      this.#gap(range.length);
    } else {
      this.#tell(range.bytes, 0, range.length, range.seconds, range.nanoseconds);
    }
  }

  /** So far ahead that its sender was not allowed to send it, and nobody acknowledged it: of another connection, or forged. */
  #isAstray(range: HeldRange, hole: number): boolean {
    return this.peer.seen && hole > this.windowBytes && !this.#isAcknowledgedUpTo(range.at);
  }

  #refuse(held: HeldBytes): void {
    this.#context.counters.refusedOutOfWindowBytes += held.shift()?.bytes?.length ?? 0;
  }

  #isAcknowledgedUpTo(sequence: number): boolean {
    return this.isAcknowledged && distance(this.acknowledged, sequence) >= 0;
  }

  /** Acknowledged, never seen, and nothing behind it. */
  #giveUpUnseen(): boolean {
    const unseen = this.awaitedBytes;
    if (this.finSeen && this.#isAcknowledgedUpTo(this.finAt) && !this.hasHeld) {
      return this.#gapBeforeFin();
    }
    if (unseen > 1 || (unseen === 1 && (this.hasHeld || this.finSeen))) this.#gap(unseen);
    // One byte with nothing behind it is most likely a FIN that was not captured.
    else if (unseen === 1) this.assumeFin();
    else return false;
    return true;
  }

  #gapBeforeFin(): boolean {
    const hole = this.finSeen && !this.ended ? distance(this.finAt, this.position) : 0;
    if (hole > 0) this.#gap(hole);
    return hole > 0;
  }

  #enforceLimits(): void {
    while (!this.ended && this.#held?.exceeds() === true) {
      this.force();
      this.#owner.tellReady();
    }
  }

  #tell(chunk: Uint8Array, start: number, length: number, seconds: number, ns: number): void {
    this.position = advance(this.position, length);
    this.#context.counters.deliveredBytes += length;
    this.#owner.handler().data(this.#direction, chunk, start, start + length, seconds, ns);
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
