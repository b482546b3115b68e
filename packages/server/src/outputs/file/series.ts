/**
 * One recording on disk: a file that is appended to, or numbered chunks one after the other. In: whole records. Out: bytes in
 * files. An existing file is never truncated, and what could be written of a failed write is taken back.
 *
 * Knows nothing of queues and messages; calls must not overlap.
 */
import { open, readdir } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { SEPARATOR } from "../../core/record/separator.ts";
import { codeOf } from "../../files/file-error.ts";
import { FILE_MODE, openToAppend } from "../../files/own-path.ts";
import { chunkPath, nextChunkIndex } from "./chunk-name.ts";

const gzipAsync = promisify(gzip);

export interface SeriesOptions {
  readonly append: boolean;
  /** The name is of one request only: no other chunks are expected, and looking through the folder would cost more. */
  readonly isPerRequest: boolean;
}

export class Series {
  readonly name: string;
  /** Of the present chunk, before compression. */
  records = 0;
  bytes = 0;
  readonly #options: SeriesOptions;
  readonly #compressed: boolean;
  #handle: FileHandle | undefined;
  /** The chunk being written, also while it is closed. */
  #path: string | undefined;
  #index = -1;

  constructor(name: string, options: SeriesOptions) {
    this.name = name;
    this.#options = options;
    this.#compressed = name.endsWith(".gz");
  }

  get isOpen(): boolean {
    return this.#handle !== undefined;
  }

  /** The file being written. */
  get path(): string {
    return this.#path ?? this.name;
  }

  async open(): Promise<FileHandle> {
    this.#handle ??=
      this.#path !== undefined || this.#options.append
        ? await this.#reopen(this.#path ?? this.name)
        : await this.#openChunk();
    return this.#handle;
  }

  /** Each call makes a gzip member of its own: readers join them, and a torn last one harms no other. */
  async write(content: Buffer): Promise<void> {
    const handle = await this.open();
    await writeWhole(handle, this.#compressed ? await gzipAsync(content) : content);
  }

  /** The next write goes to the next chunk. */
  async rotate(): Promise<void> {
    await this.close();
    this.#path = undefined;
    this.records = 0;
    this.bytes = 0;
  }

  /** A later write opens the same file again. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #reopen(path: string): Promise<FileHandle> {
    const handle = await openToAppend(path, !this.#compressed);
    if (!this.#compressed && this.#path === undefined) await endLastRecord(handle);
    this.#path = path;
    return handle;
  }

  async #openChunk(): Promise<FileHandle> {
    if (this.#index < 0 && !this.#options.isPerRequest) this.#index = await this.#highest();
    for (;;) {
      this.#index += 1;
      const path = chunkPath(this.name, this.#index);
      try {
        // Exclusive: another process may choose the same name at the same moment.
        const handle = await open(path, "ax", FILE_MODE);
        this.#path = path;
        return handle;
      } catch (error) {
        if (codeOf(error) !== "EEXIST") {
          this.#index -= 1;
          throw error;
        }
        this.#index = Math.max(this.#index, await this.#highest());
      }
    }
  }

  async #highest(): Promise<number> {
    return nextChunkIndex(this.name, await readdir(dirname(this.name))) - 1;
  }
}

/** What a crash left of a last record must not swallow the first one that is appended. */
async function endLastRecord(handle: FileHandle): Promise<void> {
  const { size } = await handle.stat();
  if (size === 0) return;
  const end = Buffer.alloc(SEPARATOR.length);
  const from = Math.max(size - end.length, 0);
  const { bytesRead } = await handle.read(end, 0, end.length, from);
  if (!end.subarray(0, bytesRead).equals(SEPARATOR)) await handle.write(SEPARATOR);
}

/** Writes all of `bytes` or nothing: half a record at the end of a full disk would spoil the next one. */
async function writeWhole(file: FileHandle, bytes: Buffer): Promise<void> {
  let at = 0;
  try {
    while (at < bytes.length) {
      const { bytesWritten } = await file.write(bytes, at);
      at += bytesWritten;
    }
  } catch (error) {
    if (at > 0) {
      const { size } = await file.stat();
      await file.truncate(size - at).catch(() => {});
    }
    throw error;
  }
}
