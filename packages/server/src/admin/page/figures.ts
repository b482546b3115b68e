/**
 * The figures of one second, from two looks at the counters. In: counters, the requests that passed, live histograms of outputs. Out: a row of the
 * history. It counts nothing itself.
 */
import { Histogram } from "../../core/histogram.ts";
import type { Column } from "../../core/page/history.ts";
import type { Counters, OutputCounters } from "../../engine/accounting/counters.ts";

/** Outputs that get lines of their own; runs with more have them in the books only. */
const OUTPUTS_MAX = 8;
const MS_A_SECOND = 1000;
const SHARES = [0.5, 0.9, 0.99];

export interface FigureSource {
  readonly name: string;
  /** Of the times of its exchanges; undefined for outputs that take none. */
  readonly latency: Histogram | undefined;
}

const WHOLE: readonly Column[] = [
  { name: "requests", merge: "mean" },
  { name: "lost", merge: "mean" },
  { name: "memory", merge: "max" },
];
const EACH: readonly Column[] = [
  { name: "delivered", merge: "mean" },
  { name: "lost", merge: "mean" },
  { name: "queued", merge: "max" },
  { name: "busy", merge: "max" },
  { name: "p50", merge: "mean" },
  { name: "p90", merge: "mean" },
  { name: "p99", merge: "max" },
];

export class Figures {
  readonly columns: readonly Column[];
  readonly outputs: readonly string[];
  readonly #windows: readonly { readonly latency: Histogram | undefined; readonly before: Float64Array }[]; // prettier-ignore
  #before: Counters | undefined;
  #requestsBefore = 0;
  #atMs: number;

  constructor(sources: readonly FigureSource[], nowMs: number) {
    const shown = sources.slice(0, OUTPUTS_MAX);
    this.#atMs = nowMs;
    this.outputs = shown.map(({ name }) => name);
    this.#windows = shown.map(({ latency }) => ({ latency, before: Histogram.blank() }));
    this.columns = [
      ...WHOLE,
      ...shown.flatMap((_, i) => EACH.map(({ name, merge }) => ({ name: `${i}.${name}`, merge }))),
    ];
  }

  /** `requests`: so many passed since the start. */
  take(counters: Counters, requests: number, nowMs: number): number[] {
    const seconds = Math.max(0.001, (nowMs - this.#atMs) / MS_A_SECOND);
    const before = this.#before;
    const values = [
      (requests - this.#requestsBefore) / seconds,
      (counters.lost - (before?.lost ?? 0)) / seconds,
      counters.memoryBytes.rss,
    ];
    for (const [i, { latency, before: buckets }] of this.#windows.entries()) {
      const now = counters.outputs[i];
      const then = before?.outputs[i];
      if (now === undefined) continue;
      values.push(
        (now.delivered - (then?.delivered ?? 0)) / seconds,
        (lostOf(now) - (then === undefined ? 0 : lostOf(then))) / seconds,
        now.queued,
        now.stats.concurrency ?? now.inFlight,
        ...latencies(latency, buckets),
      );
    }
    this.#before = counters;
    this.#requestsBefore = requests;
    this.#atMs = nowMs;
    return values;
  }
}

function latencies(latency: Histogram | undefined, before: Float64Array): number[] {
  const found = latency?.since(before, SHARES) ?? [];
  return SHARES.map((_, i) => found[i] ?? Number.NaN);
}

function lostOf({ failed, dropped }: OutputCounters): number {
  let sum = 0;
  for (const count of Object.values(failed)) sum += count;
  for (const count of Object.values(dropped)) sum += count;
  return sum;
}
