/**
 * The content of a gzip file of one or many members. In: a path. Out: pieces of content. Where the file is damaged or cut off,
 * everything before that place comes out first, then one error that names the place.
 */
import { createGunzip } from "node:zlib";
import type { Gunzip } from "node:zlib";
import { PIECE_BYTES, PlainSource } from "./plain-source.ts";
import type { ByteSource } from "./plain-source.ts";

/** Compressed bytes a step: content may be a thousand times larger, and all of a step's waits in memory. */
const STEP_BYTES: number = 16 * 1024;

export class GzipSource implements ByteSource {
  readonly #path: string;
  #file: PlainSource;
  #inflater: Inflater = new Inflater();
  #contentBytes = 0;
  #ended = false;
  #failure: Error | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#file = new PlainSource(path, STEP_BYTES);
  }

  get fileBytesRead(): number {
    return this.#file.fileBytesRead;
  }

  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const content = this.#inflater.take();
      if (content !== undefined) {
        this.#contentBytes += content.length;
        return content;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return undefined;
      await this.#step();
    }
  }

  close(): void {
    this.#ended = true;
    this.#file.close();
    this.#inflater.close();
  }

  async #step(): Promise<void> {
    const before = this.#file.fileBytesRead;
    const compressed = await this.#file.next();
    if (compressed !== undefined) {
      if (await this.#inflater.push(compressed)) return;
      await this.#salvage(before);
      return;
    }
    this.#ended = true;
    const whole = await this.#inflater.end();
    const unread = this.#file.fileBytesRead - this.#inflater.consumed;
    if (!whole) this.#failure = this.#damage(before, "it is cut off");
    else if (unread > 0) {
      this.#failure = this.#damage(before - unread, `the last ${unread} bytes are no gzip`);
    }
  }

  /**
   * The inflater forgets what the failing step gave before it failed. So: from the start again, that step byte by byte, and
   * what was not given yet comes out.
   */
  async #salvage(stepStart: number): Promise<void> {
    this.#file.close();
    this.#ended = true;
    const again = new PlainSource(this.#path, STEP_BYTES);
    const inflater = new Inflater();
    let given = this.#contentBytes + this.#inflater.waitingBytes;
    const waiting = this.#inflater.takeAll();
    this.#inflater.close();
    let at = 0;
    for (let piece = await again.next(); piece !== undefined; piece = await again.next()) {
      for (const part of at < stepStart ? [piece] : singly(piece)) {
        if (!(await inflater.push(part))) {
          this.#failure = this.#damage(at, inflater.reason);
          break;
        }
        at += part.length;
        given -= inflater.dropWaiting(given);
      }
      if (this.#failure !== undefined) break;
    }
    again.close();
    inflater.dropWaiting(given);
    inflater.prepend(waiting);
    this.#inflater = inflater;
    this.#failure ??= this.#damage(stepStart, "it is damaged");
  }

  #damage(offset: number, reason: string): Error {
    return new Error(`${this.#path} is damaged as gzip at byte ${offset}: ${reason}`);
  }
}

function singly(piece: Buffer): Buffer[] {
  return Array.from({ length: piece.length }, (_, i) => piece.subarray(i, i + 1));
}

/** Node's stream, pushed and pulled by hand. */
class Inflater {
  reason = "";
  readonly #gunzip: Gunzip;
  #waiting: Buffer[] = [];
  #failed = false;
  /** Tells whoever waits for a push or the end. */
  #settle: (fine: boolean) => void = () => {};

  constructor() {
    this.#gunzip = createGunzip({ chunkSize: PIECE_BYTES });
    this.#gunzip.on("data", (content: Buffer) => this.#waiting.push(content));
    this.#gunzip.on("error", (error) => {
      this.#failed = true;
      this.reason = error.message;
    });
    this.#gunzip.on("close", () => this.#settle(!this.#failed));
  }

  /** Compressed bytes that belonged to a member. */
  get consumed(): number {
    return this.#gunzip.bytesWritten;
  }

  get waitingBytes(): number {
    let sum = 0;
    for (const { length } of this.#waiting) sum += length;
    return sum;
  }

  /** False when the bytes are no gzip. */
  push(compressed: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#failed) return resolve(false);
      this.#settle = resolve;
      // After a failure "close" comes, and this may or may not.
      return this.#gunzip.write(compressed, (error) => {
        if (error === null || error === undefined) resolve(true);
      });
    });
  }

  /** False when the last member has no end. */
  end(): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#failed) return resolve(false);
      this.#settle = resolve;
      return this.#gunzip.end();
    });
  }

  take(): Buffer | undefined {
    return this.#waiting.shift();
  }

  takeAll(): Buffer[] {
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }

  prepend(pieces: readonly Buffer[]): void {
    this.#waiting = [...pieces, ...this.#waiting];
  }

  /** Lets go of up to `max` bytes; returns how many. */
  dropWaiting(max: number): number {
    let dropped = 0;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const cut = Math.min(first.length, max - dropped);
      if (cut === 0) break;
      dropped += cut;
      if (cut === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(cut);
    }
    return dropped;
  }

  close(): void {
    this.#gunzip.destroy();
  }
}
