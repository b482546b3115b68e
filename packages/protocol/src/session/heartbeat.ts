/**
 * Whether the other end still lives. In: that it was heard, and the time. Out: that it should be asked, or is to be given up. Each end of a
 * connection has one; it knows nothing of frames.
 */
import { HEARTBEAT_DEAD_MS, HEARTBEAT_IDLE_MS } from "../limits.ts";

export class Heartbeat {
  #heardAtMs: number;
  #askedAtMs: number;

  constructor(nowMs: number) {
    this.#heardAtMs = nowMs;
    this.#askedAtMs = nowMs;
  }

  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  isDead(nowMs: number): boolean {
    return nowMs - this.#heardAtMs > HEARTBEAT_DEAD_MS;
  }

  /** True when it is time for a PING, once until the next is due. */
  asks(nowMs: number): boolean {
    if (nowMs - Math.max(this.#heardAtMs, this.#askedAtMs) <= HEARTBEAT_IDLE_MS) return false;
    this.#askedAtMs = nowMs;
    return true;
  }
}

export const DEAD_TEXT: string = `nothing heard for ${HEARTBEAT_DEAD_MS} ms`;
