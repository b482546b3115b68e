/**
 * The journal on disk: entries by number, and a few named values beside them, in one lmdb environment. A group of
 * changes is written as one transaction and is safe when `write` says so: lmdb commits first and flushes after, so
 * both are awaited. Nothing here knows what an entry holds.
 */
import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import { stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { open } from "lmdb";
import type { Database, RootDatabase } from "lmdb";
import { makeDirectory } from "../../files/make-directory.ts";
import { FILE_MODE, checkOwnDirectory, refuseLinks } from "../../files/own-path.ts";
import { DATA_FILE, JOURNAL_VERSION, MARK_FILE, checkJournalDirectory } from "./data-file.ts";
import { Lock } from "./lock.ts";
import { WriteProbe } from "./write-probe.ts";

export interface WriteGroup {
  readonly entries: readonly { readonly number: number; readonly bytes: Buffer }[];
  /** Undefined removes the name. */
  readonly values: ReadonlyMap<string, string | undefined>;
  /** Entries before this one are removed. */
  readonly removeBelow: number;
  /** Bytes of the entries that are held: what else the data file has can be used again. */
  readonly heldBytes: number;
}

/** `full`: the disk has no room. `error`: anything else. In both cases nothing of the group was written. */
export type WriteResult = "ok" | "full" | "error";

/** Bytes that stay free beside a group: lmdb copies pages before it frees old ones. */
const FREE_BYTES_MIN = 512 * 1024;
/** Address space, not memory nor disk: twice the largest sensible limit. */
const MAP_BYTES = 64 * 1024 ** 3;
/** An entry takes whole pages, and pages are needed to find it. */
const PAGE_OVERHEAD = 1.3;
/** Milliseconds between looks at whether lmdb is still there, while something is written. */
const LOOK_MS = 1000;
const DIRECTORY_MODE = 0o700;

export class Store {
  readonly directory: string;
  readonly #lock: Lock;
  readonly #root: RootDatabase;
  readonly #entries: Database<Buffer, number>;
  readonly #values: Database<string, string>;
  readonly #writeProbe: WriteProbe;
  readonly #watch: NodeJS.Timeout;
  readonly #onFatalDiskError: (reason: string) => void;
  #writing = false;
  #firstKept: number;

  private constructor(
    directory: string,
    lock: Lock,
    root: RootDatabase,
    entries: Database<Buffer, number>,
    values: Database<string, string>,
    onFatalDiskError: (reason: string) => void,
  ) {
    this.#onFatalDiskError = onFatalDiskError;
    this.directory = directory;
    this.#lock = lock;
    this.#root = root;
    this.#entries = entries;
    this.#values = values;
    this.#writeProbe = new WriteProbe(directory);
    this.#watch = setInterval(() => this.#look(), LOOK_MS).unref();
    this.#firstKept = this.firstEntry ?? 1;
  }

  /**
   * Throws an error that names the file and what is wrong with it; a foreign or damaged journal is left as it is. `onFatalDiskError` is called
   * when nothing can be read or written any more before the process is started again.
   */
  static open(directory: string, onFatalDiskError: (reason: string) => void = () => {}): Store {
    refuseLinks(directory);
    makeDirectory(directory, DIRECTORY_MODE);
    checkOwnDirectory(directory);
    Lock.refuseIfHeld(directory);
    try {
      checkJournalDirectory(directory);
    } catch (error) {
      // What looks damaged may be another process's that makes it just now.
      Lock.refuseIfHeld(directory);
      throw error;
    }
    const lock = Lock.take(directory);
    try {
      // Once more: another process may have made a journal in between.
      return Store.#opened(directory, checkJournalDirectory(directory), lock, onFatalDiskError);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  static #opened(
    directory: string,
    isJournal: boolean,
    lock: Lock,
    onFatalDiskError: (reason: string) => void,
  ): Store {
    if (!isJournal) {
      // Only a directory that is ours from the start is ours to close to others.
      chmodSync(directory, DIRECTORY_MODE);
      const mark = `${JSON.stringify({ journal: JOURNAL_VERSION })}\n`;
      writeFileSync(join(directory, MARK_FILE), mark, { mode: FILE_MODE });
    }
    const root = open({
      path: directory,
      maxDbs: 2,
      mapSize: MAP_BYTES,
      // Each group is one transaction of its own; lmdb's own batching leaves a promise of a failed commit unheard.
      eventTurnBatching: false,
    });
    for (const name of readdirSync(directory)) chmodSync(join(directory, name), FILE_MODE);
    const entries = root.openDB<Buffer, number>({
      name: "entries",
      keyEncoding: "uint32",
      encoding: "binary",
    });
    const values = root.openDB<string, string>({ name: "values", encoding: "string" });
    return new Store(directory, lock, root, entries, values, onFatalDiskError);
  }

  get firstEntry(): number | undefined {
    return first(this.#entries.getKeys({ limit: 1 }));
  }

  get lastEntry(): number | undefined {
    return first(this.#entries.getKeys({ limit: 1, reverse: true }));
  }

  /** The bytes of an entry: a copy that stays valid. Nothing goes on without it: a disk that does not give it ends the run. */
  entry(number: number): Buffer | undefined {
    try {
      return this.#entries.get(number);
    } catch (error) {
      this.#onFatalDiskError(this.#reason(error));
      throw error;
    }
  }

  /** All named values. */
  values(): Map<string, string> {
    const all = new Map<string, string>();
    for (const { key, value } of this.#values.getRange()) all.set(key, value);
    return all;
  }

  /** Never rejects. One call at a time. */
  async write(group: WriteGroup): Promise<WriteResult> {
    this.#writing = true;
    const result = await this.#write(group);
    this.#writing = false;
    return result;
  }

  async #write({ entries, values, removeBelow, heldBytes }: WriteGroup): Promise<WriteResult> {
    let bytes = 0;
    for (const entry of entries) bytes += entry.bytes.length;
    try {
      const [takes, freeBytes] = await Promise.all([
        this.#writeProbe.takes(),
        bytes > 0 ? this.#freeBytes(heldBytes) : Number.POSITIVE_INFINITY,
      ]);
      if (freeBytes < bytes + FREE_BYTES_MIN) return "full";
      if (!takes) return "error";
      await this.#root.batch(() => {
        for (const entry of entries) void this.#entries.put(entry.number, entry.bytes);
        for (const [name, value] of values) {
          if (value === undefined) void this.#values.remove(name);
          else void this.#values.put(name, value);
        }
        for (let number = this.#firstKept; number < removeBelow; number += 1) {
          void this.#entries.remove(number);
        }
      });
      await this.#root.flushed;
      this.#firstKept = Math.max(this.#firstKept, removeBelow);
      return "ok";
    } catch (error) {
      void hearOut(error);
      return "error";
    }
  }

  /** A group that lmdb will neither write nor refuse any more is found by looking: reads fail then as well. */
  #look(): void {
    if (!this.#writing) return;
    try {
      this.#entries.get(0);
    } catch (error) {
      if (isPanic(error)) this.#onFatalDiskError(this.#reason(error));
    }
  }

  #reason(error: unknown): string {
    return isPanic(error)
      ? `${this.directory}: the disk failed in the middle of a commit; start the server again, nothing acknowledged is lost`
      : `${this.directory}: cannot be read: ${String(error)}`;
  }

  /** Near enough: what the disk has left, and what the data file holds of removed entries. */
  async #freeBytes(heldBytes: number): Promise<number> {
    const { bavail, bsize } = await statfs(this.directory);
    const { size } = await stat(join(this.directory, DATA_FILE));
    return bavail * bsize + Math.max(0, size - heldBytes * PAGE_OVERHEAD);
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    await this.#root.close();
    this.#writeProbe.close();
    this.#lock.release();
  }
}

/** When the head of the data file could not be written, lmdb does nothing more in this process. */
function isPanic(error: unknown): boolean {
  return /MDB_PANIC/.test(String(error));
}

function first<T>(range: Iterable<T>): T | undefined {
  for (const item of range) return item;
  return undefined;
}

/** A failed commit carries a second promise with the cause; unheard, it would end the process. */
async function hearOut(error: unknown): Promise<void> {
  try {
    if (typeof error === "object" && error !== null && "commitError" in error) {
      await error.commitError;
    }
  } catch {
    // The cause is the disk's, and "error" says so.
  }
}
