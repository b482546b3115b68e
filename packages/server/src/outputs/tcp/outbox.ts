/**
 * Between packed frames and the session that numbers them. With a journal a frame waits here until it is on disk which messages
 * are in it, so that a run after a crash knows what its receiver's answer means; without one it goes on at once.
 */
import { FRAME_HEADER_BYTES } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import type { OutputStream } from "../../component/types.ts";
import type { Packed } from "./frame-packer.ts";

export interface OutboxEvents {
  /** Its turn has come; frames come in order. */
  readonly ready: (packed: Packed) => void;
  /** Frames have become ready outside of a call. */
  readonly woken: () => void;
}

export class Outbox {
  /** Bytes of frames that wait. */
  waitingBytes = 0;
  readonly #stream: OutputStream | undefined;
  readonly #events: OutboxEvents;
  /** Packed, and in no frame yet that ends them. */
  #members: Message[] = [];

  constructor(stream: OutputStream | undefined, events: OutboxEvents) {
    this.#stream = stream;
    this.#events = events;
  }

  packed(message: Message): void {
    if (this.#stream !== undefined) this.#members.push(message);
  }

  frame(packed: Packed): void {
    if (this.#stream === undefined) {
      this.#events.ready(packed);
      return;
    }
    const bytes = FRAME_HEADER_BYTES + packed.payload.length;
    this.waitingBytes += bytes;
    this.#stream.write(this.#members.splice(0, packed.messages), () => {
      this.waitingBytes -= bytes;
      this.#events.ready(packed);
      this.#events.woken();
    });
  }
}
