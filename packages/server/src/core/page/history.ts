/**
 * What a run did, second by second for ten minutes and minute by minute for a day, so that who looks late sees it, too. Sans-IO.
 * In: one row of figures a second, in the order of `columns`. Out: the rows that are kept, the oldest first.
 *
 * Memory is taken once, at the beginning: two rings of numbers. A second that nobody wrote (a suspended machine) is not there; rows
 * carry their time.
 */

/** How a column's seconds become a minute: rates and gauges by their mean, times by their worst. */
export type Merge = "mean" | "max";

export interface Column {
  readonly name: string;
  readonly merge: Merge;
}

const SECONDS_KEPT = 600;
const MINUTES_KEPT = 1440;
const SECONDS_A_MINUTE = 60;

export interface HistoryRow {
  /** Seconds since the Unix epoch at which it ended. */
  readonly at: number;
  /** NaN where there is nothing to say, such as the latency of a second without an answer. */
  readonly values: readonly number[];
}

export class History {
  readonly columns: readonly Column[];
  readonly #seconds: RowRing;
  readonly #minutes: RowRing;
  /** Of the minute under way. */
  #sums: Float64Array;
  #counts: Float64Array;
  #minute = -1;

  constructor(columns: readonly Column[]) {
    this.columns = columns;
    this.#seconds = new RowRing(columns.length, SECONDS_KEPT);
    this.#minutes = new RowRing(columns.length, MINUTES_KEPT);
    this.#sums = new Float64Array(columns.length);
    this.#counts = new Float64Array(columns.length);
  }

  add(at: number, values: readonly number[]): void {
    const minute = Math.floor(at / SECONDS_A_MINUTE);
    if (this.#minute >= 0 && minute !== this.#minute) this.#closeMinute();
    this.#minute = minute;
    this.#seconds.push(at, values);
    for (const [i, { merge }] of this.columns.entries()) {
      const value = values[i] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      const sum = this.#sums[i] ?? 0;
      this.#sums[i] = merge === "mean" ? sum + value : Math.max(sum, value);
      this.#counts[i] = (this.#counts[i] ?? 0) + 1;
    }
  }

  seconds(): HistoryRow[] {
    return this.#seconds.rows();
  }

  minutes(): HistoryRow[] {
    return this.#minutes.rows();
  }

  #closeMinute(): void {
    const values = this.columns.map(({ merge }, i) => {
      const count = this.#counts[i] ?? 0;
      if (count === 0) return Number.NaN;
      const sum = this.#sums[i] ?? 0;
      return merge === "mean" ? sum / count : sum;
    });
    this.#minutes.push((this.#minute + 1) * SECONDS_A_MINUTE, values);
    this.#sums.fill(0);
    this.#counts.fill(0);
  }
}

/** The last so many rows of numbers, in one piece of memory. */
class RowRing {
  readonly #width: number;
  readonly #rowsMax: number;
  readonly #times: Float64Array;
  readonly #values: Float32Array;
  #next = 0;
  #length = 0;

  constructor(width: number, rowsMax: number) {
    this.#width = width;
    this.#rowsMax = rowsMax;
    this.#times = new Float64Array(rowsMax);
    this.#values = new Float32Array(rowsMax * width);
  }

  push(at: number, values: readonly number[]): void {
    const start = this.#next * this.#width;
    for (let i = 0; i < this.#width; i += 1) this.#values[start + i] = values[i] ?? Number.NaN;
    this.#times[this.#next] = at;
    this.#next = (this.#next + 1) % this.#rowsMax;
    this.#length = Math.min(this.#length + 1, this.#rowsMax);
  }

  rows(): HistoryRow[] {
    const rows: HistoryRow[] = [];
    for (let i = 0; i < this.#length; i += 1) {
      const place = (this.#next - this.#length + i + this.#rowsMax) % this.#rowsMax;
      const start = place * this.#width;
      rows.push({
        at: this.#times[place] ?? 0,
        values: Array.from(this.#values.subarray(start, start + this.#width)),
      });
    }
    return rows;
  }
}
