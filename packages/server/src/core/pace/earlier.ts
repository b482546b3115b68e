/**
 * Which of two records is older, by every digit of their times. In: their nanoseconds as doubles, which are quick and not always
 * exact, and the messages, which are. Out: the answer. Pure.
 */
import { timestampToNs } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";

/** Doubles of nanoseconds since any epoch are exact within this much, until the year 2286. */
export const INEXACT_NS = 4096;

/** True when the first is later than the second; of equal times neither is. */
export function isLater(
  aNs: number,
  a: Message | undefined,
  bNs: number,
  b: Message | undefined,
): boolean {
  const gapNs = aNs - bNs;
  if (gapNs >= INEXACT_NS || gapNs <= -INEXACT_NS || a === undefined || b === undefined) {
    return gapNs > 0;
  }
  if (Number.isSafeInteger(aNs) && Number.isSafeInteger(bNs)) return gapNs > 0;
  return timestampToNs(a.startedAt) > timestampToNs(b.startedAt);
}
