/**
 * Decides whether what is left at a place is noise: it differs as often where nothing should, between two immediate asks of the target, between
 * originals of equal requests, or in the control. In: counts. Out: a reason, or none.
 */
import { TIMES, classesOf, timeOf, timeStepOf } from "../../content/value-class.ts";
import type { Difference } from "../differences/difference.ts";
import { ratioOf } from "../endpoint-record.ts";
import type { Occurrence } from "../differences/place.ts";
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

/** Times are rounded, and taken anywhere while the exchange runs. */
const CLOCK_SLACK_MS = 5000;

/**
 * Of the differences between two looks, `elapsedMs` apart, those that time alone does not make. A clock is no noise: how far it
 * may be off is known, and a place that shows it is held to that.
 */
export function unexplainedByClock(
  differences: readonly Difference[],
  elapsedMs: number,
): Difference[] {
  return differences.filter(({ kind, a, b }) => {
    if (kind !== "value" && kind !== "text") return true;
    const classes = classesOf(a) & classesOf(b) & TIMES;
    if (classes === 0) return true;
    const delta = timeOf(b, classes) - timeOf(a, classes);
    const slack = CLOCK_SLACK_MS + timeStepOf(classes, a);
    return Number.isNaN(delta) || (Math.abs(delta) > slack && Math.abs(delta - elapsedMs) > slack);
  });
}

/** Noise that moves a number further than this says nothing of how far it may go. */
const NARROW_RATIO = 1.5;
/** Values on each side that show how far noise goes. */
const SPREAD_MIN = 3;
/** The bucket above the value: so many times larger or longer is another magnitude. */
const MAGNITUDE = 2;

/**
 * True when the values of the two sides lie apart by more than a factor: noise of either side does not reach the other. `ratioMax`: how
 * far noise alone moves a number of one place.
 */
export function isOtherMagnitude(occurrences: readonly Occurrence[], ratioMax: number): boolean {
  if (occurrences.length < SPREAD_MIN) return false;
  const bound = ratioMax * MAGNITUDE;
  const isNarrow = ratioMax > 1 && ratioMax < NARROW_RATIO;
  const beyond = isNarrow ? occurrences.filter(({ a, b }) => ratioOf(a, b) > bound) : [];
  if (beyond.length >= SPREAD_MIN) return true;
  const numbers = [sizes(occurrences, "a", Number), sizes(occurrences, "b", Number)] as const;
  if (numbers.every((side) => side.every(Number.isFinite))) return areApart(...numbers);
  const length = (text: string): number => text.length;
  return areApart(sizes(occurrences, "a", length), sizes(occurrences, "b", length));
}

function sizes(
  occurrences: readonly Occurrence[],
  side: "a" | "b",
  sizeOf: (text: string) => number,
): number[] {
  return occurrences.map((each) => Math.abs(each[side] === "" ? Number.NaN : sizeOf(each[side])));
}

function areApart(a: readonly number[], b: readonly number[]): boolean {
  const reduced = (pick: "min" | "max", side: readonly number[]): number =>
    side.reduce((x, y) => Math[pick](x, y));
  return (
    reduced("min", b) > reduced("max", a) * MAGNITUDE ||
    reduced("max", b) * MAGNITUDE < reduced("min", a)
  );
}
