/** What `--input-file` is when it runs: reads in order of time, paces, and says how far it is. */
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import type { Input, InputContext, InputProgress, InputStats } from "../../component/types.ts";
import { Pacer } from "../../core/pace/pacer.ts";
import type { Pace } from "../../core/pace/pacer.ts";

import { hintOf } from "../../files/file-error.ts";
import { otherFormat } from "../../files/other-format.ts";
import { RecordMerge } from "../../files/merge.ts";
import type { FileFault } from "../../files/record-file.ts";
import { recordings } from "../../files/recordings.ts";
import { DryRun } from "./dry-run.ts";
import { SPEED_MAX } from "./kinds.ts";
import { Sleep } from "./sleep.ts";
import { staleLengthStats } from "../replay-stats.ts";
import type { Values } from "../file.ts";

export function create(context: InputContext, argument: string, values: Values): Input {
  return new FileInput(context, argument, values);
}

/** Messages handed over at once: enough to make batches pay, few enough for a queue of a thousand. */
const BATCH_MAX = 256;

/** What is due within this time goes now: a timer may be a millisecond late, and so it is off by half of that either way. */
const EARLY_MS = 0.5;

/** Faults told one by one; the rest are only counted. */
const FAULTS_LOGGED_MAX = 10;

class FileInput implements Input {
  readonly ended: Promise<void>;
  readonly #context: InputContext;
  readonly #pattern: string;
  readonly #values: Values;
  readonly #pace: Pace;
  readonly #pacer: Pacer;
  readonly #sleep = new Sleep();
  readonly #epochSeconds: number;
  #end: () => void = () => {};
  #merge: RecordMerge | undefined;
  #stopping = false;
  #faults = 0;
  #staleLengths = 0;
  #records = 0;
  #behindMs = 0;
  /** Bytes of all files of a round. */
  #totalBytes = 0;

  constructor(context: InputContext, pattern: string, values: Values) {
    this.#context = context;
    this.#pattern = pattern;
    this.#values = values;
    this.#pace = paceOf(values, context.speed);
    this.#pacer = new Pacer(this.#pace);
    this.#epochSeconds = Math.floor(context.clock.nowUs() / 1e6);
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  async start(): Promise<void> {
    if (this.#values.rate > 0 && (this.#values.speed !== 1 || this.#context.speed !== 1)) {
      throw new Error("--input-file-rate says how fast already: give no speed beside it");
    }
    this.#merge = await this.#open();
    // Nothing waits for it: it tells its end by `ended` and handles its failures.
    void this.#play(this.#merge);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#sleep.end();
    if (this.#merge === undefined) this.#end();
    await this.ended;
  }

  /** Faults are told when it is played. */
  async scan(see: (batch: readonly Message[]) => void): Promise<void> {
    const merge = await RecordMerge.open(recordings(this.#pattern), {
      epochSeconds: this.#epochSeconds,
      depth: this.#values.readDepth,
      fault: () => {},
    });
    while (!this.#stopping && (merge.ready || (await merge.load()))) {
      const batch: Message[] = [];
      while (merge.ready && batch.length < BATCH_MAX) {
        const message = merge.take();
        if (message !== undefined) batch.push(message);
      }
      see(batch);
    }
    merge.close();
  }

  progress(): InputProgress {
    const share = this.#totalBytes === 0 ? 1 : (this.#merge?.fileBytesRead ?? 0) / this.#totalBytes;
    const behindMs = this.#pace.mode === "max" ? undefined : this.#behindMs;
    return { records: this.#records, share, behindMs, loops: this.#values.loop };
  }

  stats(): InputStats {
    return staleLengthStats(this.#staleLengths);
  }

  async #open(): Promise<RecordMerge> {
    const paths = recordings(this.#pattern);
    if (paths.length === 0) throw new Error(`no file matches ${this.#pattern}`);
    const merge = await RecordMerge.open(paths, {
      epochSeconds: this.#epochSeconds,
      depth: this.#values.readDepth,
      fault: (reason, explanation) => this.#fault(reason, explanation),
      staleLength: () => (this.#staleLengths += 1),
    });
    this.#totalBytes = 0;
    for (const { path, sizeBytes, isRecording } of merge.files) {
      const advice = isRecording ? undefined : otherFormat(path);
      if (advice !== undefined) {
        merge.close();
        throw new Error(advice);
      }
      this.#totalBytes += sizeBytes;
      if (sizeBytes === 0) this.#context.log.warn(`${path} is empty`);
      else if (!isRecording) this.#context.log.warn(`${path} does not begin like a recording`);
    }
    return merge;
  }

  async #play(first: RecordMerge): Promise<void> {
    try {
      if (this.#values.dryRun) await this.#dryRun(first);
      else await this.#playLoop(first);
    } catch (error) {
      this.#fault("read-error", error instanceof Error ? error.message : String(error));
    }
    const held = this.#merge?.held ?? 0;
    // Stopped before its end, not all was delivered; a loop has no end.
    if (held > 0 && !this.#values.loop) this.#context.dropped("stopped-before-end", held);
    this.#merge?.close();
    this.#end();
  }

  async #playLoop(first: RecordMerge): Promise<void> {
    let merge = first;
    for (;;) {
      const before = this.#records;
      await this.#round(merge);
      if (!this.#values.loop || this.#stopping) break;
      if (this.#records === before) {
        this.#context.log.warn("there is nothing to repeat");
        break;
      }
      merge.close();
      merge = await this.#open();
      this.#merge = merge;
      this.#pacer.restart();
    }
    if (this.#pacer.outOfOrder > 0) {
      this.#context.log.debug(1, `${this.#pacer.outOfOrder} records were out of order`);
    }
  }

  async #round(merge: RecordMerge): Promise<void> {
    const { clock } = this.#context;
    let dueMs: number | undefined;
    while (!this.#stopping) {
      if (!merge.ready && !(await merge.load())) return;
      const nowMs = clock.monotonicMs();
      const batch: Message[] = [];
      while (merge.ready && batch.length < BATCH_MAX) {
        dueMs ??= this.#dueOf(merge, nowMs);
        if (dueMs > nowMs + EARLY_MS) break;
        this.#behindMs = nowMs - dueMs;
        dueMs = undefined;
        const message = merge.take();
        if (message !== undefined) batch.push(message);
      }
      if (batch.length > 0) {
        this.#records += batch.length;
        const wait = this.#context.emit(batch);
        if (wait !== undefined) await wait;
      } else if (dueMs !== undefined) {
        this.#behindMs = 0;
        await this.#sleep.for(dueMs - nowMs);
      }
    }
  }

  #dueOf(merge: RecordMerge, nowMs: number): number {
    return this.#pacer.due(merge.headNs, merge.head?.kind === MessageKind.request, nowMs);
  }

  async #dryRun(merge: RecordMerge): Promise<void> {
    const dryRun = new DryRun();
    while (!this.#stopping && (merge.ready || (await merge.load()))) {
      dryRun.note(this.#dueOf(merge, 0));
      merge.take();
    }
    const { outOfOrder } = this.#pacer;
    const report = { files: merge.files.length, bytes: merge.contentBytes, outOfOrder };
    const fault = await this.#context.stdout.write(dryRun.report(report));
    if (fault !== undefined)
      throw new Error(`the report could not be written: ${hintOf(fault.code)}`);
  }

  #fault(reason: FileFault, explanation: string): void {
    this.#context.dropped(reason, 1);
    this.#faults += 1;
    if (this.#faults <= FAULTS_LOGGED_MAX) this.#context.log.warn(explanation);
    if (this.#faults === FAULTS_LOGGED_MAX) {
      this.#context.log.warn("further faults are counted and not told");
    }
  }
}

/** `|0%` means no waiting, as it came to mean in gor. */
function paceOf({ rate: perSecond, speed: factor, maxWaitMs }: Values, percent: number): Pace {
  if (perSecond > 0) return { mode: "rate", perSecond };
  if (factor === SPEED_MAX || percent === 0) return { mode: "max" };
  return { mode: "recorded", speed: factor * percent, maxWaitMs };
}
