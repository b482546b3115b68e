/** Log lines for people: one line each, on a sink, prefixed by who speaks. */
import type { Logger } from "../component/types.ts";

export type LogSink = (line: string) => void;

/** Control characters from the network must not reach a terminal. */
// oxlint-disable-next-line no-control-regex -- they are what this removes
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

export function createLogger(sink: LogSink, verbose: number, speaker: string): Logger {
  const say = (message: string): void => {
    sink(`mirrorball: ${speaker}: ${message.replace(CONTROL, "?")}`);
  };
  return {
    warn: say,
    debug: (level, message) => {
      if (level <= verbose) say(message);
    },
  };
}
