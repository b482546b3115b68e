/**
 * One direction of a connection: segments in, in any order; bytes, gaps and one end out, in stream order. Sans-IO. A segment at
 * `position` is told at once, without a copy; one ahead of it is held, and waiting.ts says until when. Of bytes that come twice
 * the first stay, as Linux does it.
 */
import { TcpFlag } from "../packet/tcp-packet.ts";
import type { TcpPacket } from "../packet/tcp-packet.ts";
import { HeldBytes } from "./held-bytes.ts";
import { AHEAD_BYTES_MAX } from "./limits.ts";
import { advance, distance } from "./sequence.ts";
import { Waiting } from "./waiting.ts";

export class SegmentAssembler extends Waiting {
  /** Where the stream begins. */
  #begin = 0;

  start(sequence: number): void {
    this.position = sequence;
    this.#begin = sequence;
    this.started = true;
  }

  /** The stream begins at `sequence`, whatever was thought before, unless bytes were told that contradict it. */
  restart(sequence: number): void {
    const first = this.held?.first;
    const isBeyond = first !== undefined && distance(sequence, first.at) > 0;
    if (this.position !== this.#begin || this.ended || isBeyond) return;
    this.start(sequence);
    this.acknowledged = undefined;
  }

  /** The payload of a packet, which begins at `sequence`. */
  segment(packet: TcpPacket, sequence: number): void {
    const length = packet.end - packet.start;
    const { counters } = this.owner.context;
    counters.seenBytes += length;
    const waits = this.waiting || this.peer.waiting;
    const inOrder = sequence === this.position && !waits && !this.ended;
    if (inOrder && packet.missingBytes === 0 && !this.owner.context.deliverWhenAcknowledged) {
      this.position = (sequence + length) | 0;
      counters.deliveredBytes += length;
      this.owner
        .handler()
        .data(
          this.direction,
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
    if (this.ended || sequence === this.finAt) return;
    const ahead = distance(sequence, this.position);
    const heldEnd = this.held?.end;
    const contradicts = heldEnd !== undefined && distance(heldEnd, sequence) > 0;
    if (this.finAt !== undefined || contradicts || ahead < 0 || ahead > AHEAD_BYTES_MAX) {
      this.owner.context.counters.finsIgnored += 1;
      return;
    }
    this.finAt = sequence;
    this.drain();
  }

  /** The peer says that it has everything before `sequence`. */
  acknowledge(sequence: number): void {
    const { acknowledged } = this;
    if (acknowledged !== undefined && distance(sequence, acknowledged) <= 0) return;
    const ahead = distance(sequence, this.position);
    if (ahead > 0 && !this.isCredible(sequence, ahead, this.held)) return;
    this.acknowledged = sequence;
    if (this.ended || !this.seen) return;
    if (ahead > 0) this.wait();
  }

  /** Out of order, repeated, cut, too late, or while something waits. */
  #irregular(packet: TcpPacket, sequence: number, length: number): void {
    const { counters } = this.owner.context;
    const ahead = distance(sequence, this.position);
    if (ahead > AHEAD_BYTES_MAX || (ahead < 0 && ahead + AHEAD_BYTES_MAX < 0)) {
      counters.refusedOutOfWindowBytes += length;
      return;
    }
    const behind = ahead < 0 ? Math.min(length, -ahead) : 0;
    counters.duplicateBytes += behind;
    let rest = length - behind;
    let missing = packet.missingBytes;
    if (this.ended || this.finAt !== undefined) {
      const limit = this.finAt ?? this.position;
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
      this.owner.tellReady();
      this.#enforceLimits();
    }
  }

  /** How far the sender of this packet had read the other direction. */
  #readBy({ flags, acknowledgment }: TcpPacket): number {
    const { peer } = this;
    if ((flags & TcpFlag.ack) === 0 || peer.acknowledged === undefined) return peer.position;
    const isDoubted = distance(acknowledgment, peer.acknowledged) > 0;
    return isDoubted ? peer.acknowledged : acknowledgment;
  }

  #place(packet: TcpPacket, at: number, start: number, length: number, mark: number): void {
    const first = this.held?.first;
    const fits = first === undefined || distance(first.at, at) >= length;
    const isReady = at === this.position && fits && !this.owner.context.deliverWhenAcknowledged;
    if (isReady && !this.mustWait(mark)) {
      this.tell(packet.chunk, start, length, packet.seconds, packet.nanoseconds);
      return;
    }
    this.held ??= new HeldBytes(this.owner.context);
    this.held.insert(packet, at, start, length, mark);
    this.wait();
  }

  #placeMissing(packet: TcpPacket, sequence: number, length: number, mark: number): void {
    const behind = Math.max(0, distance(this.position, sequence));
    if (behind >= length) return;
    this.held ??= new HeldBytes(this.owner.context);
    this.held.insertMissing(packet, advance(sequence, behind), length - behind, mark);
    this.wait();
  }

  #enforceLimits(): void {
    while (!this.ended && this.held?.exceeds() === true) {
      this.force();
      this.owner.tellReady();
    }
  }
}
