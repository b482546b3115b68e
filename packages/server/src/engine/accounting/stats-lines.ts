/** `--stats`: prints figures while a server runs: gor's lines for the outputs that ask for them, else one line of ours. */
import { statsDate } from "../../core/queue-stats.ts";
import type { QueueStats } from "../../core/queue-stats.ts";
import type { Counters } from "./counters.ts";
import type { LogSink } from "./log.ts";
import { statsLine } from "./summary.ts";

/** The queue figures of one output, and how often they are printed. */
export interface RunningQueueStats {
  readonly stats: QueueStats;
  readonly periodMs: number;
}

const STATS_INTERVAL_MS = 5000;

/** Returns how to stop. */
export function printStats(
  queues: readonly RunningQueueStats[],
  counters: () => Counters,
  log: LogSink,
): () => void {
  const timers: NodeJS.Timeout[] = [];
  const every = (periodMs: number, act: () => void): void => {
    timers.push(setInterval(act, periodMs).unref());
  };
  for (const { stats, periodMs } of queues) {
    const say = (text: string): void => log(`${statsDate(new Date())} ${text}`);
    say(stats.title);
    say(stats.line());
    every(periodMs, () => say(stats.line()));
  }
  if (queues.length === 0) {
    let before = counters();
    every(STATS_INTERVAL_MS, () => {
      const now = counters();
      log(`mirrorball: ${statsLine(before, now, STATS_INTERVAL_MS / 1000)}`);
      before = now;
    });
  }
  return () => {
    for (const timer of timers) clearInterval(timer);
  };
}
