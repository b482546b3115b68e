/**
 * Steps aside while the process is in trouble: once a second it looks at the delay of the event loop and at the heap, and
 * opens when either was too high for some seconds; it closes by itself when both were well below for longer. A request
 * costs one look at `open`.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { IntervalHistogram } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { contained } from "./callbacks.ts";
import type { Losses } from "./losses.ts";

export interface BreakerOptions {
  /** Delay of the event loop, 99th percentile of a second, in milliseconds. Default 100. */
  readonly loopDelayMs?: number;
  /** Share of the heap's limit in use, 0 to 1. Default 0.85. */
  readonly heapShare?: number;
}

export type BreakerLimits = Required<BreakerOptions>;
export type BreakerState = "off" | "closed" | "open";

export interface BreakerSample {
  readonly loopDelayMs: number;
  readonly heapShare: number;
}

/** Clients feel this much; a process that is only busy stays far below. */
const LOOP_DELAY_MS_DEFAULT = 100;
/** Beyond, V8 spends its time on collecting, and the next allocation may be the last. */
const HEAP_SHARE_DEFAULT = 0.85;
/** Bad samples in a row that open it: one long task or one collection is no trouble. */
const BAD_SAMPLES = 2;
/** Good samples in a row that close it: so that it does not flutter. */
const GOOD_SAMPLES = 5;
/** A sample is good below this share of the limits. */
const GOOD_SHARE = 0.8;
const SAMPLE_MS = 1000;
/** How often the delay is taken: a timer of libuv's, fifty a second cost nothing that can be measured. */
const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

/** The decision, without clocks. */
export class BreakerCore {
  open = false;
  readonly #limits: BreakerLimits;
  /** Samples in a row that speak for a change. */
  #streak = 0;

  constructor(limits: BreakerLimits) {
    this.#limits = limits;
  }

  /** Says what is wrong, or an empty text; undefined while nothing changes. */
  observe({ loopDelayMs, heapShare }: BreakerSample): string | undefined {
    const factor = this.open ? GOOD_SHARE : 1;
    const slow = loopDelayMs > this.#limits.loopDelayMs * factor;
    const full = heapShare > this.#limits.heapShare * factor;
    const forChange = this.open ? !slow && !full : slow || full;
    this.#streak = forChange ? this.#streak + 1 : 0;
    if (this.#streak < (this.open ? GOOD_SAMPLES : BAD_SAMPLES)) return undefined;
    this.#streak = 0;
    this.open = !this.open;
    if (!this.open) return "";
    return slow
      ? `the event loop is late by ${Math.round(loopDelayMs)} ms`
      : `${Math.round(heapShare * 100)} % of the heap are in use`;
  }
}

export class Breaker {
  readonly #core: BreakerCore | undefined;
  readonly #log: (line: string) => void;
  readonly #losses: Losses;
  /** Blind, it must not stay open. */
  readonly #fault = (error: unknown): void => {
    this.#losses.fault(error);
    this.stop();
    if (this.#core !== undefined) this.#core.open = false;
  };
  #histogram: IntervalHistogram | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `losses` know how many exchanges were left out because of it. */
  constructor(limits: BreakerLimits | undefined, log: (line: string) => void, losses: Losses) {
    this.#core = limits === undefined ? undefined : new BreakerCore(limits);
    this.#log = log;
    this.#losses = losses;
  }

  get open(): boolean {
    return this.#core !== undefined && this.#core.open;
  }

  get state(): BreakerState {
    if (this.#core === undefined) return "off";
    return this.#core.open ? "open" : "closed";
  }

  start(): void {
    if (this.#core === undefined || this.#timer !== undefined) return;
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
    this.#timer = setInterval(
      contained(() => this.#sample(), this.#fault),
      SAMPLE_MS,
    );
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#histogram?.disable();
    this.#histogram = undefined;
    this.#timer = undefined;
  }

  #sample(): void {
    if (this.#core === undefined || this.#histogram === undefined) return;
    // The timer's own interval is part of what it measures; without a sample yet it says NaN or 0.
    const late = this.#histogram.percentile(99) / NS_PER_MS - RESOLUTION_MS;
    this.#histogram.reset();
    const heap = getHeapStatistics();
    const trouble = this.#core.observe({
      loopDelayMs: Number.isFinite(late) ? Math.max(0, late) : 0,
      heapShare: heap.used_heap_size / heap.heap_size_limit,
    });
    if (trouble === undefined) return;
    this.#log(
      trouble === ""
        ? `mirrorball: recording again; ${this.#losses.of("breaker")} exchanges were left out so far`
        : `mirrorball: ${trouble}; nothing is recorded until that is over, and counted`,
    );
  }
}

type Check = (ok: boolean, name: string, rule: string, value: unknown) => void;

/** Undefined: no breaker. */
export function breakerFrom(
  breaker: unknown,
  env: Readonly<Record<string, string | undefined>>,
  check: Check,
): BreakerLimits | undefined {
  const mode = env["MIRRORBALL_BREAKER"] ?? "";
  check(["", "on", "off"].includes(mode), "MIRRORBALL_BREAKER", '"on" or "off"', mode);
  if (breaker === false || (breaker === undefined && mode === "off")) return undefined;
  const isOptions = breaker === undefined || (typeof breaker === "object" && breaker !== null && !Array.isArray(breaker)); // prettier-ignore
  check(isOptions, "breaker", "false or { loopDelayMs, heapShare }", breaker);
  const given: Readonly<Record<string, unknown>> = isOptions ? { ...breaker } : {};
  for (const name of Object.keys(given)) {
    check(name === "loopDelayMs" || name === "heapShare", `breaker.${name}`, "loopDelayMs or heapShare", name); // prettier-ignore
  }
  const { loopDelayMs = LOOP_DELAY_MS_DEFAULT, heapShare = HEAP_SHARE_DEFAULT } = given;
  const delayOk = typeof loopDelayMs === "number" && loopDelayMs > 0;
  check(delayOk, "breaker.loopDelayMs", "a number of milliseconds above 0", loopDelayMs);
  const shareOk = typeof heapShare === "number" && heapShare > 0 && heapShare <= 1;
  check(shareOk, "breaker.heapShare", "a share above 0, at most 1", heapShare);
  return delayOk && shareOk ? { loopDelayMs, heapShare } : undefined;
}
