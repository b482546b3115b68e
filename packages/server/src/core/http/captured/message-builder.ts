/**
 * Puts one message of a stream together: its bytes within their bounds, its times, and the counts of where its bytes went.
 * Knows nothing of framing.
 */
import { MessageBytes } from "./message-bytes.ts";
import type { HeadScan } from "../head/head-scan.ts";
import type { StreamLimits, StreamTally } from "./stream-limits.ts";
import { StreamMessage } from "./stream-message.ts";

export class MessageBuilder {
  /** The message whose head is whole and whose body is not. */
  message: StreamMessage | undefined;
  /** Bytes of the unfinished head or message, kept or not. */
  pending = 0;
  /** Where and when the unfinished head began. */
  headOffset = 0;
  headSeconds = 0;
  headNanoseconds = 0;
  readonly bytes: MessageBytes;
  readonly #tally: StreamTally;
  readonly #limits: StreamLimits;
  #keeping = true;
  #keepMax = 0;

  constructor(tally: StreamTally, limits: StreamLimits) {
    this.#tally = tally;
    this.#limits = limits;
    this.bytes = new MessageBytes(tally);
  }

  startHead(offset: number, seconds: number, nanoseconds: number): void {
    this.headOffset = offset;
    this.headSeconds = seconds;
    this.headNanoseconds = nanoseconds;
  }

  addHead(chunk: Uint8Array, start: number, end: number): void {
    this.bytes.add(chunk, start, end);
    this.pending += end - start;
  }

  /** The head is whole, or as whole as it will be. */
  begin(scan: HeadScan): StreamMessage {
    const message = new StreamMessage();
    message.startSeconds = this.headSeconds;
    message.startNanoseconds = this.headNanoseconds;
    message.endSeconds = this.headSeconds;
    message.endNanoseconds = this.headNanoseconds;
    message.streamOffset = this.headOffset;
    message.method = scan.method;
    message.status = scan.status;
    message.isReplay = scan.isReplay;
    this.message = message;
    this.#keeping = true;
    return message;
  }

  /** What is held now is the head; from here on it is the body that is bounded. `bytes`: its length, 0 when unknown. */
  startBody(bytes: number): void {
    this.#keepMax = this.bytes.length + this.#limits.bodyBytesMax;
    this.bytes.expect(bytes);
  }

  addBody(
    chunk: Uint8Array,
    start: number,
    end: number,
    seconds: number,
    nanoseconds: number,
  ): void {
    const { message } = this;
    if (message === undefined || start === end) return;
    this.pending += end - start;
    message.endSeconds = seconds;
    message.endNanoseconds = nanoseconds;
    if (!this.#keeping) return;
    const room = Math.max(0, this.#keepMax - this.bytes.length);
    const isOver = this.#tally.heldBytes + end - start > this.#tally.heldBytesMax;
    if (isOver || end - start > room) {
      this.bytes.add(chunk, start, isOver ? start : start + room);
      this.#keeping = false;
      message.truncated = true;
    } else {
      this.bytes.add(chunk, start, end);
    }
  }

  /** Bytes are missing: what follows must not be joined to what came before. */
  breakBody(): void {
    this.#keeping = false;
    if (this.message === undefined) return;
    this.message.incomplete = true;
    this.message.hasHole = true;
    if (!this.#tally.keepsIncomplete) this.bytes.clear();
  }

  /** Counts the message and lets go of it. */
  finish(message: StreamMessage): void {
    const tally = this.#tally;
    // To join what nobody takes would double it.
    if (message.incomplete && !tally.keepsIncomplete) this.bytes.clear();
    else if (message.raw.length === 0) message.raw = this.bytes.take();
    if (message.incomplete) tally.incompleteBytes += this.pending;
    else tally.messageBytes += this.pending;
    if (message.ambiguity !== "") tally.ambiguous(message.ambiguity);
    if (message.truncated) tally.truncated += 1;
    this.message = undefined;
    this.pending = 0;
  }

  /** What was held is no message. */
  drop(reason: string): void {
    this.#tally.skipped(reason, this.pending);
    this.bytes.clear();
    this.pending = 0;
  }

  /** What was held is to be read in another way; it counts as unread again. */
  giveBack(): Uint8Array {
    this.pending = 0;
    return this.bytes.take();
  }
}
