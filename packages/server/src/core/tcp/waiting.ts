/**
 * What one direction of a connection has waiting, when it is told, and when what it waits for is given up. Sans-IO. A base of
 * the assembler, which brings what packets say; tells bytes, gaps and one end, in stream order.
 *
 * `position` is the sequence number of the next byte to tell; a hole is where it stands and nothing is held. A hole becomes a gap
 *   - when the peer acknowledged all of it, hence only the capture lost it, and it has not come a while later: captures
 *     bring packets out of order, and acknowledgements before what they acknowledge;
 *   - when the capture cut the segment, so that the rest is known to be missing;
 *   - when a bound is reached, or the connection ends: see limits.ts and counters.ts.
 * What a side said after bytes of the other that were not told yet waits for them in the same way (`mark` of a held range:
 * how far its sender had read), so that answers are told behind what they answer.
 */
import type { HeldRange } from "../byte-ranges.ts";
import { Acknowledged } from "./acknowledged.ts";
import type { HeldBytes, HeldContext } from "./held-bytes.ts";
import { advance, distance } from "./sequence.ts";
import type { ConnectionHandler, Direction, EndReason } from "./types.ts";

/** What all directions of a table share. */
export interface AssemblerContext extends HeldContext {
  /** See FlowTableOptions. */
  readonly deliverWhenAcknowledged: boolean;
}

/** The connection that a direction is a half of. */
export interface AssemblerOwner {
  readonly context: AssemblerContext;
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

export class Waiting extends Acknowledged {
  ended = false;
  /** The other direction. */
  peer: Waiting = this;
  protected held: HeldBytes | undefined = undefined;
  protected readonly direction: Direction;
  protected readonly owner: AssemblerOwner;
  #waitingSince: number | undefined = undefined;

  constructor(direction: Direction, owner: AssemblerOwner) {
    super();
    this.direction = direction;
    this.owner = owner;
  }

  /** Something waits: held bytes, a FIN behind a hole, or bytes that were acknowledged and not seen. */
  get waiting(): boolean {
    return this.#waitingSince !== undefined;
  }

  get hasHeld(): boolean {
    return this.held !== undefined && !this.held.isEmpty;
  }

  /** What is held first answers bytes that were not told yet. */
  get isBlocked(): boolean {
    const first = this.held?.first;
    return first !== undefined && this.mustWait(first.mark);
  }

  /** The same, and no hole is before it. */
  get isReadyButBlocked(): boolean {
    return this.isBlocked && this.held?.first?.at === this.position;
  }

  /** Tells all whose turn has come. True when there was something. */
  drain(): boolean {
    if (this.ended) return false;
    const before = this.position;
    while (this.#step());
    const { finAt } = this;
    if (finAt !== undefined && !this.hasHeld && distance(finAt, this.position) <= 0) {
      this.#end("fin");
      return true;
    }
    const moved = this.position !== before;
    const waits = finAt !== undefined || this.hasHeld || (this.seen && this.awaitedBytes > 0);
    if (!waits || moved) this.#waitingSince = undefined;
    if (waits) this.wait();
    return moved;
  }

  /** Gives up one hole whose time is over. True when there was one. */
  giveUp(seconds: number): boolean {
    const since = this.#waitingSince;
    if (since === undefined || this.ended) return false;
    const { limits } = this.owner.context;
    const waited = Math.abs(seconds - since);
    if (!this.peer.seen) return waited >= limits.holeSeconds && this.#giveUpUnacknowledged();
    const first = this.held?.first;
    const hole = first === undefined ? 0 : distance(first.at, this.position);
    if (first !== undefined && hole > 0 && this.isAcknowledgedUpTo(first.at)) {
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
    const { held } = this;
    const first = held?.first;
    if (held === undefined || first === undefined) return;
    const hole = distance(first.at, this.position);
    if (hole > 0 && this.#isAstray(first, hole)) this.#refuse(held);
    else if (hole > 0) this.#gap(hole);
    else if (!this.mustWait(first.mark) || !this.peer.giveUpTo(first.mark)) this.#tellFirst(held);
  }

  /** Gives up a hole that begins here, as far as `sequence`. False when there is none. */
  giveUpTo(sequence: number): boolean {
    const first = this.held?.first;
    const wanted = distance(sequence, this.position);
    const hole = first === undefined ? wanted : Math.min(wanted, distance(first.at, this.position));
    if (hole <= 0) return false;
    this.#gap(hole);
    return true;
  }

  /** Ends; nothing is held any more. */
  close(how: EndReason): void {
    if (this.ended) return;
    if (this.finAt !== undefined) {
      this.#gapBeforeFin();
      this.#end("fin");
      return;
    }
    if (this.seen && this.unseenBytes > 1) this.#gap(this.unseenBytes);
    this.#end(how);
  }

  /** What was said after the other direction had come to `mark` is not to be told yet. */
  protected mustWait(mark: number): boolean {
    const { peer } = this;
    if (!peer.seen || peer.ended) return false;
    return distance(mark, peer.position) > 0 && peer.awaitedBytes > 0;
  }

  protected wait(): void {
    this.#waitingSince ??= this.owner.seconds;
  }

  protected tell(
    chunk: Uint8Array,
    start: number,
    length: number,
    seconds: number,
    nanoseconds: number,
  ): void {
    const { owner } = this;
    this.position = advance(this.position, length);
    owner.context.counters.deliveredBytes += length;
    owner.handler().data(this.direction, chunk, start, start + length, seconds, nanoseconds);
  }

  /** Tells the first held range, if its turn has come. */
  #step(): boolean {
    const { held } = this;
    const first = held?.first;
    if (held === undefined || first === undefined || first.at !== this.position) return false;
    if (this.mustWait(first.mark)) return false;
    if (this.owner.context.deliverWhenAcknowledged) {
      if (!this.isAcknowledgedUpTo(advance(first.at, first.length))) return false;
    }
    this.#tellFirst(held);
    return true;
  }

  #tellFirst(held: HeldBytes): void {
    const range = held.shift();
    if (range === undefined) return;
    if (range.bytes === undefined) {
      this.owner.context.counters.truncatedBytes += range.length;
      this.#gap(range.length);
    } else {
      this.tell(range.bytes, 0, range.length, range.seconds, range.nanoseconds);
    }
  }

  /** So far ahead that its sender was not allowed to send it, and nobody acknowledged it: of another connection, or forged. */
  #isAstray(range: HeldRange, hole: number): boolean {
    return this.peer.seen && hole > this.windowBytes && !this.isAcknowledgedUpTo(range.at);
  }

  #refuse(held: HeldBytes): void {
    this.owner.context.counters.refusedOutOfWindowBytes += held.shift()?.bytes?.length ?? 0;
  }

  /** The other direction is not captured: nobody acknowledges. */
  #giveUpUnacknowledged(): boolean {
    this.owner.context.counters.forcedByTime += 1;
    const hadHeld = this.hasHeld;
    while (!this.ended && this.hasHeld) this.force();
    return this.#gapBeforeFin() || hadHeld;
  }

  /** Acknowledged, never seen, and nothing behind it. */
  #giveUpUnseen(): boolean {
    const unseen = this.awaitedBytes;
    const { finAt } = this;
    if (finAt !== undefined && this.isAcknowledgedUpTo(finAt) && !this.hasHeld) {
      return this.#gapBeforeFin();
    }
    if (unseen > 1 || (unseen === 1 && (this.hasHeld || finAt !== undefined))) this.#gap(unseen);
    // One byte with nothing behind it is most likely a FIN that was not captured.
    else if (unseen === 1) this.assumeFin();
    else return false;
    return true;
  }

  #gapBeforeFin(): boolean {
    const { finAt } = this;
    const hole = finAt !== undefined && !this.ended ? distance(finAt, this.position) : 0;
    if (hole > 0) this.#gap(hole);
    return hole > 0;
  }

  #gap(length: number): void {
    const { owner } = this;
    const { counters } = owner.context;
    this.position = advance(this.position, length);
    counters.holes += 1;
    counters.lostBytes += length;
    owner.handler().gap(this.direction, length, owner.seconds, owner.nanoseconds);
  }

  #end(how: EndReason): void {
    this.ended = true;
    this.#waitingSince = undefined;
    this.held = undefined;
    this.owner.ended(this.direction, how);
  }
}
