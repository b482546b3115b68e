/**
 * The frames that a producer keeps until they are settled, across any number of transports. In: frames, acknowledgements, credit, "a new
 * transport". Out: what to write now, what to ask credit for. It knows no handshake and no clock.
 */
import { FrameType, encodeFrame } from "../wire/frame.ts";
import { takeOut } from "./held-frame.ts";
import type { HeldFrame } from "./held-frame.ts";
import { CREDIT_WINDOW_BYTES, WANT_FRAMES_MAX } from "../limits.ts";

/** What is told to whoever made the frames. */
export interface SettleEvents {
  /** Called with each frame of one piece that is acknowledged: its memory is free. */
  readonly released?: (frame: Uint8Array) => void;
  /** Called for each settled frame, in order; `refusal` says why the receiver would not have what it held. */
  readonly settled?: (weight: number, told: number, refusal: string | undefined) => void;
}

export class UnackedFrames {
  /** Bytes of the frames that are held. */
  bytes = 0;
  /** Sums of the weights of all acknowledged payloads, and of what they told as lost. */
  ackedWeight = 0;
  ackedTold = 0;
  /** Frames sent again after a reconnect. */
  resent = 0;
  readonly #events: SettleEvents;
  /** Oldest first; the oldest has sequence number `#firstSeq`. */
  readonly #frames: HeldFrame[] = [];
  #firstSeq: number;
  /** How many of the held frames were written to the present transport. */
  #sent = 0;
  #highestSentSeq = 0;
  #sentBytes = 0;
  #creditBytes = 0;
  /** Credit that was asked for; while it is more than there is, more is on its way. */
  #wantedBytes = 0;
  /**
   * A receiver refused one of the frames up to this one and did not say which: they are sent one at a time, each when the
   * one before it is settled. `#steps` is how many may be under way: a piece of a large message is settled with its last one.
   */
  #stepUntilSeq = 0;
  #steps = 1;

  constructor(events: SettleEvents, firstSeq: number) {
    this.#events = events;
    this.#firstSeq = firstSeq;
  }

  get firstSeq(): number {
    return this.#firstSeq;
  }

  get nextSeq(): number {
    return this.#firstSeq + this.#frames.length;
  }

  get count(): number {
    return this.#frames.length;
  }

  /** Frames that wait for credit, or for a transport. */
  get unsent(): number {
    return this.#frames.length - this.#sent;
  }

  /** The numbers go on from here; only before anything is held. */
  goOnFrom(seq: number): void {
    this.#firstSeq = seq;
  }

  hold(pieces: readonly Uint8Array[], weight: number, told: number): void {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#frames.push({ pieces, bytes, weight, told, refusal: undefined });
    this.bytes += bytes;
  }

  /** All of them are to be sent again. */
  restart(): void {
    this.#sent = 0;
    this.#sentBytes = 0;
    this.#creditBytes = 0;
    this.#wantedBytes = 0;
    this.#steps = 1;
  }

  /** Adds what may be written now to `output`; returns the credit to ask for, when that is what is missing. */
  fill(output: Uint8Array[]): readonly number[] | undefined {
    for (let i = this.#sent; i < this.#frames.length; i += 1) {
      const frame = this.#frames[i];
      if (frame === undefined || (this.#stepping && i >= this.#steps)) return undefined;
      const { bytes } = frame;
      if (this.#sentBytes + bytes > this.#creditBytes) return this.#wanted();
      output.push(...frame.pieces);
      this.#sentBytes += bytes;
      this.#sent += 1;
      const seq = this.#firstSeq + this.#sent - 1;
      if (seq <= this.#highestSentSeq) this.resent += 1;
      else this.#highestSentSeq = seq;
    }
    return undefined;
  }

  /** Time has passed: one frame more may be under way, while they go one at a time. */
  stepOn(): void {
    if (this.#stepping && this.#sent === this.#steps) this.#steps += 1;
  }

  get #stepping(): boolean {
    return this.#firstSeq <= this.#stepUntilSeq;
  }

  /**
   * Tells of the frames that wait for credit, each of them, so that what is granted is used to the last byte. Credit of
   * several producers comes out of one budget, and what one holds and cannot use is nobody's.
   */
  #wanted(): readonly number[] | undefined {
    if (this.#wantedBytes > this.#creditBytes) return undefined;
    const wanted: number[] = [];
    let bytes = this.#sentBytes;
    const last = Math.min(this.#frames.length, this.#sent + WANT_FRAMES_MAX);
    for (let i = this.#sent; i < last; i += 1) {
      bytes += this.#frames[i]?.bytes ?? 0;
      if (wanted.length > 0 && bytes > this.#sentBytes + CREDIT_WINDOW_BYTES) break;
      wanted.push(bytes);
    }
    this.#wantedBytes = wanted.at(-1) ?? 0;
    return wanted;
  }

  /** The receiver names one that it would not have. */
  refused(seq: number, reason: string): void {
    const held = this.#frames[seq - this.#firstSeq];
    if (held !== undefined) held.refusal = reason;
  }

  /**
   * A receiver before minor version 3 closed the connection because of what some frame holds. It would be sent again, and refused
   * again, for ever: with one frame under way it is known which, and its place is kept by one without records.
   */
  findRefused(reason: string): void {
    const seq = this.#firstSeq + this.#sent - 1;
    const frame = this.#frames[this.#sent - 1];
    if (frame === undefined || (this.#sent > 1 && !this.#stepping)) {
      this.#stepUntilSeq = Math.max(this.#stepUntilSeq, seq);
      return;
    }
    this.bytes -= frame.bytes;
    takeOut(frame, seq, reason);
    this.bytes += frame.bytes;
  }

  /** All frames up to this one are safe; false, and nothing is settled, when it was never made. */
  settle(ackedSeq: number, creditBytes: number): boolean {
    if (ackedSeq >= this.nextSeq) return false;
    // Credit only grows; an older, smaller figure is late news.
    this.#creditBytes = Math.max(this.#creditBytes, creditBytes);
    const acked = this.#frames.splice(0, Math.max(0, ackedSeq - this.#firstSeq + 1));
    this.#firstSeq += acked.length;
    this.#sent = Math.max(0, this.#sent - acked.length);
    if (acked.length > 0) this.#steps = 1;
    for (const frame of acked) {
      this.ackedWeight += frame.refusal === undefined ? frame.weight : 0;
      this.ackedTold += frame.refusal === undefined ? frame.told : 0;
      this.#events.settled?.(frame.weight, frame.told, frame.refusal);
      this.bytes -= frame.bytes;
      const [whole] = frame.pieces;
      if (frame.pieces.length === 1 && whole !== undefined) this.#events.released?.(whole);
    }
    return true;
  }
}

/** A payload as a frame's pieces. */
export function dataFrame(seq: number, payload: Uint8Array): readonly Uint8Array[] {
  return encodeFrame(FrameType.data, seq, payload);
}
