/**
 * Which exchanges are teed: a share of them, or of the sessions. Pure. A session is kept or left out as a whole, by a
 * stable hash of its key, and the same on every process; without a key the exchange stands for itself.
 */
import { fnv1a32 } from "@mirrorball/protocol/producing";
import type { SampleKey } from "../options.ts";
import { fieldIn } from "../exchange/header-summary.ts";

/** Shares are kept to a hundredth of a percent. */
const STEPS = 10_000;

/** `dice` is a random number from 0 to 1, used when there is no key. */
export function isSampled(
  share: number,
  by: SampleKey | undefined,
  target: string,
  rawHeaders: readonly string[],
  dice: number,
): boolean {
  if (share >= 1) return true;
  if (share <= 0) return false;
  const key = by === undefined ? undefined : keyOf(by, target, rawHeaders);
  return key === undefined || key === "" ? dice < share : fnv1a32(key) % STEPS < share * STEPS;
}

function keyOf(by: SampleKey, target: string, rawHeaders: readonly string[]): string | undefined {
  if ("header" in by) return fieldIn(rawHeaders, by.header.toLowerCase());
  if ("query" in by) {
    const start = target.indexOf("?");
    return start < 0 ? undefined : valueIn(target.slice(start + 1), "&", by.query);
  }
  const cookies = fieldIn(rawHeaders, "cookie");
  return cookies === undefined ? undefined : valueIn(cookies, ";", by.cookie);
}

function valueIn(text: string, separator: string, name: string): string | undefined {
  for (const pair of text.split(separator)) {
    const equals = pair.indexOf("=");
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1);
  }
  return undefined;
}
