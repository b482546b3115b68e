/** What `--output-file` is when it runs: records into series of chunks, plain at once and compressed in groups. */
import { statSync } from "node:fs";
import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import type { Message } from "@mirrorball/protocol";
import type { Output, OutputContext, OutputStats } from "../../component/types.ts";
import {
  EncodeReport,
  REFUSED_REASON,
  encodeRecords,
  leftOutCounts,
} from "../../core/record/encode.ts";
import { codeOf, fileError } from "../../files/file-error.ts";
import { BatchWriter } from "../batch-writer.ts";
import { DescriptorWait } from "./descriptor-wait.ts";
import { SeriesSet } from "./series-set.ts";
import type { Series } from "./series.ts";
import { NameTemplate } from "./template.ts";
import type { Values } from "../file.ts";

export function create(context: OutputContext, argument: string, values: Values): Output {
  return new FileOutput(context, argument, values);
}

/** Records of a `.gz` are gathered until there are this many bytes: beyond, compression gains little. */
const GATHER_BYTES: number = 256 * 1024;

/** Bytes gathered by all recordings of one output: with a name a request there may be thousands. */
const GATHER_ALL_BYTES: number = 16 * 1024 * 1024;

function isDirectory(path: string): boolean {
  return path.endsWith("/") || (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false);
}

/** Records of a series that wait to be compressed together. */
interface Gathered {
  readonly content: Buffer[];
  readonly messages: Message[];
  bytes: number;
}

class FileOutput implements Output {
  readonly #context: OutputContext;
  readonly #template: NameTemplate;
  readonly #values: Values;
  readonly #series: SeriesSet;
  readonly #gathered: Map<Series, Gathered> = new Map();
  readonly #writer: BatchWriter;
  /** The end of what is being written: work on files goes one after the other. */
  #work: Promise<void> = Promise.resolve();
  #flushTimer: NodeJS.Timeout | undefined;
  #gatheredBytes = 0;
  #totalBytes = 0;
  #isFull = false;
  readonly #descriptors: DescriptorWait = new DescriptorWait({
    short: (explanation) => this.#tellFailing(new Error(explanation)),
    release: () => this.#series.closeFiles(),
  });
  #failing = false;
  #contextLeftOut = 0;

  constructor(context: OutputContext, path: string, values: Values) {
    this.#context = context;
    this.#values = values;
    this.#template = new NameTemplate(path, Math.random);
    const { isPerMessage, isPerRequest } = this.#template;
    this.#series = new SeriesSet({ append: values.append, isPerMessage, isPerRequest });
    this.#writer = new BatchWriter({
      context,
      consume: (batch) => this.#inOrder(() => this.#write(batch)),
    });
  }

  /** A template that never changes is opened at once, so that what is wrong with it shows before traffic comes. */
  async start(): Promise<void> {
    const name = this.#template.nameFor(undefined, this.#context.clock.nowUs());
    if (isDirectory(name))
      throw new Error(`cannot write ${name}: it is a directory; give the name of a file in it`);
    try {
      if (this.#template.isStatic) {
        const series = await this.#series.get(name);
        await series.open();
        this.#context.log.debug(1, `writing to ${series.path}`);
      } else await access(dirname(name), constants.W_OK);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw fileError("open", name, error);
      throw new Error(`cannot open ${name}: the directory ${dirname(name)} does not exist`, {
        cause: error,
      });
    }
  }

  /** Somebody moved the files away (logrotate): what comes next goes to new ones of the same names. */
  readonly reload = (): void => {
    void this.#inOrder(() => this.#reopen());
  };

  async #reopen(): Promise<void> {
    await this.#flushAll();
    try {
      await this.#series.closeFiles();
      this.#context.log.warn("the next record opens its file anew");
    } catch (error) {
      this.#context.log.warn(fileError("close", this.#template.pattern, error).message);
    }
  }

  async drain(): Promise<void> {
    await this.#writer.drained();
    await this.#inOrder(() => this.#flushAll());
  }

  async close(): Promise<void> {
    this.#writer.close();
    this.#descriptors.close();
    clearTimeout(this.#flushTimer);
    await this.#inOrder(() => this.#series.closeAll());
  }

  #inOrder(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => {});
    return done;
  }

  stats(): OutputStats {
    return { counts: leftOutCounts(this.#contextLeftOut) };
  }

  async #write(all: readonly Message[]): Promise<void> {
    const report = new EncodeReport();
    const content = encodeRecords(all, report);
    const { kept: batch, ends, refused } = report;
    this.#contextLeftOut += report.leftOut;
    if (refused.length > 0) this.#context.ledger.failed(REFUSED_REASON, refused);
    for (let from = 0; from < batch.length;) {
      if (this.#totalBytes >= this.#values.maxSizeLimitBytes) {
        this.#tellFull();
        this.#context.ledger.dropped("max-size", batch.slice(from));
        return;
      }
      const name = this.#nameFor(batch[from]);
      const series = await this.#chunkFor(name, batch, from);
      if (series === undefined) return;
      const to = this.#runEnd(batch, from, ends, name, series);
      const start = ends[from - 1] ?? 0;
      const end = ends[to - 1] ?? start;
      await this.#put(series, content.subarray(start, end), batch.slice(from, to));
      from = to;
    }
  }

  /** The chunk that takes the next record; when there is none, what is left of the batch is counted as failed. */
  async #chunkFor(
    name: string,
    batch: readonly Message[],
    from: number,
  ): Promise<Series | undefined> {
    try {
      return await this.#descriptors.run(async () => {
        const series = await this.#series.get(name);
        if (this.#isChunkFull(series, 0, 0)) {
          await this.#flush(series);
          await series.rotate();
        }
        return series;
      });
    } catch (error) {
      this.#tellFailing(fileError("write", name, error));
      this.#context.ledger.failed(reasonOf(error), batch.slice(from));
      return undefined;
    }
  }

  #nameFor(message: Message | undefined): string {
    return this.#template.nameFor(message, this.#context.clock.nowUs());
  }

  /** How far the records from `from` on go into the same chunk; one at least. */
  #runEnd(
    batch: readonly Message[],
    from: number,
    ends: readonly number[],
    name: string,
    series: Series,
  ): number {
    const start = ends[from - 1] ?? 0;
    let to = from + 1;
    while (to < batch.length) {
      const bytes = (ends[to - 1] ?? start) - start;
      if (this.#isChunkFull(series, to - from, bytes)) break;
      if (this.#totalBytes + bytes >= this.#values.maxSizeLimitBytes) break;
      if (this.#template.isPerMessage && this.#nameFor(batch[to]) !== name) break;
      to += 1;
    }
    return to;
  }

  /** gor's rule: what reached a limit is full, so that a chunk may be one record longer than the limit. */
  #isChunkFull({ records, bytes }: Series, moreRecords: number, moreBytes: number): boolean {
    const { append, queueLimit, sizeLimitBytes } = this.#values;
    if (append) return false;
    const tooMany = queueLimit > 0 && records + moreRecords >= queueLimit;
    return tooMany || (sizeLimitBytes > 0 && bytes + moreBytes >= sizeLimitBytes);
  }

  async #put(series: Series, content: Buffer, messages: Message[]): Promise<void> {
    series.records += messages.length;
    series.bytes += content.length;
    this.#totalBytes += content.length;
    if (!series.name.endsWith(".gz")) {
      await this.#store(series, content, messages);
      return;
    }
    const gathered = this.#gathered.get(series) ?? { content: [], messages: [], bytes: 0 };
    this.#gathered.set(series, gathered);
    gathered.content.push(content);
    gathered.messages.push(...messages);
    gathered.bytes += content.length;
    this.#gatheredBytes += content.length;
    if (this.#gatheredBytes >= GATHER_ALL_BYTES) await this.#flushAll();
    else if (gathered.bytes >= GATHER_BYTES) await this.#flush(series);
    else this.#flushTimer ??= setTimeout(() => this.#flushDue(), this.#values.flushIntervalMs);
  }

  #flushDue(): void {
    this.#flushTimer = undefined;
    // Every failure is counted where it happens.
    void this.#inOrder(() => this.#flushAll());
  }

  async #flushAll(): Promise<void> {
    for (const series of this.#gathered.keys()) await this.#flush(series);
  }

  async #flush(series: Series): Promise<void> {
    const gathered = this.#gathered.get(series);
    if (gathered === undefined) return;
    this.#gathered.delete(series);
    this.#gatheredBytes -= gathered.bytes;
    await this.#store(series, Buffer.concat(gathered.content), gathered.messages);
    // Another name has taken its place; the file may be opened again for what waits to be compressed.
    if (!this.#series.isCounted(series)) await series.close();
  }

  async #store(series: Series, content: Buffer, messages: readonly Message[]): Promise<void> {
    try {
      // Only to open the file takes one: nothing of it is written when there is none.
      await this.#descriptors.run(() => series.write(content));
      this.#context.ledger.delivered(messages);
      if (this.#failing) this.#context.log.warn("writing works again");
      this.#failing = false;
    } catch (error) {
      series.records -= messages.length;
      series.bytes -= content.length;
      this.#totalBytes -= content.length;
      this.#context.ledger.failed(reasonOf(error), messages);
      this.#tellFailing(fileError("write", series.path, error));
    }
  }

  #tellFailing(error: Error): void {
    if (!this.#failing) this.#context.log.warn(error.message);
    this.#failing = true;
  }

  #tellFull(): void {
    if (!this.#isFull) this.#context.log.warn("--output-file-max-size-limit is reached");
    this.#isFull = true;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "disk-full",
  EDQUOT: "disk-full",
  ENOENT: "no-directory",
  EMFILE: "too-many-open-files",
};

function reasonOf(error: unknown): string {
  return REASONS[codeOf(error)] ?? "write-error";
}
