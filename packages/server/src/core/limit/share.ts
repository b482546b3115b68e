/**
 * Which requests of a value belong to a share of all values: gor's formula, by which the same value always has the same
 * fate. Pure.
 */
import { fnv1a32 } from "@mirrorball/protocol/messages";

/**
 * From 0 up to 100, with two decimals: what is before the point is gor's `FNV1a32(value) mod 100`, so whole percentages
 * choose as gor does, and a fraction (of which gor made 0) chooses more than the percentage below it.
 */
export function placeOf(value: string): number {
  const hash = fnv1a32(value);
  return (hash % 100) + (Math.floor(hash / 100) % 100) / 100;
}
