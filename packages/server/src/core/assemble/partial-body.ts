/**
 * A body that arrives in chunks, bounded: so much a body, and what its account may have, tiny chunks included.
 * What does not fit is cut off and `cut` says so. Knows nothing of records.
 */
import { HeldBytes } from "../memory/held-bytes.ts";
import type { MemoryAccount } from "../memory/budget.ts";

/**
 * Bytes of one body. Larger uploads and endless streams are kept up to here and marked truncated; replaying
 * half of a larger upload helps nobody.
 */
export const BODY_BYTES_MAX: number = 32 * 1024 * 1024;

export class PartialBody {
  /** True when bytes had to be left out. */
  cut = false;
  readonly #held: HeldBytes;
  readonly #bytesMax: number;

  constructor(account: MemoryAccount, bytesMax: number = BODY_BYTES_MAX) {
    this.#held = new HeldBytes(account);
    this.#bytesMax = bytesMax;
  }

  /** True when another `bytes` would be more than one body may have, whatever the others leave. */
  exceededBy(bytes: number): boolean {
    return this.#held.length + bytes > this.#bytesMax;
  }

  push(chunk: Uint8Array): void {
    if (this.cut || chunk.length === 0) return;
    const room = this.#bytesMax - this.#held.length;
    const kept = chunk.length <= room ? chunk : chunk.subarray(0, room);
    if (!this.#held.add(kept) || kept.length < chunk.length) this.cut = true;
  }

  /** The body so far, in one piece; its bytes are no longer charged. */
  take(): Uint8Array {
    return this.#held.take();
  }

  /** Forgets the bytes. Idempotent. */
  release(): void {
    this.#held.clear();
  }
}
