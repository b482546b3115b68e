/**
 * A recording, read as messages in order of time. In: a path and how many records may be held to put them in order. Out:
 * records, pulled; everything that is no record told with its place. It never rejects: what cannot be read ends the file.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { constants, gunzipSync } from "node:zlib";
import type { Message } from "@mirrorball/protocol";
import { WAITING_BYTES, processMemory } from "../core/memory/process-memory.ts";
import type { MemoryAccount } from "../core/memory/budget.ts";
import { RECORD_BYTES_MAX, RecordDecoder } from "../core/record/decode.ts";
import type { DecodedRecords, SkipReason } from "../core/record/decode.ts";
import { MetaLine, readMeta } from "../core/record/meta.ts";
import { SortWindow } from "../core/pace/window.ts";
import { fileError } from "./file-error.ts";
import { GzipSource } from "./sources/gzip-source.ts";
import { PlainSource } from "./sources/plain-source.ts";
import type { ByteSource } from "./sources/plain-source.ts";

/** Enough to see what a file is and when its first record was made. */
const LOOK_BYTES = 4096;
const GZIP_MAGIC = 0x1f8b;
/** What a record takes beside its bytes: a message, its texts, its place in a list. */
const RECORD_OVERHEAD_BYTES = 512;

export interface RecordFileInfo {
  readonly path: string;
  readonly sizeBytes: number;
  /** By content, not by name. */
  readonly compressed: boolean;
  /** When the first record was made, nanoseconds since the epoch given; -Infinity when that does not show. */
  readonly firstNs: number;
  /** It begins like a recording, or is empty. */
  readonly isRecording: boolean;
}

/** Looks at the beginning of a file. Throws one sentence when it cannot be read. */
export function lookAtFile(path: string, epochSeconds: number): RecordFileInfo {
  let bytes: Buffer;
  let sizeBytes: number;
  try {
    sizeBytes = statSync(path).size;
    bytes = firstBytes(path);
  } catch (error) {
    throw fileError("read", path, error);
  }
  const compressed = bytes.length >= 2 && bytes.readUInt16BE(0) === GZIP_MAGIC;
  const content = compressed ? inflateSome(bytes) : bytes;
  const meta = new MetaLine();
  const isRecord = readMeta(content, 0, content.length, meta);
  const firstNs =
    isRecord && meta.seconds >= 0
      ? (meta.seconds - epochSeconds) * 1e9 + meta.nanoseconds
      : Number.NEGATIVE_INFINITY;
  return { path, sizeBytes, compressed, firstNs, isRecording: isRecord || content.length === 0 };
}

function firstBytes(path: string): Buffer {
  const descriptor = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(LOOK_BYTES);
    return buffer.subarray(0, readSync(descriptor, buffer, 0, LOOK_BYTES, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** What of a file's content its first bytes give; nothing when they are no gzip after all. */
function inflateSome(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return Buffer.alloc(0);
  }
}

/** The content of a file, inflated when it is gzip, whatever its name. Throws one sentence when it cannot be read. */
export function openSource(path: string): ByteSource {
  return lookAtFile(path, 0).compressed ? new GzipSource(path) : new PlainSource(path);
}

export type FileFault = SkipReason | "bad-gzip" | "read-error";

export interface RecordFileOptions {
  readonly epochSeconds: number;
  /** Records held to put them in order. */
  readonly depth: number;
  /** Told of each record or rest of a file that could not be read. */
  readonly fault: (reason: FileFault, explanation: string) => void;
  /** Told of each record whose first line gave a length that is not right: it was read nevertheless. */
  readonly staleLength?: () => void;
}

export class RecordFile {
  readonly path: string;
  readonly #source: ByteSource;
  readonly #decoder: RecordDecoder;
  readonly #depth: number;
  readonly #fault: RecordFileOptions["fault"];
  readonly #window = new SortWindow();
  readonly #memory: MemoryAccount = processMemory.account();
  /** There is no memory for more; one record is held all the same. */
  #isFull = false;
  #uncharged: Message | undefined;
  #decoded: DecodedRecords = { messages: [], timesNs: [] };
  #cursor = 0;
  /** No more bytes; what they gave may still wait in `#decoded`. */
  #sourceEnded = false;
  #ended = false;
  /** Bytes of content, uncompressed. */
  contentBytes = 0;

  constructor({ path, compressed }: RecordFileInfo, options: RecordFileOptions) {
    this.path = path;
    this.#depth = options.depth;
    this.#fault = options.fault;
    this.#source = compressed ? new GzipSource(path) : new PlainSource(path);
    this.#decoder = new RecordDecoder({
      epochSeconds: options.epochSeconds,
      staleLength: options.staleLength ?? (() => {}),
      recordBytesMax: Math.min(RECORD_BYTES_MAX, WAITING_BYTES),
      skipped: (reason, offset, bytes) => {
        options.fault(reason, `${path}: ${SKIPS[reason]} at byte ${offset}, ${bytes} bytes`);
      },
    });
  }

  get fileBytesRead(): number {
    return this.#source.fileBytesRead;
  }

  /** The oldest record held; the next one, when `ready`. */
  get headNs(): number {
    return this.#window.headNs;
  }

  get head(): Message | undefined {
    return this.#window.head;
  }

  /** True when as many are held as should be, or may be, or as there are. */
  get ready(): boolean {
    return this.#ended || this.#isFull || this.#window.length >= this.#depth;
  }

  /** Nothing is left. */
  get finished(): boolean {
    return this.#ended && this.#window.length === 0;
  }

  take(): Message | undefined {
    const message = this.#window.take();
    if (message !== undefined && message === this.#uncharged) this.#uncharged = undefined;
    else if (message !== undefined) this.#memory.free(costOf(message));
    this.#isFull = false;
    this.#fill();
    return message;
  }

  /** Reads until it is ready. */
  async load(): Promise<void> {
    while (!this.ready) {
      if (this.#cursor < this.#decoded.messages.length) this.#fill();
      else await this.#read();
    }
  }

  /** Records read and not taken. */
  get held(): number {
    return this.#window.length + this.#decoded.messages.length - this.#cursor;
  }

  close(): void {
    this.#ended = true;
    this.#memory.free(this.#memory.usedBytes);
    this.#source.close();
  }

  async #read(): Promise<void> {
    const decoded: DecodedRecords = { messages: [], timesNs: [] };
    try {
      const bytes = await this.#source.next();
      if (bytes === undefined) this.#end(decoded);
      else {
        this.contentBytes += bytes.length;
        this.#decoder.push(bytes, decoded);
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#fault(this.#source instanceof GzipSource ? "bad-gzip" : "read-error", text);
      this.#end(decoded);
      this.#source.close();
    }
    this.#decoded = decoded;
    this.#cursor = 0;
    this.#fill();
  }

  #end(decoded: DecodedRecords): void {
    this.#decoder.end(decoded);
    this.#sourceEnded = true;
  }

  #fill(): void {
    const { messages, timesNs } = this.#decoded;
    while (this.#window.length < this.#depth) {
      const message = messages[this.#cursor];
      if (message === undefined) {
        if (this.#sourceEnded) this.#ended = true;
        return;
      }
      if (!this.#memory.charge(costOf(message))) {
        this.#isFull = this.#window.length > 0;
        if (this.#isFull) return;
        this.#uncharged = message;
      }
      this.#window.add(message, timesNs[this.#cursor] ?? 0);
      this.#cursor += 1;
    }
  }
}

function costOf({ http }: Message): number {
  return http.byteLength + RECORD_OVERHEAD_BYTES;
}

const SKIPS: Readonly<Record<SkipReason, string>> = {
  "bad-record": "no record",
  "cut-off-record": "a record without its end",
  "empty-record": "a record without a message",
  "oversized-record": "a record that is too large",
};
