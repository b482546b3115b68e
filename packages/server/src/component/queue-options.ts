/** The options that every output has, because the engine gives every output a queue. */
import { choice, flag, integer } from "./kinds.ts";
import type { OptionSpec, OptionValues } from "./option.ts";

/** Messages; gor's `--output-http-queue-len` default. */
const QUEUE_LEN_DEFAULT = 1000;
/** gor's; below a second it divides by zero. */
const STATS_MS_DEFAULT = 5000;
const STATS_MS_MIN = 100;
const STATS_MS_MAX = 86_400_000;

export const queueOptions: {
  queueLen: OptionSpec<number>;
  queueFull: OptionSpec<"wait" | "drop">;
  stats: OptionSpec<boolean>;
  statsPeriodMs: OptionSpec<number>;
} = {
  queueLen: integer({
    help: "Messages that may wait for this output.",
    example: "10000",
    default: QUEUE_LEN_DEFAULT,
    min: 1,
    max: 10_000_000,
  }),
  queueFull: choice(["wait", "drop"], {
    help: "When its queue is full: push back on the inputs, or drop, count, and let the others go on.",
    example: "drop",
    default: "wait",
  }),
  stats: flag({
    help: "With --stats: print how full this output's queue is, in gor's form, latest,mean,max,count,count/second.",
    default: false,
  }),
  statsPeriodMs: integer({
    suffix: "stats-ms",
    help: "Milliseconds between two lines of that.",
    example: "1000",
    default: STATS_MS_DEFAULT,
    min: STATS_MS_MIN,
    max: STATS_MS_MAX,
  }),
};

/** The same with the default that the output declares. */
export function queueOptionsOf(queueFull: "wait" | "drop" = "wait"): typeof queueOptions {
  return { ...queueOptions, queueFull: { ...queueOptions.queueFull, default: queueFull } };
}

export type QueueOptions = OptionValues<typeof queueOptions>;
