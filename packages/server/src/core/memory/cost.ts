/** What decoded values take in memory, by estimate: a text costs two bytes a character, and each value something beside. */

/** Of a value itself: a text's head, a list's place, a number that is no small integer. */
const VALUE_OVERHEAD_BYTES = 32;
const CHARACTER_BYTES = 2;

/** Of a list and all lists in it. */
export function costOf(values: readonly unknown[]): number {
  let bytes = values.length * VALUE_OVERHEAD_BYTES;
  for (const value of values) {
    if (typeof value === "string") bytes += value.length * CHARACTER_BYTES;
    else if (Array.isArray(value)) bytes += costOf(value);
    else if (value instanceof Uint8Array) bytes += value.length;
  }
  return bytes;
}
