/** Finds the end of a head that comes in pieces without looking twice at any byte, and says when a look at it is worth it. */

const CR = 0x0d;
const LF = 0x0a;
/** Bytes within which an impossible start is seen before its line ends; looking longer would cost the square of it. */
const EARLY_BYTES = 64;

export class HeadFinder {
  /** The start line is here. */
  hasStartLine = false;
  #lineBytes = 0;
  #lastWasCr = false;
  #news = false;

  /** Returns the place behind the blank line, or `end`. */
  find(chunk: Uint8Array, start: number, end: number): number {
    this.#news = false;
    for (let at = start; at < end; at += 1) {
      const byte = chunk[at] ?? 0;
      if (byte !== LF) {
        this.#lastWasCr = byte === CR;
        this.#lineBytes += 1;
        continue;
      }
      const isBlank = this.#lineBytes === 0 || (this.#lineBytes === 1 && this.#lastWasCr);
      this.#lineBytes = 0;
      if (!this.hasStartLine || isBlank) this.#news = true;
      if (this.hasStartLine && isBlank) return at + 1;
      this.hasStartLine = true;
    }
    return end;
  }

  /** Whether the last `find` brought a start line or an end, or there is so little that it may not be a head at all. */
  shouldLook(length: number): boolean {
    return this.#news || (!this.hasStartLine && length <= EARLY_BYTES);
  }
}
