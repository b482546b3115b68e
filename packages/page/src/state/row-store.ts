/**
 * Rows by number, the newest first, up to a bound. Pure. In: rows as they come, newest at the top or older ones at the bottom. Out: the row at a
 * place. Both ends only grow, so that a hundred thousand rows cost nothing a row that comes.
 */
import type { Page } from "@mirrorball/server";

type Row = Page.Row;

export const ROWS_MAX = 100_000;
/** Rows that are forgotten at once when there are too many. */
const TRIM = 5000;

export class RowStore {
  /** Ascending; those that came while we looked. */
  #newer: Row[] = [];
  /** Descending; those that were there. */
  readonly #older: Row[] = [];

  get length(): number {
    return this.#newer.length + this.#older.length;
  }

  get newestSeq(): number {
    return this.#newer.at(-1)?.seq ?? this.#older[0]?.seq ?? 0;
  }

  /** The row at this place, 0 the newest; `skip` of the newest ones are passed over. */
  at(index: number, skip = 0): Row | undefined {
    const place = index + skip;
    const { length } = this.#newer;
    return place < length ? this.#newer[length - 1 - place] : this.#older[place - length];
  }

  /** How many rows are newer than this number. */
  newerThan(seq: number): number {
    const place = placeIn(this.#newer, seq, 1);
    const isThere = this.#newer[place]?.seq === seq;
    const inNewer = this.#newer.length - place - (isThere ? 1 : 0);
    if (inNewer < this.#newer.length || this.#older.length === 0) return inNewer;
    return inNewer + placeIn(this.#older, seq, -1);
  }

  /** The place of a row; undefined when it is not here. */
  placeOf(seq: number): number | undefined {
    const place = this.newerThan(seq);
    return this.at(place)?.seq === seq ? place : undefined;
  }

  /** Older rows, the newest of them first. */
  append(rows: readonly Row[]): void {
    for (const row of rows) {
      const last = this.#older.at(-1)?.seq ?? this.#newer[0]?.seq ?? Number.POSITIVE_INFINITY;
      if (row.seq < last) this.#older.push(row);
      else this.put(row);
    }
  }

  /** A new row, or one that changed. */
  put(row: Row): void {
    const newestOld = this.#older[0]?.seq ?? 0;
    const [list, direction] = row.seq > newestOld ? [this.#newer, 1] : [this.#older, -1];
    const place = placeIn(list, row.seq, direction);
    if (list[place]?.seq === row.seq) list[place] = row;
    else if (place === list.length) list.push(row);
    else list.splice(place, 0, row);
    if (this.length > ROWS_MAX) this.#trim();
  }

  clear(): void {
    this.#newer = [];
    this.#older.length = 0;
  }

  #trim(): void {
    if (this.#older.length > 0) this.#older.length = Math.max(0, this.#older.length - TRIM);
    else this.#newer = this.#newer.slice(TRIM);
  }
}

/** Where the number stands or belongs in a list that ascends (1) or descends (-1). */
function placeIn(list: readonly Row[], seq: number, direction: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (((list[middle]?.seq ?? 0) - seq) * direction < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
