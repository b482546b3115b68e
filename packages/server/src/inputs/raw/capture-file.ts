/**
 * A capture from a file or from standard input, read in large pieces. Waits for the pipeline; what it
 * gives does not depend on where the pieces end.
 */
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { Accepted } from "../../component/types.ts";
import { CaptureReader } from "../../core/packet/capture-reader.ts";
import type { PacketSink } from "../../core/packet/types.ts";
import { EngineError } from "./engine.ts";
import { FilePieces } from "./file-pieces.ts";

/** The longest magic of a capture file. */
const MAGIC_BYTES = 4;

export interface CaptureFileEvents {
  readonly sink: PacketSink;
  readonly burst: () => Accepted;
}

export class CaptureFile {
  readonly #path: string;
  readonly #events: CaptureFileEvents;
  readonly #reader: CaptureReader;
  #handle: FileHandle | undefined;
  #stopped = false;

  constructor(path: string, events: CaptureFileEvents) {
    this.#path = path;
    this.#events = events;
    this.#reader = new CaptureReader(events.sink);
  }

  /** Rejects when there is no such file, or it is no capture. */
  async open(): Promise<void> {
    if (this.#path === "-") return;
    try {
      this.#handle = await open(this.#path, "r");
      const start = new CaptureReader({ packet: () => {} });
      const { buffer, bytesRead } = await this.#handle.read(
        Buffer.alloc(MAGIC_BYTES),
        0,
        MAGIC_BYTES,
        0,
      );
      start.push(buffer.subarray(0, bytesRead));
      if (start.problem !== undefined) throw new EngineError(start.problem);
    } catch (error) {
      await this.#handle?.close();
      const reason = error instanceof Error ? error.message : String(error);
      throw new EngineError(`cannot read ${this.#path}: ${reason}`, { cause: error });
    }
  }

  /** Reads to the end, or until stopped. Returns what is wrong with the capture, if anything is. */
  async readAll(): Promise<string | undefined> {
    if (this.#handle === undefined) await this.#readInput();
    else await this.#readFile(this.#handle);
    const { truncatedTailBytes } = this.#reader.counters();
    if (this.#reader.problem !== undefined) return this.#reader.problem;
    return truncatedTailBytes > 0 && !this.#stopped
      ? `the capture ends inside a packet, of which ${truncatedTailBytes} bytes are there`
      : undefined;
  }

  stop(): void {
    this.#stopped = true;
    if (this.#path === "-") process.stdin.destroy();
  }

  async #readFile(handle: FileHandle): Promise<void> {
    const pieces = new FilePieces(handle);
    try {
      while (!this.#stopped) {
        const piece = await pieces.next();
        if (piece.length === 0) return;
        this.#reader.push(piece);
        await this.#events.burst();
      }
    } finally {
      await pieces.close();
    }
  }

  async #readInput(): Promise<void> {
    try {
      for await (const chunk of process.stdin) {
        this.#reader.push(chunk as Buffer);
        await this.#events.burst();
      }
    } catch (error) {
      // Destroying the stream is how it is stopped.
      if (!this.#stopped) throw error;
    }
  }
}
