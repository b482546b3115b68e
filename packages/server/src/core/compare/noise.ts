/**
 * Decides whether what is left at a place is noise: it differs as often where nothing should, between two immediate asks of the target, between
 * originals of equal requests, or in the control. In: counts. Out: a reason, or none.
 */
import { Z_99, evidence, wilson } from "./statistics.ts";

export interface Look {
  readonly why: string;
  /** Pairs that should be equal, and those in which the place differed. */
  readonly of: number;
  readonly differed: number;
  /** What varies with the state of the service is equal in the replay, which has the same state: then it is no noise there. */
  readonly mayBeState: boolean;
}

/** A place is noise when it differs no more often between the sides than it does by itself. */
export function noiseReason(count: number, of: number, looks: readonly Look[]): string | undefined {
  for (const look of looks) {
    if (look.differed === 0) continue;
    const [low, high] = wilson(Math.min(count, of), of, Z_99);
    const [ownLow, ownHigh] = wilson(Math.min(look.differed, look.of), look.of, Z_99);
    if (low > ownHigh) continue;
    if (look.mayBeState && high < ownLow) continue;
    return look.why;
  }
  return undefined;
}

/** With a control: evidence that must be reached once the control differs there, too (1 / 5 %). */
const EVIDENCE_MIN = 20;

export interface ControlCounts {
  readonly onlyReplayed: number;
  readonly onlyControl: number;
  readonly both: number;
}

/** True when the control differs at this place about as often as the new build does. */
export function isControlNoise({ onlyReplayed, onlyControl, both }: ControlCounts): boolean {
  if (onlyControl === 0 && both === 0) return false;
  return evidence(onlyReplayed, onlyControl) < EVIDENCE_MIN;
}
