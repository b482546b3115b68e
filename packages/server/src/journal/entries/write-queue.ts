/**
 * Frames that wait to be written: taken in groups as far as there is room, put back when the disk fails, and then held
 * back for a while. What bounds it is the credit that producers have: nothing here is acknowledged.
 */
import type { WireRecord } from "@mirrorball/protocol";

/** Bytes of one group: several credit windows; larger ones only make the first frame wait for the last. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;
/** Milliseconds between attempts while the disk fails: doubled from the first to the second. */
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 4000;

export interface WaitingFrame {
  readonly producer: string;
  readonly service: string;
  readonly seq: number;
  readonly payload: Uint8Array;
  /** Undefined: nothing more will come from the producer. */
  readonly records: readonly WireRecord[] | undefined;
  /** Called when it is on disk. */
  readonly safe: () => void;
}

export class WriteQueue {
  readonly #due: () => void;
  #waiting: WaitingFrame[] = [];
  #timer: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MS_MIN;

  /** `due` is called when frames that were put back may be tried again. */
  constructor(due: () => void) {
    this.#due = due;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** True when `take` would give something, given room. */
  get ready(): boolean {
    return this.#waiting.length > 0 && this.#timer === undefined;
  }

  push(frame: WaitingFrame): void {
    this.#waiting.push(frame);
  }

  /** The next group; it overshoots `roomBytes` by one frame at most. */
  take(roomBytes: number): WaitingFrame[] {
    if (this.#timer !== undefined) return [];
    let bytes = 0;
    let count = 0;
    for (const { payload } of this.#waiting) {
      if (bytes >= Math.min(GROUP_BYTES_MAX, roomBytes)) break;
      bytes += payload.length;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  putBack(frames: readonly WaitingFrame[]): void {
    if (frames.length === 0) return;
    this.#waiting = [...frames, ...this.#waiting];
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#due();
    }, this.#retryMs).unref();
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
  }

  succeeded(): void {
    this.#retryMs = RETRY_MS_MIN;
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
