/**
 * The recordings an output writes at the same time, by name: few of them open, some more remembered, so that the response of a
 * request goes on in its request's file. In: names. Out: series.
 */
import { Series } from "./series.ts";
import type { SeriesOptions } from "./series.ts";

/** Files open at once; the limit of a process is 1024 on many machines. */
const OPEN_MAX = 64;
/** Names remembered with their number: minutes of a busy service, a few megabytes. */
const REMEMBERED_MAX = 10_000;

export interface SeriesSetOptions extends SeriesOptions {
  /** Names come and come again; without, a new name ends the one before it. */
  readonly isPerMessage: boolean;
}

export class SeriesSet {
  readonly #options: SeriesSetOptions;
  /** The latest used last. */
  readonly #known: Map<string, Series> = new Map();
  readonly #open: Set<Series> = new Set();
  #last: Series | undefined;

  constructor(options: SeriesSetOptions) {
    this.#options = options;
  }

  /** The series of this name; counted as open from now on. */
  async get(name: string): Promise<Series> {
    const last = this.#last;
    if (last !== undefined && last.name === name) return last;
    const series = this.#known.get(name) ?? new Series(name, this.#options);
    this.#known.delete(name);
    this.#known.set(name, series);
    this.#open.delete(series);
    this.#open.add(series);
    this.#last = series;
    await this.#trim();
    return series;
  }

  /** False when it is to be closed after use. */
  isCounted(series: Series): boolean {
    return this.#open.has(series);
  }

  /** Gives the descriptors back; the next write to each opens its file by name again. */
  async closeFiles(): Promise<void> {
    for (const series of this.#open) await series.close();
  }

  async closeAll(): Promise<void> {
    for (const series of this.#open) await series.close();
    this.#open.clear();
  }

  async #trim(): Promise<void> {
    const openMax = this.#options.isPerMessage ? OPEN_MAX : 1;
    for (const series of this.#open) {
      if (this.#open.size <= openMax) break;
      this.#open.delete(series);
      await series.close();
    }
    for (const name of this.#known.keys()) {
      if (this.#known.size <= REMEMBERED_MAX) break;
      this.#known.delete(name);
    }
  }
}
