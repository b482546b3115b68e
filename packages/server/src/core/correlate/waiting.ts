/**
 * Requests that are held until others are over. In: requests with what they wait for, and what is over. Out: requests that may go, in the
 * order they became free. Bounded in number and in bytes: beyond the bound the oldest goes as it is, and the reason is told.
 */
import type { Message } from "@mirrorball/protocol";
import { MinHeap } from "../min-heap.ts";

/** An exchange of the recording, on its way through one target. */
export interface Tracked {
  readonly id: string;
  readonly index: number;
  readonly session: number;
  readonly endpoint: string;
  readonly around: string | undefined;
  readonly startUs: number;
  /** When it ended in the recording, in microseconds since the Unix epoch; infinity while that is not known. */
  endUs: number;
  /** Answered by the target, or given up. */
  isOver: boolean;
  original?: Message | undefined;
  replayed?: Message | undefined;
  /** What its original gave out. */
  readonly values: string[];
  readonly waiters: Held[];
}

export interface Held {
  /** Undefined once it went. */
  message: Message | undefined;
  /** Exchanges that must be over first. */
  blockers: number;
  /** Everything that had ended before this moment must be over, in microseconds; undefined: nothing. */
  readonly afterUs: number | undefined;
  readonly sinceMs: number;
  state: "blocked" | "free" | "gone";
}

export interface Released {
  readonly message: Message;
  /** Why it goes although something it waits for is not over. */
  readonly why: "waited-too-long" | "too-many-waiting" | undefined;
}

const HELD_MAX = 10_000;
const HELD_BYTES_MAX: number = 64 * 1024 * 1024;
const COMPACT_STEP = 1024;

export class Waiting {
  waited = 0;
  readonly #waitMs: number;
  /** Every held request in the order it came; those that went are cut off the front. */
  #all: Held[] = [];
  readonly #free: Held[] = [];
  /** Nothing of their own keeps them; they wait for a moment of the recording to have passed. */
  readonly #later = new MinHeap<Held>(({ afterUs }) => afterUs ?? 0);
  #progressMs = 0;
  #front = 0;
  #freeFront = 0;
  #size = 0;
  #bytes = 0;

  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  get size(): number {
    return this.#size;
  }

  add(
    message: Message,
    blockers: readonly Tracked[],
    afterUs: number | undefined,
    nowMs: number,
  ): void {
    const held: Held = {
      message,
      blockers: blockers.length,
      afterUs,
      sinceMs: nowMs,
      state: blockers.length === 0 ? "free" : "blocked",
    };
    for (const blocker of blockers) blocker.waiters.push(held);
    if (blockers.length > 0) this.waited += 1;
    this.#all.push(held);
    if (held.state === "free") this.#unblocked(held);
    this.#size += 1;
    this.#bytes += message.http.byteLength;
  }

  /** An exchange is over: answered, or given up. */
  release(exchange: Tracked, nowMs: number): void {
    this.#progressMs = nowMs;
    for (const held of exchange.waiters) {
      held.blockers -= 1;
      if (held.blockers > 0 || held.state !== "blocked") continue;
      held.state = "free";
      this.#unblocked(held);
    }
    exchange.waiters.length = 0;
  }

  #unblocked(held: Held): void {
    if (held.afterUs === undefined) this.#free.push(held);
    else this.#later.push(held);
  }

  /** `earliestEndUs`: when the earliest exchange that is not over had ended. */
  next(nowMs: number, earliestEndUs: number): Released | undefined {
    const oldest = this.#oldest();
    if (oldest === undefined) return undefined;
    if (this.#deadlineOf(oldest) <= nowMs) {
      return this.#go(oldest, whyOf(oldest, earliestEndUs, "waited-too-long"));
    }
    if (this.#size > HELD_MAX || this.#bytes > HELD_BYTES_MAX) {
      return this.#go(oldest, whyOf(oldest, earliestEndUs, "too-many-waiting"));
    }
    const held = this.#nextFree() ?? this.#nextLater(earliestEndUs);
    return held === undefined ? undefined : this.#go(held, undefined);
  }

  #nextFree(): Held | undefined {
    for (
      let held = this.#free[this.#freeFront];
      held !== undefined;
      held = this.#free[this.#freeFront]
    ) {
      this.#freeFront += 1;
      if (held.state === "free") return held;
    }
    return undefined;
  }

  #nextLater(earliestEndUs: number): Held | undefined {
    for (let held = this.#later.first; held !== undefined; held = this.#later.first) {
      if (held.state === "free" && earliestEndUs <= (held.afterUs ?? 0)) return undefined;
      this.#later.pop();
      if (held.state === "free") return held;
    }
    return undefined;
  }

  get nextDeadlineMs(): number | undefined {
    const oldest = this.#oldest();
    return oldest === undefined ? undefined : this.#deadlineOf(oldest);
  }

  /** While answers come, whatever a request waits for is on its way: only silence is a reason to give up. */
  #deadlineOf({ sinceMs }: Held): number {
    return Math.max(sinceMs, this.#progressMs) + this.#waitMs;
  }

  #oldest(): Held | undefined {
    for (let held = this.#all[this.#front]; held !== undefined; held = this.#all[this.#front]) {
      if (held.state !== "gone") return held;
      this.#front += 1;
    }
    return undefined;
  }

  #go(held: Held, why: Released["why"]): Released | undefined {
    const { message } = held;
    if (message === undefined) return undefined;
    held.message = undefined;
    held.state = "gone";
    this.#size -= 1;
    this.#bytes -= message.http.byteLength;
    this.#compact();
    return { message, why };
  }

  /** Both lists are cut in steps, so that taking stays O(1), also while the oldest one is held and others pass it. */
  #compact(): void {
    if (this.#all.length > this.#size * 2 + COMPACT_STEP) {
      this.#all = this.#all.filter(({ state }) => state !== "gone");
      this.#front = 0;
    }
    if (this.#freeFront >= COMPACT_STEP && this.#freeFront * 2 > this.#free.length) {
      this.#free.splice(0, this.#freeFront);
      this.#freeFront = 0;
    }
  }
}

function whyOf(
  held: Held,
  earliestEndUs: number,
  why: NonNullable<Released["why"]>,
): Released["why"] {
  const isFree =
    held.state === "free" && (held.afterUs === undefined || earliestEndUs > held.afterUs);
  return isFree ? undefined : why;
}
