/**
 * Steps aside while the process is in trouble: once a second it looks at the delay of the event loop and at the heap, and
 * opens when either was too high for some seconds; it closes by itself when both are well below. A request costs one look.
 *
 * Not everything slow is trouble. A process that starts is busy with itself; a second in which no request comes cannot be
 * helped by leaving requests out; one long task is over before anybody could step aside. None of these opens it.
 */
import type { IntervalHistogram } from "node:perf_hooks";
import { contained } from "./callbacks.ts";
import type { Losses } from "../stats/losses.ts";
import { RareLog } from "../stats/rare-log.ts";
import type { BreakerState } from "../stats/stats.ts";

export interface BreakerOptions {
  /** Delay of the event loop, 99th percentile of a second, in milliseconds. Default 100. */
  readonly loopDelayMs?: number;
  /** Share of the heap's limit in use, 0 to 1. Default 0.85. */
  readonly heapShare?: number;
  /** From the first request on nothing is judged for so long, in milliseconds. Default 30,000. */
  readonly startupMs?: number;
}

export type BreakerLimits = Required<BreakerOptions>;

/** What a second was like. */
export interface BreakerSample {
  readonly loopDelayMs: number;
  readonly heapShare: number;
  /** Requests that came in it. */
  readonly requests: number;
}

/** Clients feel this much; a process that is only busy stays far below. */
const LOOP_DELAY_MS_DEFAULT = 100;
/** Beyond, V8 spends its time on collecting, and the next allocation may be the last. */
const HEAP_SHARE_DEFAULT = 0.85;
/** Code is loaded, caches are filled, V8 compiles: measured from the first request, at which the SDK itself is loaded. */
const STARTUP_MS_DEFAULT = 30_000;
/** Bad seconds in a row that open it: work that comes in fits, such as a test or a report, is over by then. */
const BAD_SAMPLES = 5;
/** Good seconds in a row that close it, at first: what is left out in between is lost. */
const GOOD_SAMPLES_MIN = 2;
/** The same where it opens again and again: it doubles up to here, so that it does not flutter. */
const GOOD_SAMPLES_MAX = 30;
/** Closed for so many seconds, it is trusted as at first. */
const STEADY_SAMPLES = 60;
/** A sample is good below this share of the limits. */
const GOOD_SHARE = 0.8;
const SAMPLE_MS = 1000;
/** How often the delay is taken: a timer of libuv's, fifty a second cost nothing that can be measured. */
const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

/** The decision, without clocks: it is told of each second since the first request. */
export class BreakerCore {
  open = false;
  readonly #limits: BreakerLimits;
  #seconds = 0;
  /** Samples in a row that speak for a change. */
  #streak = 0;
  #goodNeeded = GOOD_SAMPLES_MIN;
  #closedFor = 0;

  constructor(limits: BreakerLimits) {
    this.#limits = limits;
  }

  /** Says what is wrong, or an empty text; undefined while nothing changes. */
  observe(sample: BreakerSample): string | undefined {
    this.#seconds += 1;
    if (this.#seconds * SAMPLE_MS <= this.#limits.startupMs) return undefined;
    return this.open ? this.#whileOpen(sample) : this.#whileClosed(sample);
  }

  #whileClosed({ loopDelayMs, heapShare, requests }: BreakerSample): string | undefined {
    this.#closedFor += 1;
    if (this.#closedFor >= STEADY_SAMPLES) this.#goodNeeded = GOOD_SAMPLES_MIN;
    const slow = loopDelayMs > this.#limits.loopDelayMs;
    const full = heapShare > this.#limits.heapShare;
    if (!slow && !full) this.#streak = 0;
    else if (requests > 0) this.#streak += 1;
    if (this.#streak < BAD_SAMPLES) return undefined;
    this.#streak = 0;
    this.open = true;
    return slow
      ? `the event loop is late by ${Math.round(loopDelayMs)} ms, for ${BAD_SAMPLES} seconds`
      : `${Math.round(heapShare * 100)} % of the heap are in use, for ${BAD_SAMPLES} seconds`;
  }

  #whileOpen({ loopDelayMs, heapShare }: BreakerSample): string | undefined {
    const good =
      loopDelayMs <= this.#limits.loopDelayMs * GOOD_SHARE &&
      heapShare <= this.#limits.heapShare * GOOD_SHARE;
    this.#streak = good ? this.#streak + 1 : 0;
    if (this.#streak < this.#goodNeeded) return undefined;
    this.#streak = 0;
    this.#goodNeeded = Math.min(GOOD_SAMPLES_MAX, this.#goodNeeded * 2);
    this.#closedFor = 0;
    this.open = false;
    return "";
  }
}

export class Breaker {
  readonly #core: BreakerCore | undefined;
  readonly #log: (line: string) => void;
  readonly #rareLog: RareLog;
  readonly #losses: Losses;
  #requests = 0;
  /** Whether the line that it is open was said: only then is another when it closes. */
  #said = false;
  /** Blind, it must not stay open. */
  readonly #fault = (error: unknown): void => {
    this.#losses.fault(error);
    this.stop();
    if (this.#core !== undefined) this.#core.open = false;
  };
  #state: "unused" | "watching" | "stopped" = "unused";
  #histogram: IntervalHistogram | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `losses` know how many exchanges were left out because of it. */
  constructor(limits: BreakerLimits | undefined, log: (line: string) => void, losses: Losses) {
    this.#core = limits === undefined ? undefined : new BreakerCore(limits);
    this.#log = log;
    this.#rareLog = new RareLog(log);
    this.#losses = losses;
  }

  /** A request has come: whether it is to be left out. */
  refuses(): boolean {
    if (this.#core === undefined) return false;
    this.#requests += 1;
    return this.#core.open;
  }

  get state(): BreakerState {
    if (this.#core === undefined) return "off";
    return this.#core.open ? "open" : "closed";
  }

  /** From now on it is judged how the process does. Only the first call counts. */
  start(): void {
    if (this.#state !== "unused") return;
    this.#state = "watching";
    if (this.#core === undefined) return;
    // Loaded now: a process that serves nothing needs none of it.
    const { monitorEventLoopDelay } = process.getBuiltinModule("node:perf_hooks");
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
    this.#timer = setInterval(
      contained(() => this.#sample(), this.#fault),
      SAMPLE_MS,
    );
    this.#timer.unref();
  }

  stop(): void {
    this.#state = "stopped";
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
    const heap = process.getBuiltinModule("node:v8").getHeapStatistics();
    const requests = this.#requests;
    this.#requests = 0;
    const trouble = this.#core.observe({
      loopDelayMs: Number.isFinite(late) ? Math.max(0, late) : 0,
      heapShare: heap.used_heap_size / heap.heap_size_limit,
      requests,
    });
    if (trouble === undefined) return;
    if (trouble !== "") {
      const line = `mirrorball: ${trouble}; nothing is recorded until that is over, and counted`;
      this.#said = this.#rareLog.say(line, performance.now());
    } else if (this.#said) {
      const left = this.#losses.of("breaker");
      this.#log(`mirrorball: recording again; ${left} exchanges were left out so far`);
    }
  }
}

const LIMIT_NAMES: readonly string[] = ["loopDelayMs", "heapShare", "startupMs"];

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
  check(isOptions, "breaker", "false or { loopDelayMs, heapShare, startupMs }", breaker);
  const given: Readonly<Record<string, unknown>> = isOptions ? { ...breaker } : {};
  for (const name of Object.keys(given)) {
    check(LIMIT_NAMES.includes(name), `breaker.${name}`, LIMIT_NAMES.join(", "), name);
  }
  const { loopDelayMs = LOOP_DELAY_MS_DEFAULT, heapShare = HEAP_SHARE_DEFAULT } = given;
  const { startupMs = STARTUP_MS_DEFAULT } = given;
  const delayOk = typeof loopDelayMs === "number" && loopDelayMs > 0;
  check(delayOk, "breaker.loopDelayMs", "a number of milliseconds above 0", loopDelayMs);
  const shareOk = typeof heapShare === "number" && heapShare > 0 && heapShare <= 1;
  check(shareOk, "breaker.heapShare", "a share above 0, at most 1", heapShare);
  const startupOk = typeof startupMs === "number" && startupMs >= 0;
  check(startupOk, "breaker.startupMs", "a number of milliseconds, 0 or more", startupMs);
  return delayOk && shareOk && startupOk ? { loopDelayMs, heapShare, startupMs } : undefined;
}
