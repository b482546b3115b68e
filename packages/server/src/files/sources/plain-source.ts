/**
 * The bytes of a file, piece by piece, one piece read ahead. In: a path. Out: buffers that nobody else holds. Knows nothing of
 * what they mean.
 */
import { closeSync, fstatSync, openSync, read } from "node:fs";
import { codeOf, fileError } from "../file-error.ts";

/** Milliseconds between two attempts to open a file while no descriptor is free. */
const DESCRIPTOR_WAIT_MS = 100;
/** All that are open. When descriptors run out, those that do not read at the moment give theirs, and open their files again. */
const open: Set<PlainSource> = new Set();

/** A file or what is made of it, pulled. Rejects once, where the bytes end that can be read. */
export interface ByteSource {
  /** The next piece; undefined at the end. */
  next(): Promise<Buffer | undefined>;
  close(): void;
  /** Bytes of the file itself taken so far. */
  readonly fileBytesRead: number;
}

/**
 * Bytes of a piece. Messages are views on pieces and a queue may hold a thousand of them, in the worst case each on a piece
 * of its own: as much as the queue's own bound in bytes.
 */
export const PIECE_BYTES: number = 64 * 1024;

export class PlainSource implements ByteSource {
  fileBytesRead = 0;
  readonly #path: string;
  readonly #pieceBytes: number;
  #descriptor: number | undefined;
  #position = 0;
  #ahead: Promise<Buffer | Error | undefined> | undefined;
  #closed = false;
  #reading = false;
  /** The file it began with. */
  #identity: string | undefined;

  constructor(path: string, pieceBytes: number = PIECE_BYTES) {
    this.#path = path;
    this.#pieceBytes = pieceBytes;
  }

  async next(): Promise<Buffer | undefined> {
    if (this.#closed) return undefined;
    const piece = await (this.#ahead ?? this.#read());
    this.#ahead = undefined;
    if (piece instanceof Error) throw fileError("read", this.#path, piece);
    if (piece === undefined) {
      this.close();
      return undefined;
    }
    this.fileBytesRead += piece.length;
    if (!this.#closed) this.#ahead = this.#read();
    return piece;
  }

  close(): void {
    this.#closed = true;
    // A read under way must not find its number given to another file.
    if (!this.#reading) this.#release();
  }

  #release(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    open.delete(this);
  }

  /** False when no descriptor is free, not even after the others have given theirs. */
  #open(): boolean {
    if (this.#descriptor !== undefined) return true;
    try {
      this.#descriptor = openSync(this.#path, "r");
    } catch (error) {
      if (codeOf(error) !== "EMFILE" && codeOf(error) !== "ENFILE") throw error;
      for (const other of open) if (!other.#reading) other.#release();
      return false;
    }
    open.add(this);
    const { dev, ino } = fstatSync(this.#descriptor);
    const identity = `${dev}:${ino}`;
    this.#identity ??= identity;
    if (identity !== this.#identity) throw new Error("another file has taken its place");
    return true;
  }

  /** Never rejects: what is read ahead may fail before anybody waits for it. */
  #read(): Promise<Buffer | Error | undefined> {
    return new Promise((resolve) => {
      try {
        if (!this.#open()) {
          setTimeout(() => resolve(this.#closed ? undefined : this.#read()), DESCRIPTOR_WAIT_MS);
          return;
        }
      } catch (error) {
        resolve(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      const buffer = Buffer.allocUnsafeSlow(this.#pieceBytes);
      const descriptor = this.#descriptor ?? -1;
      this.#reading = true;
      read(descriptor, buffer, 0, buffer.length, this.#position, (error, bytesRead) => {
        this.#reading = false;
        if (this.#closed) this.#release();
        if (error !== null) return resolve(error);
        this.#position += bytesRead;
        return resolve(bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead));
      });
    });
  }
}
