/** What an input says of replays that came back to it and were left out: no loss, but a person should know. */
import type { InputStats } from "../component/types.ts";

/** Lengths in records' first lines that were not followed, because the record is not so long any more: no loss either. */
export function staleLengthStats(count: number): InputStats {
  return {
    figures: count === 0 ? {} : { "stale-length": count },
    lines:
      count === 0
        ? []
        : [`stale-length ${count}: records that were changed after they had been written`],
  };
}

/** What two parts of an input say. */
export function joinedStats(a: InputStats, b: InputStats): InputStats {
  return { figures: { ...a.figures, ...b.figures }, lines: [...a.lines, ...b.lines] };
}

/** The figure has the name that `--input-raw` gives it. */
export function replayStats(leftOut: number): InputStats {
  return {
    figures: { replaysLeftOut: leftOut },
    lines: leftOut === 0 ? [] : [`${leftOut} replays left out`],
  };
}
