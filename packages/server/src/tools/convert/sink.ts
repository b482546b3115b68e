/**
 * A new file, written under another name until it is whole. In: bytes. Out: a file, gzip when its name says so; nothing when
 * it was given up.
 */
import { randomBytes } from "node:crypto";
import { constants as fsConstants } from "node:fs";
import { copyFile, link, open, rename, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { codeOf, fileError } from "../../files/file-error.ts";
import { FILE_MODE } from "../../files/own-path.ts";

/** Bytes gathered before a write, and in a gzip member. */
const WRITE_BYTES: number = 1024 * 1024;
const gzipAsync = promisify(gzip);

export class FileSink {
  readonly #path: string;
  readonly #part: string;
  readonly #overwrite: boolean;
  readonly #handle: FileHandle;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  private constructor(path: string, part: string, overwrite: boolean, handle: FileHandle) {
    this.#path = path;
    this.#part = part;
    this.#overwrite = overwrite;
    this.#handle = handle;
  }

  static async open(path: string, overwrite: boolean): Promise<FileSink> {
    // A name that nobody can have taken before us, and that is never a link.
    const part = `${path}.${process.pid}.${randomBytes(6).toString("hex")}.part`;
    try {
      return new FileSink(path, part, overwrite, await open(part, "wx", FILE_MODE));
    } catch (error) {
      throw fileError("write", path, error);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= WRITE_BYTES) await this.#flush();
  }

  /** The file has its name from now on; rejects when another one has it and must not be replaced. */
  async end(): Promise<void> {
    await this.#flush();
    await this.#handle.close();
    try {
      if (this.#overwrite) await rename(this.#part, this.#path);
      else {
        await this.#nameOnce();
        await unlink(this.#part);
      }
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw fileError("write", this.#path, error);
      throw new Error(`${this.#path} exists; --overwrite replaces it`, { cause: error });
    }
  }

  /** Removes what was written. */
  async abandon(): Promise<void> {
    this.#waiting = [];
    await this.#handle.close().catch(() => {});
    await unlink(this.#part).catch(() => {});
  }

  /** A second name fails when there is such a file; some file systems have no second names. */
  async #nameOnce(): Promise<void> {
    try {
      await link(this.#part, this.#path);
    } catch (error) {
      if (codeOf(error) !== "EPERM" && codeOf(error) !== "ENOTSUP") throw error;
      await copyFile(this.#part, this.#path, fsConstants.COPYFILE_EXCL);
    }
  }

  async #flush(): Promise<void> {
    if (this.#waitingBytes === 0) return;
    const content = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    const bytes = /\.gz$/i.test(this.#path) ? await gzipAsync(content) : content;
    try {
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await this.#handle.write(bytes, at);
        at += bytesWritten;
      }
    } catch (error) {
      throw fileError("write", this.#path, error);
    }
  }
}
