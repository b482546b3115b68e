/**
 * A capture that comes as a stream (standard input, a FIFO), in the pieces in which it comes; unpacked when it begins as gzip.
 * Pull: nothing is read that was not asked for, so that no stream of zeros fills the memory.
 */
import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { isGzip } from "./is-gzip.ts";

/** What tells gzip. */
const MAGIC_BYTES = 2;

export class StreamPieces {
  readonly #stream: Readable;
  #pieces: AsyncIterator<Buffer> | undefined;
  #stopped = false;

  constructor(stream: Readable) {
    this.#stream = stream;
  }

  /**
   * A FIFO, without waiting for its writer: a thread that waits in `open` could not be called back when the process is to end.
   * The writer may come later.
   */
  static ofFifo(path: string): StreamPieces {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return new StreamPieces(new Socket({ fd, readable: true, writable: false }));
  }

  /** The next piece; empty at the end, and once stopped. Rejects when it cannot be read or unpacked. */
  async next(): Promise<Uint8Array> {
    try {
      this.#pieces ??= await this.#begin();
      const { done, value } = await this.#pieces.next();
      return done === true ? Buffer.alloc(0) : value;
    } catch (error) {
      // Destroying the stream is how it is stopped.
      if (this.#stopped) return Buffer.alloc(0);
      throw error;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#stream.destroy();
  }

  async close(): Promise<void> {
    this.#stream.destroy();
  }

  async #begin(): Promise<AsyncIterator<Buffer>> {
    const raw = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const first: Buffer[] = [];
    let bytes = 0;
    while (bytes < MAGIC_BYTES) {
      const { done, value } = await raw.next();
      if (done === true) break;
      first.push(value);
      bytes += value.length;
    }
    const start = Buffer.concat(first);
    const all = joined(start, raw);
    return isGzip(start) ? unpacked(all) : all;
  }
}

async function* joined(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (start.length > 0) yield start;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

function unpacked(packed: AsyncIterable<Buffer>): AsyncIterator<Buffer> {
  const gunzip = createGunzip();
  // Whoever reads is told of errors, on either side.
  pipeline(Readable.from(packed, { objectMode: false }), gunzip, () => {});
  return gunzip[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
}
