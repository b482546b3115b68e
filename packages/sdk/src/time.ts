/** Microseconds since the Unix epoch, from the monotonic clock: it never jumps while an exchange is measured. */
export function nowUs(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}
