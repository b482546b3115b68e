/**
 * The requests of exchanges that differ, as bytes, for the commands that replay them. In: requests, and how many of their place are kept. Out: a
 * copy, or nothing. Bounded: the first ones are kept as long as there is room for all, then only a few of each place.
 */
import type { Message } from "@mirrorball/protocol";

const REQUEST_BYTES_MAX = 32 * 1024;
/** Kept whatever they are; and in all, when only a few of a place are. */
const BYTES_MAX: number = 16 * 1024 * 1024;
const BYTES_AT_MOST: number = 2 * BYTES_MAX;
/** A report shows three examples of a difference. */
const OF_A_PLACE_MIN = 6;

export class RequestKeeper {
  #bytes = 0;

  /** `known`: exchanges that differ at the rarest of the same places. */
  keep({ http }: Message, known: number): Uint8Array | undefined {
    const size = http.byteLength;
    const limit = known < OF_A_PLACE_MIN ? BYTES_AT_MOST : BYTES_MAX;
    if (size > REQUEST_BYTES_MAX || this.#bytes + size > limit) return undefined;
    this.#bytes += size;
    // What came in a parcel is a part of it: kept by itself it would keep the whole.
    return Uint8Array.from(http.raw);
  }
}
