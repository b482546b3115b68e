/**
 * The bytes of a message that is still coming: copied in, because a capture's buffer is overwritten, and joined once.
 * Small pieces share buffers, so that a head that comes byte by byte does not cost an object a byte. When the length is known
 * they come into one buffer of just that size, which is the message in the end: bytes are then copied once.
 */
import type { StreamTally } from "./stream-limits.ts";

/** Bytes of the first shared buffer: most heads fit. */
const SHARED_BYTES_MIN = 1024;
const SHARED_BYTES_MAX = 32 * 1024;
/** Pieces from here on stand alone. */
const LARGE_BYTES = 4096;
/** The longest message that is given its memory before it came: a length is only a claim. */
const RESERVED_BYTES_MAX: number = 1024 * 1024;

export class MessageBytes {
  readonly #tally: StreamTally;
  #pieces: Uint8Array[] = [];
  #shared: Uint8Array = NOTHING;
  #sharedLength = 0;
  #reserved = 0;
  length = 0;

  constructor(tally: StreamTally) {
    this.#tally = tally;
  }

  /** `bytes` more are announced. Nothing happens when that is too much to believe, alone or with what others announced. */
  expect(bytes: number): void {
    const total = this.length + bytes;
    if (bytes === 0 || total > RESERVED_BYTES_MAX || !this.#tally.reserve(total)) return;
    const before = this.flat();
    this.#pieces = [];
    this.#shared = Buffer.allocUnsafe(total);
    this.#shared.set(before);
    this.#sharedLength = before.length;
    this.#reserved = total;
  }

  add(chunk: Uint8Array, start: number, end: number): void {
    const size = end - start;
    if (size <= 0) return;
    this.#tally.heldBytes += size;
    this.length += size;
    const room = this.#shared.length - this.#sharedLength;
    if (size > room) {
      this.#closeShared();
      if (size >= LARGE_BYTES) {
        this.#pieces.push(copyOf(chunk, start, end));
        return;
      }
      const wanted = Math.min(SHARED_BYTES_MAX, Math.max(SHARED_BYTES_MIN, this.length));
      this.#shared = Buffer.allocUnsafeSlow(wanted);
    }
    this.#shared.set(chunk.subarray(start, end), this.#sharedLength);
    this.#sharedLength += size;
  }

  /** All so far as one array, which stays valid until the next `add`. */
  flat(): Uint8Array {
    if (this.#pieces.length === 0) return this.#sharedPart();
    this.#closeShared();
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces, this.length)];
    return this.#pieces[0] ?? NOTHING;
  }

  /** All of it, for keeps; this object is empty afterwards. */
  take(): Uint8Array {
    const whole = this.#only() ?? Buffer.concat([...this.#pieces, this.#sharedPart()], this.length);
    this.clear();
    return whole;
  }

  clear(): void {
    this.#tally.heldBytes -= this.length;
    this.#tally.release(this.#reserved);
    this.#reserved = 0;
    this.#pieces = [];
    this.#shared = NOTHING;
    this.#sharedLength = 0;
    this.length = 0;
  }

  /** The one array that is all of it. A buffer that is larger than what it holds would pin the rest. */
  #only(): Uint8Array | undefined {
    if (this.#sharedLength === 0 && this.#pieces.length === 1) return this.#pieces[0];
    const isFull = this.#pieces.length === 0 && this.#sharedLength === this.#shared.length;
    return isFull ? this.#shared : undefined;
  }

  #sharedPart(): Uint8Array {
    return this.#shared.subarray(0, this.#sharedLength);
  }

  #closeShared(): void {
    if (this.#sharedLength > 0) this.#pieces.push(this.#sharedPart());
    this.#shared = NOTHING;
    this.#sharedLength = 0;
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** A copy of a part; small ones come from Node's pool. */
export function copyOf(chunk: Uint8Array, start: number, end: number): Uint8Array {
  const copy = Buffer.allocUnsafe(end - start);
  copy.set(chunk.subarray(start, end));
  return copy;
}
