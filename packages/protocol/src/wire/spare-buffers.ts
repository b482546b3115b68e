/**
 * Buffers of one size, used again. New memory for each frame costs more than filling it: the system clears every page, and the
 * garbage collector is driven by bytes that it does not manage.
 */

/** Bytes of a buffer: a batch and some room. It grows for a large record, and the next one is of this size again. */
export const BUFFER_BYTES_START: number = 160 * 1024;
/** Buffers kept for use again: as many as are under way between a busy producer and its acknowledgements. */
const SPARE_BUFFERS_MAX = 4;

export class SpareBuffers {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES_START);
  }

  /** Keeps the memory of a frame that nobody needs any more, when it is of our size. */
  give({ buffer }: Uint8Array): void {
    if (buffer.byteLength === BUFFER_BYTES_START && this.#spare.length < SPARE_BUFFERS_MAX)
      this.#spare.push(Buffer.from(buffer));
  }
}
