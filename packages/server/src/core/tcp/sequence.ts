/**
 * Arithmetic on TCP sequence numbers. They are kept as signed 32-bit integers and wrap; only their distance has
 * a meaning, and only within half the space.
 */

/** How far `a` lies behind `b` in the stream: positive when `a` comes later. */
export function distance(a: number, b: number): number {
  return (a - b) | 0;
}

/** `sequence` moved on by `bytes`. */
export function advance(sequence: number, bytes: number): number {
  return (sequence + bytes) | 0;
}
