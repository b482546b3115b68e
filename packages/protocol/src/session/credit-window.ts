/**
 * What a producer may send on one connection, kept by the consumer. In: bytes that came, bytes that are free again, more credit. Out: how far it may
 * go, whether it went beyond. All figures but the window count from the start of the connection.
 */
import { CREDIT_WINDOW_BYTES, FRAME_HEADER_BYTES, FRAME_PAYLOAD_BYTES_MAX } from "../limits.ts";

export const CREDIT_EXCEEDED = "the producer sent more than it was granted";

export interface CreditEvents {
  /** So many bytes that were granted are used and free again. */
  readonly freed: (bytes: number) => void;
  /** The producer needs this much credit, counted from the start of the connection, for its next frame, for two, and so on. */
  readonly wanted: (creditBytes: readonly number[]) => void;
}

export interface CreditOptions {
  readonly windowBytes?: number;
  /** Who grants credit, when it is not simply given back as frames are taken: then `grant` is called, also within `resume`. */
  readonly credit?: CreditEvents;
}

export class CreditWindow {
  /** Granted, and not free again. */
  windowBytes: number;
  /** Bytes of DATA that have come. */
  receivedBytes = 0;
  #acceptedBytes = 0;
  readonly #events: CreditEvents | undefined;

  constructor({ windowBytes = CREDIT_WINDOW_BYTES, credit }: CreditOptions) {
    this.windowBytes = credit === undefined ? windowBytes : 0;
    this.#events = credit;
  }

  /** The most that the producer may have sent. */
  get creditBytes(): number {
    return this.#acceptedBytes + this.windowBytes;
  }

  covers(bytes: number): boolean {
    return this.receivedBytes + bytes <= this.creditBytes;
  }

  free(bytes: number): void {
    this.#acceptedBytes += bytes;
    if (this.#events === undefined) return;
    this.windowBytes -= bytes;
    this.#events.freed(bytes);
  }

  /** False for figures that do not tell of frames: a step is at most the largest frame. */
  want(wanted: readonly number[]): boolean {
    const isFrame = (creditBytes: number, i: number): boolean =>
      creditBytes - (wanted[i - 1] ?? this.receivedBytes) <=
      FRAME_HEADER_BYTES + FRAME_PAYLOAD_BYTES_MAX;
    if (!wanted.every(isFrame)) return false;
    this.#events?.wanted(wanted);
    return true;
  }
}
