/**
 * What the SYNs of a connection said, and whether another SYN opens the next connection between the same two ends. Sans-IO;
 * knows nothing of the bytes behind them. A base of the connection, so that ten thousand of those need no more objects.
 */
import { TcpFlag } from "../packet/tcp-packet.ts";
import type { TcpPacket } from "../packet/tcp-packet.ts";
import { Endpoints } from "./endpoints.ts";
import { advance, distance } from "./sequence.ts";
import type { Direction } from "./types.ts";

/** A SYN that comes this close behind the data it opened is late, not new: packets of two queues change places. */
const LATE_SYN_BYTES = 1024 * 1024;

/** What is known of the connection beside its handshake. */
export interface Progress {
  /** Both directions are over, or the only one that was captured is. */
  readonly isClosed: boolean;
  /** Nothing but SYNs and empty packets so far. */
  readonly isOpening: boolean;
  /** Packets of both directions were captured. */
  readonly isTwoSided: boolean;
  /** Next byte to tell of the direction of the SYN. */
  readonly position: number;
}

export class Handshake extends Endpoints {
  /** Where each side's SYN was, once it was seen. */
  #clientIsn: number | undefined = undefined;
  #serverIsn: number | undefined = undefined;
  /** Bytes on the client's SYN, which the answer may acknowledge or not (RFC 7413). */
  #earlyBytes = 0;
  /** The client sent a SYN that this connection cannot use; whether it opens another one, the answer tells (RFC 5961 4). */
  #rivalIsn: number | undefined = undefined;

  /** A SYN of this connection, with or without ACK. */
  noteSyn(packet: TcpPacket, direction: Direction): void {
    if (direction === 0) {
      this.#clientIsn = packet.sequence;
      const bytes = packet.end - packet.start + packet.missingBytes;
      this.#earlyBytes = Math.max(this.#earlyBytes, bytes);
    } else {
      this.#serverIsn = packet.sequence;
    }
  }

  /** Whether this SYN opens another connection. */
  isReplacedBy(packet: TcpPacket, direction: Direction, progress: Progress): boolean {
    return (packet.flags & TcpFlag.ack) === 0
      ? this.#isOpenedAnew(packet, direction, progress)
      : this.#isAnswerToAnother(packet, direction, progress);
  }

  /** Whether this SYN is none of this connection's, and opens no other as far as one can see. */
  isStray(packet: TcpPacket, direction: Direction): boolean {
    const isAnswer = (packet.flags & TcpFlag.ack) !== 0;
    return !isAnswer && direction === 0 && packet.sequence === this.#rivalIsn;
  }

  /** There was such a SYN. */
  get hasRival(): boolean {
    return this.#rivalIsn !== undefined;
  }

  /** Whether this packet belongs to the connection that such a SYN opened: its answer was not captured. */
  isOfRival(packet: TcpPacket, direction: Direction): boolean {
    const rivalIsn = this.#rivalIsn;
    if (rivalIsn === undefined || direction !== 0) return false;
    return packet.sequence === advance(rivalIsn, 1);
  }

  #isOpenedAnew({ sequence, start, end }: TcpPacket, direction: Direction, now: Progress): boolean {
    const isn = direction === 0 ? this.#clientIsn : this.#serverIsn;
    const known = isn !== undefined;
    if (sequence === isn) return false;
    // Both opened at once.
    if (!known && now.isOpening) return false;
    if (now.isClosed) return true;
    if (!known) {
      const behind = distance(now.position, advance(sequence, 1));
      if (behind >= 0 && behind <= LATE_SYN_BYTES) return false;
    }
    // The server of an open connection challenges it; only when it answers with a SYN is the old one over.
    if (direction !== 0 || now.isOpening || !now.isTwoSided || end !== start) return true;
    this.#rivalIsn = sequence;
    return false;
  }

  #isAnswerToAnother(packet: TcpPacket, direction: Direction, { isClosed }: Progress): boolean {
    const isn = direction === 0 ? this.#clientIsn : this.#serverIsn;
    if (isClosed) return packet.sequence !== isn;
    if (direction === 0) return false;
    const opener = advance(packet.acknowledgment, -1);
    if (opener === this.#rivalIsn) return true;
    if (this.#clientIsn === undefined) return false;
    // The answer to a SYN that was not captured.
    const early = distance(opener, this.#clientIsn);
    return early < 0 || early > this.#earlyBytes;
  }
}
