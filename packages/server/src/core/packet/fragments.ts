/**
 * Puts fragmented datagrams together again. Sans-IO, by packet time, within bounds.
 *
 * Overlaps: IPv6 discards the datagram and whatever else comes of it (RFC 5722); IPv4 keeps the bytes that came
 * first and counts. Exact duplicates are harmless in both.
 */
import { ByteRanges } from "../byte-ranges.ts";
import type { DecodeCounters } from "./decode-counters.ts";

/** Longest payload of a datagram: lengths are 16 bits, in bytes. */
const DATAGRAM_BYTES_MAX = 65_535;
/** As long as Linux waits for the rest, in seconds. */
const FRAGMENT_WAIT_SECONDS = 30;
/** All fragments together, the default of Linux, in bytes. */
export const FRAGMENT_MEMORY_BYTES_MAX: number = 4 * 1024 * 1024;
/** An entry without fragments: the object, its key and its place in the map, in bytes. */
const DATAGRAM_OVERHEAD_BYTES = 512;

interface Datagram {
  readonly ranges: ByteRanges;
  readonly startedSeconds: number;
  /** Known once the last fragment came; -1 before. */
  totalBytes: number;
  /** IPv6: what the first fragment's header says follows. */
  nextHeader: number;
  discarded: boolean;
}

export interface Fragment {
  readonly key: string;
  readonly family: 4 | 6;
  readonly nextHeader: number;
  readonly offset: number;
  readonly more: boolean;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly seconds: number;
}

export interface Reassembled {
  readonly bytes: Uint8Array;
  readonly nextHeader: number;
}

export class Fragments {
  readonly #counters: DecodeCounters;
  /** In order of their beginning. */
  readonly #datagrams: Map<string, Datagram> = new Map();
  #costBytes = 0;

  constructor(counters: DecodeCounters) {
    this.#counters = counters;
  }

  /** What the fragments held take in memory, by estimate. */
  get costBytes(): number {
    return this.#costBytes;
  }

  /** A piece of it is here. */
  knows(key: string): boolean {
    return this.#datagrams.has(key);
  }

  add(fragment: Fragment): Reassembled | undefined {
    this.#expire(fragment.seconds);
    const length = fragment.end - fragment.start;
    const ragged = fragment.more && length % 8 !== 0;
    if (length === 0 || ragged || fragment.offset + length > DATAGRAM_BYTES_MAX) {
      this.#counters.fragmentsRefused += 1;
      return undefined;
    }
    let datagram = this.#datagrams.get(fragment.key);
    if (datagram === undefined) {
      datagram = {
        ranges: new ByteRanges(),
        startedSeconds: fragment.seconds,
        totalBytes: -1,
        nextHeader: -1,
        discarded: false,
      };
      this.#datagrams.set(fragment.key, datagram);
      this.#costBytes += DATAGRAM_OVERHEAD_BYTES;
    }
    if (datagram.discarded || !this.#fits(fragment, datagram, length)) {
      this.#counters.fragmentsRefused += 1;
      return undefined;
    }
    this.#insert(fragment, datagram, length);
    return this.#complete(fragment.key, datagram);
  }

  /** Two ends that differ, or bytes behind the end: no honest sender does that. */
  #fits(fragment: Fragment, datagram: Datagram, length: number): boolean {
    const end = fragment.offset + length;
    if (datagram.totalBytes < 0) {
      const { last } = datagram.ranges;
      return fragment.more || last === undefined || last.at + last.length <= end;
    }
    return fragment.more ? end <= datagram.totalBytes : end === datagram.totalBytes;
  }

  #insert(fragment: Fragment, datagram: Datagram, length: number): void {
    const { ranges } = datagram;
    const before = ranges.costBytes;
    ranges.insert(fragment.offset, fragment.bytes, fragment.start, fragment.end, 0, 0);
    this.#costBytes += ranges.costBytes - before;
    if (!fragment.more) datagram.totalBytes = fragment.offset + length;
    if (fragment.offset === 0) datagram.nextHeader = fragment.nextHeader;
    if (ranges.duplicateBytes === length && ranges.conflicts === 0) {
      this.#counters.fragmentsDuplicate += 1;
      return;
    }
    this.#counters.fragmentsHeld += 1;
    if (ranges.duplicateBytes > 0) {
      if (fragment.family === 6) this.#discard(datagram);
      else this.#counters.fragmentOverlaps += 1;
    }
    while (this.#costBytes > FRAGMENT_MEMORY_BYTES_MAX) this.#evictOldest();
  }

  #complete(key: string, datagram: Datagram): Reassembled | undefined {
    const { ranges, totalBytes } = datagram;
    if (datagram.discarded || ranges.bytes !== totalBytes || !this.#datagrams.has(key)) {
      return undefined;
    }
    const bytes = new Uint8Array(totalBytes);
    this.#forget(key, datagram);
    for (let range = ranges.shift(); range !== undefined; range = ranges.shift()) {
      if (range.bytes !== undefined) bytes.set(range.bytes, range.at);
    }
    this.#counters.datagramsReassembled += 1;
    return { bytes, nextHeader: datagram.nextHeader };
  }

  /** The entry stays until its time is over, so that the rest of it is refused as well. */
  #discard(datagram: Datagram): void {
    this.#counters.datagramsOverlapping += 1;
    datagram.discarded = true;
    this.#costBytes -= datagram.ranges.costBytes;
    while (datagram.ranges.shift() !== undefined);
  }

  #expire(seconds: number): void {
    for (const [key, datagram] of this.#datagrams) {
      if (seconds - datagram.startedSeconds <= FRAGMENT_WAIT_SECONDS) return;
      if (!datagram.discarded) this.#counters.datagramsTimedOut += 1;
      this.#forget(key, datagram);
    }
  }

  #evictOldest(): void {
    for (const [key, datagram] of this.#datagrams) {
      if (!datagram.discarded) this.#counters.datagramsEvicted += 1;
      this.#forget(key, datagram);
      return;
    }
  }

  #forget(key: string, datagram: Datagram): void {
    this.#datagrams.delete(key);
    this.#costBytes -= DATAGRAM_OVERHEAD_BYTES + datagram.ranges.costBytes;
  }
}
