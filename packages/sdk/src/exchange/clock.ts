/** The clock of records: monotonic, so that it never jumps while an exchange is measured. */

// Read once: the property is a getter with checks, and it never changes.
const ORIGIN_US = performance.timeOrigin * 1000;

/** Whole microseconds since the Unix epoch. */
export function nowUs(): number {
  return Math.round(ORIGIN_US + performance.now() * 1000);
}
