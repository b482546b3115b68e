/**
 * A body that arrives in chunks, bounded: so much a body, so much for all bodies of the server together.
 * What does not fit is cut off and `cut` says so. Knows nothing of records.
 */

/**
 * Bytes of one body. Larger uploads and endless streams are kept up to here and marked truncated; replaying
 * half of a larger upload helps nobody.
 */
export const BODY_BYTES_MAX: number = 32 * 1024 * 1024;

/** Bytes of all unfinished bodies of an input, so that many slow streams cannot fill the memory. */
const BODIES_BYTES_MAX: number = 256 * 1024 * 1024;

/** Shared by all bodies of one input. */
export class BodyBudget {
  readonly bytesMax: number;
  usedBytes = 0;

  constructor(bytesMax: number = BODIES_BYTES_MAX) {
    this.bytesMax = bytesMax;
  }
}

export class PartialBody {
  /** True when bytes had to be left out. */
  cut = false;
  readonly #budget: BodyBudget;
  readonly #bytesMax: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(budget: BodyBudget, bytesMax: number = BODY_BYTES_MAX) {
    this.#budget = budget;
    this.#bytesMax = bytesMax;
  }

  /** True when another `bytes` would be more than one body may have, whatever the others leave. */
  exceededBy(bytes: number): boolean {
    return this.#bytes + bytes > this.#bytesMax;
  }

  push(chunk: Uint8Array): void {
    if (this.cut || chunk.length === 0) return;
    const room = Math.min(
      this.#bytesMax - this.#bytes,
      this.#budget.bytesMax - this.#budget.usedBytes,
    );
    const kept = chunk.length <= room ? chunk : chunk.subarray(0, Math.max(0, room));
    if (kept.length < chunk.length) this.cut = true;
    // Copied when small: a view would keep the whole frame it came in alive.
    this.#chunks.push(kept.length * 2 < kept.buffer.byteLength ? new Uint8Array(kept) : kept);
    this.#bytes += kept.length;
    this.#budget.usedBytes += kept.length;
  }

  /** The body so far, in one piece; its bytes no longer count against the budget. */
  take(): Uint8Array {
    const chunks = this.#chunks;
    this.release();
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  }

  /** Forgets the bytes. Idempotent. */
  release(): void {
    this.#budget.usedBytes -= this.#bytes;
    this.#chunks = [];
    this.#bytes = 0;
  }
}
