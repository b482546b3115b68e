/**
 * Several recordings as one, in order of time. In: paths. Out: records, pulled. A file is opened when its first record's time
 * comes, so that a recording of ten thousand parts needs a handful of them open.
 */
import type { Message } from "@mirrorball/protocol";
import { INEXACT_NS, isLater } from "../core/pace/earlier.ts";
import { RecordFile, lookAtFile } from "./record-file.ts";
import type { RecordFileInfo, RecordFileOptions } from "./record-file.ts";

/** Looks between two turns of the event loop: each takes some ten microseconds. */
const LOOKS_PER_TURN = 100;

export class RecordMerge {
  readonly files: readonly RecordFileInfo[];
  readonly #options: RecordFileOptions;
  /** Not opened yet, the latest first. */
  readonly #waiting: RecordFileInfo[];
  #open: RecordFile[] = [];
  #current: RecordFile | undefined;
  #fileBytesRead = 0;
  #contentBytes = 0;

  private constructor(files: readonly RecordFileInfo[], options: RecordFileOptions) {
    this.files = files;
    this.#options = options;
    // Stable: files of equal times in the order of their names.
    this.#waiting = files.toSorted((a, b) => compare(a.firstNs, b.firstNs)).toReversed();
  }

  /** Looks at every file; rejects when one cannot be read, before a single record was taken. */
  static async open(paths: readonly string[], options: RecordFileOptions): Promise<RecordMerge> {
    const files: RecordFileInfo[] = [];
    for (const path of paths) {
      files.push(lookAtFile(path, options.epochSeconds));
      if (files.length % LOOKS_PER_TURN === 0)
        await new Promise((resolve) => setImmediate(resolve));
    }
    return new RecordMerge(files, options);
  }

  /** When true, `head`, `headNs` and `take` are of the next record. When false: `load`, which says whether there is more. */
  get ready(): boolean {
    return this.#current !== undefined;
  }

  get head(): Message | undefined {
    return this.#current?.head;
  }

  get headNs(): number {
    return this.#current?.headNs ?? Number.POSITIVE_INFINITY;
  }

  take(): Message | undefined {
    const file = this.#current;
    const message = file?.take();
    this.#choose();
    return message;
  }

  /** False at the end. */
  async load(): Promise<boolean> {
    while (this.#current === undefined) {
      if (this.#open.length === 0 && this.#waiting.length === 0) return false;
      for (const file of this.#open) if (!file.ready) await file.load();
      this.#dropFinished();
      this.#openDue();
      this.#choose();
    }
    return true;
  }

  get fileBytesRead(): number {
    let sum = this.#fileBytesRead;
    for (const file of this.#open) sum += file.fileBytesRead;
    return sum;
  }

  get contentBytes(): number {
    let sum = this.#contentBytes;
    for (const file of this.#open) sum += file.contentBytes;
    return sum;
  }

  /** Records read and not taken. */
  get held(): number {
    let sum = 0;
    for (const file of this.#open) sum += file.held;
    return sum;
  }

  close(): void {
    for (const file of this.#open) file.close();
    this.#open = [];
    this.#waiting.length = 0;
    this.#current = undefined;
  }

  /** The file whose next record is the oldest, when all are ready and no other file must be opened first. */
  #choose(): void {
    let oldest: RecordFile | undefined;
    for (const file of this.#open) {
      if (!file.ready || file.finished) {
        oldest = undefined;
        break;
      }
      if (oldest === undefined || isLater(oldest.headNs, oldest.head, file.headNs, file.head))
        oldest = file;
    }
    const next = this.#waiting.at(-1);
    const isLate =
      oldest !== undefined && next !== undefined && next.firstNs <= oldest.headNs + INEXACT_NS;
    this.#current = isLate ? undefined : oldest;
  }

  #openDue(): void {
    for (;;) {
      const next = this.#waiting.at(-1);
      if (next === undefined) return;
      const isDue = this.#open.every((file) => next.firstNs <= file.headNs + INEXACT_NS);
      if (!isDue) return;
      this.#waiting.pop();
      this.#open.push(new RecordFile(next, this.#options));
      // Its own first record may be later than it looks; the next file waits for what this one says.
      if (next.firstNs !== Number.NEGATIVE_INFINITY) return;
    }
  }

  #dropFinished(): void {
    this.#open = this.#open.filter((file) => {
      if (!file.finished) return true;
      this.#fileBytesRead += file.fileBytesRead;
      this.#contentBytes += file.contentBytes;
      file.close();
      return false;
    });
  }
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
