/**
 * A file in large pieces, from its beginning to its end, into two buffers in turn: one is filled while what is in the
 * other is taken apart. Knows nothing of what is in it.
 */
import type { FileHandle } from "node:fs/promises";

/** Bytes read at once: a few thousand small packets, and two pieces stay in a core's cache. */
const PIECE_BYTES: number = 1024 * 1024;

export class FilePieces {
  readonly #handle: FileHandle;
  #filling: Buffer;
  #given: Buffer;
  #position = 0;
  #coming: Promise<number>;

  constructor(handle: FileHandle, pieceBytes: number = PIECE_BYTES) {
    this.#handle = handle;
    this.#filling = Buffer.allocUnsafeSlow(pieceBytes);
    this.#given = Buffer.allocUnsafeSlow(pieceBytes);
    this.#coming = this.#fill();
  }

  /** The next piece, valid until the one after it is asked for; empty at the end. Rejects when it cannot be read. */
  async next(): Promise<Uint8Array> {
    const bytes = await this.#coming;
    const full = this.#filling;
    if (bytes > 0) {
      this.#position += bytes;
      this.#filling = this.#given;
      this.#given = full;
      this.#coming = this.#fill();
    }
    return full.subarray(0, bytes);
  }

  /** Closes the file once nothing is being read from it any more. */
  async close(): Promise<void> {
    await this.#coming.catch(() => {});
    await this.#handle.close();
  }

  #fill(): Promise<number> {
    const coming = this.#handle
      .read(this.#filling, 0, this.#filling.length, this.#position)
      .then(({ bytesRead }) => bytesRead);
    // Whoever asks for the piece is told; nobody may ask.
    coming.catch(() => {});
    return coming;
  }
}
