/**
 * Whether a producer uses the credit that it asked for: others may wait for it. In: what was granted, that bytes have come, the time.
 * Out: yes or no.
 */

/** Milliseconds without a byte of a frame in which a producer may hold credit that it asked for and others wait for. */
const UNUSED_MS_MAX = 15_000;

export class CreditUse {
  /** DATA bytes granted, and those of them up to the last that was asked for, counted from the start of the connection. */
  #grantedBytes = 0;
  #askedBytes = 0;
  #usedAtMs = 0;

  granted(bytes: number, asked: boolean, nowMs: number): void {
    this.#grantedBytes += bytes;
    if (!asked) return;
    this.#askedBytes = this.#grantedBytes;
    this.#usedAtMs = nowMs;
  }

  /** Something of a frame has come. */
  used(nowMs: number): void {
    this.#usedAtMs = nowMs;
  }

  isIdle(receivedBytes: number, nowMs: number): boolean {
    return nowMs - this.#usedAtMs > UNUSED_MS_MAX && receivedBytes < this.#askedBytes;
  }
}
