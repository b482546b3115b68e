/**
 * Releases the two requests of a pair together, one for the target and one for the control, in an order that chance decides: whoever is asked
 * first always would see another state, other caches and another load. Sans-IO: randomness comes in, and the moment is the caller's.
 *
 * In: requests that are free to go on either side, those that a side will never have, and how many each side could send now. Out: for each
 * side the requests it may send. What a side will never have goes alone on the other; bounded, beyond the bound the oldest goes alone.
 */
import type { Message } from "@mirrorball/protocol";

export type Side = 0 | 1;

/** Pairs of which one side is free and the other is not: as many as a correlation holds. */
const HALVES_MAX = 4096;
/** Requests that one side said it will never have before the other one was free. */
const GONE_MAX = 65_536;

/** What a side of the pairing does when it is asked. */
export interface PairedSide {
  /** Requests that it could send at once. */
  readonly room: number;
  /** Gives it a request to send. */
  release(message: Message): void;
}

/** One side's place in a pairing. */
export interface PairedPlace {
  readonly side: Side;
  readonly release: PairedRelease;
}

interface Pair {
  readonly messages: [Message | undefined, Message | undefined];
}

export class PairedRelease {
  /** Free on one side only, the oldest first. */
  readonly #halves: Map<string, Pair> = new Map();
  /** Free on both sides, or on the only one that has it. */
  readonly #whole: Pair[] = [];
  readonly #gone: Set<string> = new Set();
  readonly #sides: [PairedSide | undefined, PairedSide | undefined] = [undefined, undefined];
  readonly #random: () => number;
  readonly #soon: (run: () => void) => void;
  #isPumping = false;
  #front = 0;
  /** Requests that went without the other of their pair. */
  alone = 0;

  /** `random`: from 0 to below 1. `soon`: calls later, so that neither side is ahead because it asked. */
  constructor(random: () => number, soon: (run: () => void) => void) {
    this.#random = random;
    this.#soon = soon;
  }

  /** Pairs that wait for room; a side need not bring more. */
  get waiting(): number {
    return this.#whole.length - this.#front;
  }

  join(side: Side, paired: PairedSide): void {
    this.#sides[side] = paired;
  }

  /** Its side may send it; it goes when the other side may, too. */
  ready(side: Side, message: Message): void {
    const known = this.#halves.get(message.id);
    const pair = known ?? { messages: [undefined, undefined] };
    pair.messages[side] = message;
    const isWhole = pair.messages.every((each) => each !== undefined);
    if (isWhole || this.#gone.delete(message.id)) return this.#complete(message.id, pair);
    this.#halves.set(message.id, pair);
    if (this.#halves.size <= HALVES_MAX) return;
    const [oldest] = this.#halves;
    if (oldest === undefined) return;
    this.#complete(...oldest);
    // The other one, when it comes, goes alone, too.
    this.#gone.add(oldest[0]);
  }

  /** A side will never have it. */
  gone(id: string): void {
    const half = this.#halves.get(id);
    if (half !== undefined) {
      this.#complete(id, half);
      return this.pumpSoon();
    }
    this.#gone.add(id);
    if (this.#gone.size <= GONE_MAX) return;
    const [oldest] = this.#gone;
    if (oldest !== undefined) this.#gone.delete(oldest);
  }

  /** Gives both sides what both have room for, a moment later. */
  pumpSoon(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#soon(() => {
      this.#isPumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    for (let pair = this.#whole[this.#front]; pair !== undefined; pair = this.#whole[this.#front]) {
      if (!([0, 1] as const).every((side) => this.#hasRoom(side, pair))) return;
      this.#front += 1;
      const first: Side = this.#random() < 0.5 ? 0 : 1;
      this.#release(first, pair);
      this.#release(first === 0 ? 1 : 0, pair);
    }
    this.#whole.length = 0;
    this.#front = 0;
  }

  #complete(id: string, pair: Pair): void {
    this.#halves.delete(id);
    this.#whole.push(pair);
    if (pair.messages.includes(undefined)) this.alone += 1;
  }

  #hasRoom(side: Side, { messages }: Pair): boolean {
    return messages[side] === undefined || (this.#sides[side]?.room ?? 0) > 0;
  }

  #release(side: Side, { messages }: Pair): void {
    const message = messages[side];
    if (message !== undefined) this.#sides[side]?.release(message);
  }
}
