/**
 * `--output-file PATH`: stores everything in gor's record format, so that gor and mirrorball can replay it.
 *
 * An existing file is never truncated: a run writes the next `_N`, or really appends when asked to. Bytes go to
 * the file as soon as the last write is done, so a killed process loses what was in one write at most; in a `.gz`
 * each batch is a gzip member of its own. A write that fails is counted, the disk is tried again with the next
 * batch.
 */
import { MessageKind } from "@mirrorball/protocol";
import { open, readdir } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { defineOutput } from "../component/define.ts";
import type { OutputDeclaration } from "../component/define.ts";
import { flag } from "../component/kinds.ts";
import { Refusal } from "../component/option.ts";
import type { OptionSpec } from "../component/option.ts";
import type { Output, OutputContext } from "../component/types.ts";
import { encodeRecords } from "../core/record/encode.ts";
import { BatchWriter } from "./batch-writer.ts";
import { chunkPath, nextChunkIndex } from "./file/chunk-name.ts";

/** Captured traffic holds secrets: the owner only. */
const FILE_MODE = 0o600;
const gzipAsync = promisify(gzip);

const options: { append: OptionSpec<boolean> } = {
  append: flag({
    help: "Append to exactly this file, instead of writing the next numbered one (name_0.gor, name_1.gor …).",
    default: false,
  }),
};

export const outputFile: OutputDeclaration<typeof options> = defineOutput({
  name: "output-file",
  summary:
    "Store everything in a file, in gor's record format; compressed when its name ends in .gz.",
  argument: {
    placeholder: "FILE",
    example: "requests.gor",
    parse: (raw) => (raw === "" ? new Refusal("must be a file name") : raw),
  },
  accepts: [MessageKind.request, MessageKind.response, MessageKind.replayed],
  options,
  create: (context, argument, { append }) => new FileOutput(context, argument, append),
});

class FileOutput implements Output {
  readonly #path: string;
  readonly #append: boolean;
  readonly #writer: BatchWriter;
  readonly #context: OutputContext;
  #file: FileHandle | undefined;
  #failing = false;

  constructor(context: OutputContext, path: string, append: boolean) {
    this.#path = path;
    this.#append = append;
    this.#context = context;
    this.#writer = new BatchWriter({
      context,
      encode: encodeRecords,
      write: (bytes) => this.#write(bytes),
      reasonOf,
    });
  }

  async start(): Promise<void> {
    try {
      const path = this.#append
        ? this.#path
        : chunkPath(this.#path, nextChunkIndex(this.#path, await readdir(dirname(this.#path))));
      // Exclusive when the name is ours to choose: another process may choose at the same moment.
      this.#file = await open(path, this.#append ? "a" : "ax", FILE_MODE);
      this.#context.log.debug(1, `writing to ${path}`);
    } catch (error) {
      throw openError(this.#path, error);
    }
  }

  drain(): Promise<void> {
    return this.#writer.drained();
  }

  async close(): Promise<void> {
    this.#writer.close();
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #write(bytes: Buffer): Promise<void> {
    const file = this.#file;
    if (file === undefined) throw new Error("the file is closed");
    try {
      // Each batch is a gzip member of its own: readers join them, and a torn last one harms no other.
      await writeWhole(file, this.#path.endsWith(".gz") ? await gzipAsync(bytes) : bytes);
      if (this.#failing) this.#context.log.warn("writing works again");
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#context.log.warn(`cannot write: ${messageOf(error)}`);
      this.#failing = true;
      throw error;
    }
  }
}

/** Writes all of `bytes` or nothing: half a record at the end of a full disk would spoil the next one. */
async function writeWhole(file: FileHandle, bytes: Buffer): Promise<void> {
  const { size } = await file.stat();
  try {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, at);
      at += bytesWritten;
    }
  } catch (error) {
    await file.truncate(size).catch(() => {});
    throw error;
  }
}

const OPEN_HINTS: Readonly<Record<string, string>> = {
  ENOENT: "the directory does not exist",
  EACCES: "permission denied",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of the path is not a directory",
  EROFS: "the file system is read-only",
};

function openError(path: string, error: unknown): Error {
  return new Error(`cannot open ${path}: ${OPEN_HINTS[codeOf(error)] ?? messageOf(error)}`, {
    cause: error,
  });
}

function reasonOf(error: unknown): string {
  return codeOf(error) === "ENOSPC" ? "disk-full" : "write-error";
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
