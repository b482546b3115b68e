/** How a correlator is set up, and what it counts. */
import type { RenewalOptions } from "./renewal/renewal.ts";
import type { RuleLearner } from "./rules.ts";

export interface CorrelatorOptions extends RenewalOptions {
  /** How long the target may answer nothing before a request is held no longer, in milliseconds. */
  readonly waitMs: number;
  /** The recorded order holds across sessions: for replays that are not paced by the recording. */
  readonly happensBefore: boolean;
  /** Learned before, from the same recording or another; else rules are learned on the way. */
  readonly rules: RuleLearner;
}

export interface CorrelatorCounts {
  readonly learned: number;
  readonly used: number;
  readonly waited: number;
  readonly missed: Readonly<Record<string, number>>;
  readonly contradictions: number;
  /** Values that were not believed, as they are the images of other sessions' values. */
  readonly contested: number;
  readonly evicted: number;
  /** JWTs that were signed anew, and times that were moved. */
  readonly resigned: number;
  readonly times: number;
}
