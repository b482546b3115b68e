/** What an input says of replays that came back to it and were left out: no loss, but a person should know. */
import type { InputStats } from "../component/types.ts";

/** The figure has the name that `--input-raw` gives it. */
export function replayStats(leftOut: number): InputStats {
  return {
    figures: { replaysLeftOut: leftOut },
    lines: leftOut === 0 ? [] : [`${leftOut} replays left out`],
  };
}
