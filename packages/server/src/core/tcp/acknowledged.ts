/**
 * How far one direction of a connection is: what was told, what the receiver says it has, and whether that can be. A base of
 * the assembler and not a part of it, because every packet looks at it. Sans-IO; knows nothing of bytes.
 *
 * An acknowledgement is only a claim: late ones of an earlier connection and challenges of a server that knows another one
 * (RFC 5961) name any place in the sequence space. It is believed when the sender may have sent that much (the receiver's
 * window), or when data of about that place was captured.
 */
import type { HeldBytes } from "./held-bytes.ts";
import { AHEAD_BYTES_MAX } from "./limits.ts";
import { advance, distance } from "./sequence.ts";

/** The largest window without scaling; receivers whose window was not seen, or is closed now, had one like that. */
const PLAIN_WINDOW_BYTES = 65_535;
/** Where the handshake was not captured: Linux scales its usual largest buffer, 6 MiB, by that. */
const USUAL_SCALE = 7;
const SCALE_MAX = 14;

export class Acknowledged {
  /** Next sequence number to tell; valid once `started`. */
  position = 0;
  started = false;
  /** A packet of this direction was captured. */
  seen = false;
  /** The highest that the peer acknowledged and that was believed. */
  acknowledged: number | undefined = undefined;
  /** The receiver's window as its last packet has it, not scaled. */
  window = 0;
  /** Where the FIN is, once one was seen. */
  finAt: number | undefined = undefined;
  #scale = USUAL_SCALE;
  /** Where a FIN must have been that was not captured. */
  #assumedFin: number | undefined = undefined;

  /** The receiver's SYN says how its window is to be read; -1: plainly. */
  setScale(scale: number): void {
    this.#scale = Math.min(Math.max(scale, 0), SCALE_MAX);
  }

  /** What the sender may send ahead of what the receiver has, and a little more. */
  get windowBytes(): number {
    return Math.max(this.window << this.#scale, PLAIN_WINDOW_BYTES);
  }

  /** Bytes that the peer has and that are not told; below 1 for none. */
  get unseenBytes(): number {
    const { acknowledged } = this;
    return acknowledged === undefined ? 0 : distance(acknowledged, this.position);
  }

  /** The same, without the place of a FIN that will not be seen any more. */
  get awaitedBytes(): number {
    return this.#assumedFin === this.position ? 0 : this.unseenBytes;
  }

  /** The one byte that was acknowledged and not seen is a FIN, not a byte. */
  assumeFin(): void {
    this.#assumedFin = this.position;
  }

  /** To be called now and then: an acknowledgement half the sequence space ago would look like one ahead. */
  forgetStale(): void {
    const { acknowledged } = this;
    if (acknowledged === undefined) return;
    if (distance(this.position, acknowledged) > AHEAD_BYTES_MAX) this.acknowledged = undefined;
  }

  protected isAcknowledgedUpTo(sequence: number): boolean {
    const { acknowledged } = this;
    return acknowledged !== undefined && distance(acknowledged, sequence) >= 0;
  }

  /** Whether the receiver can have everything before `sequence`, `ahead` bytes beyond the position. */
  isCredible(sequence: number, ahead: number, held: HeldBytes | undefined): boolean {
    // Without a single packet of the sender nobody knows what he sent.
    if (!this.seen) return true;
    const { finAt } = this;
    if (finAt !== undefined && distance(sequence, finAt) > 1) return false;
    if (ahead <= this.windowBytes) return true;
    return held?.touches(advance(sequence, -this.windowBytes), sequence) === true;
  }
}
