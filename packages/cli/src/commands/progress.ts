/**
 * One line on a terminal that says how far replays are, written over again and again. In: what the server says of its
 * inputs. Out: text. Log lines go above it.
 */
import type { InputProgress } from "@mirrorball/server";

/** Often enough to be alive, seldom enough to be read. */
const INTERVAL_MS = 500;
/** Less is the timer's own. */
const BEHIND_MS_MIN = 50;
const CLEAR_LINE = "\r\u001B[K";

export interface ProgressTarget {
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export class ProgressLine {
  readonly #target: ProgressTarget;
  readonly #read: () => readonly { readonly progress: InputProgress }[];
  readonly #startedMs: number = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #recordsBefore = 0;
  #lookedAtMs: number = this.#startedMs;
  #shown = false;

  constructor(target: ProgressTarget, read: () => readonly { readonly progress: InputProgress }[]) {
    this.#target = target;
    this.#read = read;
  }

  start(): void {
    this.#timer = setInterval(() => this.show(), INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  /** A line of the log, above. */
  log(line: string): void {
    this.#clear();
    this.#target.write(`${line}\n`);
  }

  show(nowMs: number = performance.now()): void {
    const all = this.#read().map(({ progress }) => progress);
    if (all.length === 0) return;
    const records = all.reduce((sum, progress) => sum + progress.records, 0);
    const rate = ((records - this.#recordsBefore) * 1000) / Math.max(nowMs - this.#lookedAtMs, 1);
    this.#recordsBefore = records;
    this.#lookedAtMs = nowMs;
    const text = progressText(all, rate, nowMs - this.#startedMs);
    this.#target.write(CLEAR_LINE + text.slice(0, (this.#target.columns ?? 80) - 1));
    this.#shown = true;
  }

  #clear(): void {
    if (this.#shown) this.#target.write(CLEAR_LINE);
    this.#shown = false;
  }
}

export function progressText(
  all: readonly InputProgress[],
  perSecond: number,
  elapsedMs: number,
): string {
  const records = all.reduce((sum, progress) => sum + progress.records, 0);
  // The slowest one decides when all is over.
  const share = Math.min(...all.map((progress) => progress.share));
  const parts = [`${records} records`, `${perSecond.toFixed(0)}/s`, ...schedule(all)];
  if (all.some(({ loops }) => loops)) parts.push("looping");
  else {
    parts.push(`${(share * 100).toFixed(0)} %`);
    // The first moments say nothing yet.
    if (share > 0.01) parts.push(`${clock((elapsedMs * (1 - share)) / share)} left`);
  }
  return parts.join(", ");
}

function schedule(all: readonly InputProgress[]): string[] {
  const behindMs = all.flatMap((progress) => progress.behindMs ?? []);
  if (behindMs.length === 0) return [];
  const worstMs = Math.max(...behindMs);
  return [
    worstMs < BEHIND_MS_MIN ? "on schedule" : `${(worstMs / 1000).toFixed(1)} s behind schedule`,
  ];
}

function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = `${Math.floor((seconds % 3600) / 60)}:${two(seconds % 60)}`;
  return seconds < 3600
    ? minutes
    : `${Math.floor(seconds / 3600)}:${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
}
