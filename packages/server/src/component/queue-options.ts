/** The options that every output has, because the engine gives every output a queue. */
import { choice, integer } from "./kinds.ts";
import type { OptionSpec, OptionValues } from "./option.ts";

/** Messages; gor's `--output-http-queue-len` default. */
const QUEUE_LEN_DEFAULT = 1000;

export const queueOptions: {
  queueLen: OptionSpec<number>;
  queueFull: OptionSpec<"wait" | "drop">;
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
};

/** The same with the default that the output declares. */
export function queueOptionsOf(queueFull: "wait" | "drop" = "wait"): typeof queueOptions {
  return { ...queueOptions, queueFull: { ...queueOptions.queueFull, default: queueFull } };
}

export type QueueOptions = OptionValues<typeof queueOptions>;
