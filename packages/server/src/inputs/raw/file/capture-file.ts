/**
 * A capture from a file, a FIFO or standard input, plain or as gzip, read in large pieces. Waits for the pipeline; what it
 * gives does not depend on where the pieces end.
 */
import { open, stat } from "node:fs/promises";
import type { Accepted } from "../../../component/types.ts";
import { CaptureReader } from "../../../core/packet/capture-reader.ts";
import type { CaptureCounters } from "../../../core/packet/capture-reader.ts";
import type { PacketSink } from "../../../core/packet/types.ts";
import { GzipSource } from "../../../files/sources/gzip-source.ts";
import { fileError } from "../../../files/file-error.ts";
import { EngineError } from "../engine.ts";
import { FilePieces } from "./file-pieces.ts";
import { isGzip } from "./is-gzip.ts";
import { StreamPieces } from "./stream-pieces.ts";

/** The longest magic of a capture file. */
const MAGIC_BYTES = 4;

export interface CaptureFileEvents {
  readonly sink: PacketSink;
  readonly burst: () => Accepted;
}

/** Where bytes come from: an empty piece is the end. */
interface Pieces {
  next(): Promise<Uint8Array>;
  close(): Promise<void>;
  /** Absent where no piece lets one wait for long. */
  stop?(): void;
}

export class CaptureFile {
  readonly #path: string;
  readonly #events: CaptureFileEvents;
  readonly #reader: CaptureReader;
  #pieces: Pieces | undefined;
  #hasBytes = false;
  #stopped = false;

  constructor(path: string, events: CaptureFileEvents) {
    this.#path = path;
    this.#events = events;
    this.#reader = new CaptureReader(events.sink);
  }

  /** Rejects when there is no such file, or it is no capture. What comes as a stream is seen when it comes. */
  async open(): Promise<void> {
    if (this.#path === "-") {
      this.#pieces = new StreamPieces(process.stdin);
      return;
    }
    try {
      const info = await stat(this.#path);
      if (info.isDirectory()) throw new EngineError("it is a directory");
      this.#pieces = info.isFile() ? await piecesOf(this.#path) : StreamPieces.ofFifo(this.#path);
    } catch (error) {
      throw new EngineError(fileError("read", this.#path, error).message, { cause: error });
    }
  }

  /** Reads to the end, or until stopped. Returns what is wrong with the capture, if anything is. */
  async readAll(): Promise<string | undefined> {
    const fault = await this.#readPieces();
    if (this.#stopped) return undefined;
    const { truncatedTailBytes } = this.#reader.counters();
    if (this.#reader.problem !== undefined) return this.#reader.problem;
    if (fault !== undefined) return fault;
    if (!this.#hasBytes) return `${this.#path}: the capture is empty, without even a header`;
    return truncatedTailBytes > 0
      ? `the capture ends inside a packet, of which ${truncatedTailBytes} bytes are there`
      : undefined;
  }

  counters(): CaptureCounters {
    return this.#reader.counters();
  }

  /** It was stopped before its end. */
  get isStopped(): boolean {
    return this.#stopped;
  }

  stop(): void {
    this.#stopped = true;
    this.#pieces?.stop?.();
  }

  async #readPieces(): Promise<string | undefined> {
    const pieces = this.#pieces;
    if (pieces === undefined) return undefined;
    try {
      while (!this.#stopped) {
        const piece = await pieces.next();
        if (piece.length === 0) return undefined;
        this.#hasBytes = true;
        this.#reader.push(piece);
        await this.#events.burst();
      }
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      await pieces.close();
    }
    return undefined;
  }
}

/** A file, which has its first bytes at once. */
async function piecesOf(path: string): Promise<Pieces> {
  const handle = await open(path, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAGIC_BYTES), 0, MAGIC_BYTES, 0);
    if (bytesRead === 0) throw new EngineError("it is empty, without even a header");
    const start = buffer.subarray(0, bytesRead);
    if (isGzip(start)) {
      await handle.close();
      return packedPieces(new GzipSource(path));
    }
    const reader = new CaptureReader({ packet: () => {} });
    reader.push(start);
    if (reader.problem !== undefined) throw new EngineError(reader.problem);
    return new FilePieces(handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A few hundred KB wait in memory at most, whatever the file claims to hold. */
function packedPieces(source: GzipSource): Pieces {
  return {
    next: async () => (await source.next()) ?? Buffer.alloc(0),
    close: async () => source.close(),
  };
}
