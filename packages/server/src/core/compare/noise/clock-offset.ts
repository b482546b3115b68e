/**
 * How far the clock of a copy is ahead of its host's, compared with the recorded service: what the times in answers have in common. In: places with
 * times. Out: milliseconds, 0 unless most places agree.
 *
 * Each place has one vote, so that a fault at one of them moves nothing. Times of the past belong to the state of a copy and do not vote.
 */
import { TIMES, classesOf, timeOf } from "../../content/value-class.ts";
import type { Occurrence, Rung } from "../differences/place.ts";

/** Votes that are this close mean the same: seconds are rounded, and a time is taken while the exchange runs. */
const CLOSE_MS = 5000;
/** Fewer places prove nothing: one of them may be the fault. */
const PLACES_MIN = 3;

export function clockOffsetMs(rungs: Iterable<Rung>): number {
  const votes: number[] = [];
  for (const rung of rungs) {
    const vote = voteOf(rung);
    if (vote !== undefined) votes.push(vote);
  }
  if (votes.length < PLACES_MIN) return 0;
  votes.sort((x, y) => x - y);
  let best: readonly number[] = [];
  for (const [i, first] of votes.entries()) {
    const close = votes.slice(i).filter((vote) => vote - first <= CLOSE_MS);
    if (close.length > best.length) best = close;
  }
  const middle = best[Math.floor(best.length / 2)] ?? 0;
  const isAgreed = best.length >= PLACES_MIN && best.length * 2 > votes.length;
  return isAgreed && Math.abs(middle) > CLOSE_MS ? middle : 0;
}

/** The median of a place; undefined for one that shows no time of its answer. */
function voteOf({ kind, stored }: Rung): number | undefined {
  if (kind !== "value" && kind !== "text") return undefined;
  const offsets = stored.flatMap(offsetOf).sort((x, y) => x - y);
  if (offsets.length * 2 <= stored.length) return undefined;
  return offsets[Math.floor(offsets.length / 2)];
}

function offsetOf({ a, b, exchange }: Occurrence): number[] {
  const classes = classesOf(a) & classesOf(b) & TIMES;
  if (classes === 0) return [];
  const [left, right] = [timeOf(a, classes), timeOf(b, classes)];
  if (Number.isNaN(left) || Number.isNaN(right)) return [];
  if (left < exchange.originalAtMs - CLOSE_MS) return [];
  return [right - left - (exchange.replayedAtMs - exchange.originalAtMs)];
}
