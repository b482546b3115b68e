/** Log lines for people: one line each, on a sink, prefixed by who speaks. */
import { printable } from "@mirrorball/protocol";
import type { Logger } from "../../component/types.ts";

export type LogSink = (line: string) => void;

export function createLogger(sink: LogSink, verbose: number, speaker: string): Logger {
  const say = (message: string): void => {
    sink(`mirrorball: ${speaker}: ${printable(message)}`);
  };
  return {
    warn: say,
    debug: (level, message) => {
      if (level <= verbose) say(message);
    },
  };
}
