/**
 * Which entries a journal holds, and how many bytes lie between any two: each entry tells how many were ever written up to it.
 * In: what was written and removed. Out: counts. Reads entries, writes none.
 */
import { decodeEntry } from "../../core/journal/entry.ts";
import type { JournalEntry } from "../../core/journal/entry.ts";

/** Where things are moves on by this share of the distance before it is looked for again. */
const SEARCH_STEP_SHARE = 1 / 16;

export interface StoredEntries {
  readonly firstEntry: number | undefined;
  readonly lastEntry: number | undefined;
  entry(number: number): Buffer | undefined;
}

export class EntryRange {
  first: number;
  last: number;
  /** Payload bytes ever written up to the last entry. */
  total: number;
  readonly #store: StoredEntries;
  /** The same up to the one before the first. */
  #totalBeforeFirst: number;
  #firstWithin = 0;
  #searchedAtTotal = -Infinity;

  /** `lastWhenEmpty`: where the numbers go on when there is no entry left. */
  constructor(store: StoredEntries, lastWhenEmpty: number) {
    this.#store = store;
    this.last = store.lastEntry ?? lastWhenEmpty;
    this.first = store.firstEntry ?? this.last + 1;
    const first = this.#at(this.first);
    this.total = this.#at(this.last)?.total ?? 0;
    this.#totalBeforeFirst = first === undefined ? this.total : first.total - first.payload.length;
  }

  /** Payload bytes of all entries. */
  get bytes(): number {
    return this.total - this.#totalBeforeFirst;
  }

  get entries(): number {
    return this.last + 1 - this.first;
  }

  /** Entries up to `last` are written, with `total` bytes in all. */
  written(last: number, total: number): void {
    this.last = last;
    this.total = total;
  }

  /** Entries before `entry` are gone. */
  removed(entry: number): void {
    if (entry <= this.first) return;
    this.first = entry;
    const first = this.#at(entry);
    if (first !== undefined) this.#totalBeforeFirst = first.total - first.payload.length;
  }

  /** Bytes of the entries behind this one. */
  bytesBehind(entry: number): number {
    return this.total - (this.#at(entry)?.total ?? 0);
  }

  /** About the first entry that has at most so many bytes behind it; rather one that has a few more. Ask with one figure. */
  firstWithin(bytes: number): number {
    if (this.total - this.#searchedAtTotal < bytes * SEARCH_STEP_SHARE) return this.#firstWithin;
    this.#searchedAtTotal = this.total;
    let low = this.first;
    let high = this.last + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.bytesBehind(middle) > bytes) low = middle + 1;
      else high = middle;
    }
    this.#firstWithin = low;
    return low;
  }

  #at(number: number): JournalEntry | undefined {
    const bytes = this.#store.entry(number);
    return bytes === undefined ? undefined : decodeEntry(bytes);
  }
}
