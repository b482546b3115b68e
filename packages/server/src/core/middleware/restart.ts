/** How long to wait before a middleware that died is started again. In: failures in a row, randomness. Out: ms. */

/** First pause, in milliseconds: a program that dies once is missed for a moment only. */
const FIRST_MS = 100;
/** Longest pause, in milliseconds: traffic waits meanwhile. */
const LONGEST_MS = 5000;
/** A life of this many milliseconds makes the next death a first one. */
export const HEALTHY_MS = 10_000;

/** Doubles with every death in a row; `random` in [0, 1) spreads it between half and all of that. */
export function restartDelayMs(deathsInARow: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, deathsInARow - 1));
  return full * (0.5 + random / 2);
}
