/**
 * Standard output and standard error: the only place that writes to them. In: bytes, and lines for people. Out: what became of
 * them. A stream that cannot be written (full disk, reader gone, terminal gone) costs what was to be written and nothing else: no
 * write throws, rejects or ends the process.
 *
 * Bytes that count (`write`) report their fate to whoever wrote them. Lines for people (`say`) are left out and counted while they
 * cannot be written, and told of when they can again.
 */
import { fstatSync, writeSync } from "node:fs";
import type { Writable } from "node:stream";
import type { ByteSink, LineSink, WriteFault } from "../component/types.ts";
import { codeOf, hintOf } from "../files/file-error.ts";
import { Waiters } from "../core/waiters.ts";

/** Bytes of lines that may wait for a reader that is slow: a burst of a busy log, and little memory. */
const WAITING_BYTES_MAX: number = 1024 * 1024;

const LF = 0x0a;

export interface NodeStream extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export class StandardStream implements ByteSink, LineSink {
  readonly #fd: number;
  readonly #open: () => NodeStream;
  #stream: NodeStream | undefined;
  #isFile = false;
  /** Handed to Node and not yet to the system. */
  #waitingBytes = 0;
  /** What `say` left out since its last success, and why. */
  #missing = 0;
  #missingWhy = "";
  readonly #flushed: Waiters = new Waiters();

  /** `open` is called at the first use, so that a program that never writes here leaves the stream alone. */
  constructor(fd: number, open: () => NodeStream) {
    this.#fd = fd;
    this.#open = open;
  }

  get isTerminal(): boolean {
    return this.#ready()?.isTTY === true;
  }

  get columns(): number | undefined {
    return this.#ready()?.columns;
  }

  /** Resolves when the system has the bytes, or with why it has not taken all of them. */
  write(bytes: Uint8Array | string): Promise<WriteFault | undefined> {
    const content = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    const stream = this.#ready();
    if (stream === undefined) return Promise.resolve({ code: "EBADF", bytesWritten: 0 });
    if (this.#isFile) return Promise.resolve(writeFile(this.#fd, content));
    return this.#writeStream(stream, content);
  }

  say(bytes: Uint8Array | string): void {
    if (this.#waitingBytes > WAITING_BYTES_MAX) {
      this.#missed(linesIn(bytes), "its reader was too slow");
      return;
    }
    const missing = this.#missing;
    const told =
      missing === 0
        ? bytes
        : Buffer.concat([Buffer.from(missingLine(missing, this.#missingWhy)), Buffer.from(bytes)]);
    this.#missing = 0;
    void this.#tell(told, missing + linesIn(bytes));
  }

  async #tell(bytes: Uint8Array | string, lines: number): Promise<void> {
    const fault = await this.write(bytes);
    if (fault !== undefined) this.#missed(lines, hintOf(fault.code));
  }

  /** Resolves when nothing waits for the reader any more, after `waitMs` at the latest; true when nothing does. */
  async flushed(waitMs: number): Promise<boolean> {
    if (this.#waitingBytes > 0) {
      const late = new Promise<void>((resolve) => setTimeout(resolve, waitMs).unref());
      await Promise.race([late, this.#flushed.wait()]);
    }
    return this.#waitingBytes === 0;
  }

  #missed(lines: number, why: string): void {
    this.#missing += lines;
    this.#missingWhy = why;
  }

  #ready(): NodeStream | undefined {
    if (this.#stream !== undefined) return this.#stream;
    try {
      const stream = this.#open();
      // Each write is told of its own failure; without a listener it would end the process.
      stream.on("error", () => {});
      this.#isFile = stream.isTTY !== true && isFile(this.#fd);
      this.#stream = stream;
    } catch {
      // It was closed by whoever started this process.
    }
    return this.#stream;
  }

  #writeStream(stream: NodeStream, content: Uint8Array): Promise<WriteFault | undefined> {
    this.#waitingBytes += content.length;
    return new Promise((resolve) => {
      const done = (error?: unknown): void => {
        this.#waitingBytes -= content.length;
        if (this.#waitingBytes === 0) this.#flushed.release();
        resolve(isNothing(error) ? undefined : { code: codeOf(error) || "EIO", bytesWritten: 0 });
      };
      try {
        stream.write(content, done);
      } catch (error) {
        done(error);
      }
    });
  }
}

export const standardOutput: StandardStream = new StandardStream(1, () => process.stdout);
export const standardError: StandardStream = new StandardStream(2, () => process.stderr);

function isNothing(error: unknown): boolean {
  return error === undefined || error === null;
}

function linesIn(bytes: Uint8Array | string): number {
  return Buffer.from(bytes).filter((byte) => byte === LF).length;
}

function missingLine(count: number, why: string): string {
  return `mirrorball: ${count} lines are missing from this log: it could not be written: ${why}\n`;
}

/** A file or a device: Node writes it with one call and does not look how much of it was taken. */
function isFile(fd: number): boolean {
  const stat = fstatSync(fd);
  return stat.isFile() || stat.isCharacterDevice();
}

function writeFile(fd: number, content: Uint8Array): WriteFault | undefined {
  let at = 0;
  try {
    while (at < content.length) at += writeSync(fd, content, at);
    return undefined;
  } catch (error) {
    return { code: codeOf(error) || "EIO", bytesWritten: at };
  }
}
