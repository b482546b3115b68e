/**
 * `--journal DIR`: what `--input-tcp` acknowledges is on disk first. Frames come through an intake for each input, are written in
 * groups (`entries/group-writer.ts`), and what is safe is read on into the pipeline (`entries/reader.ts`); what outputs settle moves
 * their cursors (`outputs/output-cursor.ts`); what is behind every cursor is removed. This file joins these parts.
 */
import type { Message } from "@mirrorball/protocol";
import type { FrameIntake, InputJournal } from "../component/intake.ts";
import type { JournalCounters } from "./counters.ts";
import { Store } from "./disk/store.ts";
import { EntryRange } from "./entries/entry-range.ts";
import { GroupWriter } from "./entries/group-writer.ts";
import { JournalReader } from "./entries/reader.ts";
import { Retention } from "./entries/retention.ts";
import type { WaitingFrame } from "./entries/write-queue.ts";
import { Health } from "./health.ts";
import type { JournalOptions } from "./options.ts";
import { OutputCursor, forgetCursor, freshCursor, readCursors } from "./outputs/output-cursor.ts";
import {
  SPLIT_ASSIGNMENT_NAME,
  checkSplitAssignment,
  splitAssignment,
} from "./outputs/split-assignment.ts";
import { JournalIntake, byeOf } from "./producers/journal-intake.ts";
import { Producers } from "./producers/producers.ts";

/** What an input wants to know, and is told, of its frames. */
export type IntakeWishes = Parameters<InputJournal["intake"]>[0] & {
  /** So many records are to be stored. */
  readonly stored: (records: number) => void;
};

export class Journal {
  readonly #options: JournalOptions;
  readonly #store: Store;
  readonly #cursors: OutputCursor[] = [];
  /** What a run before has left of outputs, until they are asked for. */
  readonly #stored: ReturnType<typeof readCursors>;
  readonly #assignment: string;
  readonly #producers: Producers;
  readonly #reader: JournalReader;
  readonly #range: EntryRange;
  readonly #retention: Retention;
  readonly #health: Health;
  readonly #writer: GroupWriter;
  #sweepTimer: NodeJS.Timeout | undefined;
  #closed = false;

  /** Throws an error that names the directory or file and what is wrong with it. */
  static open(options: JournalOptions): Journal {
    return new Journal(options, Store.open(options.directory, options.onFatalDiskError));
  }

  private constructor(options: JournalOptions, store: Store) {
    const { clock, inFlight, limitBytes } = options;
    this.#options = options;
    this.#store = store;
    this.#health = new Health(options.log);
    const values = store.values();
    this.#stored = readCursors(values);
    this.#assignment = values.get(SPLIT_ASSIGNMENT_NAME) ?? "";
    this.#producers = new Producers(values, clock.nowUs() / 1000, clock.monotonicMs());
    // With no entry left, cursors still say where the numbers are.
    const passed = [...this.#stored.values()].map(({ cursor }) => cursor - 1);
    this.#range = new EntryRange(store, Math.max(0, ...passed));
    const { last } = this.#range;
    this.#reader = new JournalReader(last + 1, last, {
      load: (entry) => store.entry(entry),
      read: (entry) => this.#read(entry),
      emit: options.emit,
      dropped: options.dropped,
    });
    this.#retention = new Retention(this.#range, this.#reader, inFlight, limitBytes);
    this.#writer = new GroupWriter({
      store,
      range: this.#range,
      retention: this.#retention,
      cursors: this.#cursors,
      producers: this.#producers,
      health: this.#health,
      limitBytes,
      clock,
      written: (frames, firstNumber) => this.#handOn(frames, firstNumber),
    });
    for (const name of this.#producers.forgotten) this.#writer.values.set(name, undefined);
    if (inFlight === undefined) return;
    inFlight.recoverTo = last;
    inFlight.onReleased = () => this.#writer.settled();
  }

  /** The journal's side of one output; call for all of them before `start`. `atMostOnce`: never send these twice. */
  cursor(name: string, atMostOnce: (message: Message) => boolean): OutputCursor {
    const { last } = this.#range;
    const stored = this.#stored.get(name) ?? freshCursor(last + 1);
    this.#stored.delete(name);
    const wake = (): void => this.#writer.settled();
    const { inFlight } = this.#options;
    const cursor = new OutputCursor(name, stored, last, atMostOnce, wake, inFlight);
    this.#cursors.push(cursor);
    return cursor;
  }

  /** The way in for one input. Producers are remembered for all of them together. */
  intake(wishes: IntakeWishes): FrameIntake {
    return new JournalIntake({
      producers: this.#producers,
      nowMs: () => this.#options.clock.monotonicMs(),
      push: (frame) => this.#writer.push(frame),
      trouble: () => this.#health.trouble,
      ...wishes,
    });
  }

  /** Begins to hand on what a run before has left. Throws when that was for other outputs: see `split-assignment.ts`. */
  start(): void {
    const { first, last } = this.#range;
    const { values } = this.#writer;
    const next = Math.min(last + 1, ...this.#cursors.map(({ tracker }) => tracker.cursor));
    this.#reader.next = Math.max(first, next);
    const behind = last + 1 - this.#reader.next;
    const names = this.#cursors.map(({ name }) => name);
    const assignment = splitAssignment(names, this.#options.split);
    const unfinished = [...this.#stored.values()].map(({ cursor }) => last + 1 - cursor);
    checkSplitAssignment(this.#assignment, assignment, Math.max(behind, ...unfinished));
    if (assignment !== this.#assignment) values.set(SPLIT_ASSIGNMENT_NAME, assignment);
    this.#forgetOutputs(last);
    if (behind > 0)
      this.#options.log.warn(`resuming with ${behind} entries that were not finished`);
    this.#sweepTimer = setInterval(() => this.#sweep(), 1000).unref();
    this.#writer.start();
    this.#reader.pump();
  }

  /** Outputs of a run before that this run does not have. */
  #forgetOutputs(last: number): void {
    for (const [name, stored] of this.#stored) {
      const left = last + 1 - stored.cursor;
      if (left > 0) {
        this.#options.log.warn(
          `${name} is gone; ${left} entries that it had not finished are given up`,
        );
      }
      forgetCursor(this.#writer.values, name, stored);
    }
    this.#stored.clear();
  }

  /** Resolves when everything taken is on disk and was handed on. */
  async drained(): Promise<void> {
    await this.#writer.drained();
    await this.#reader.finished();
  }

  /** Hands on nothing more. */
  halt(): void {
    this.#reader.stop();
  }

  /** Writes down what is settled, and closes. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.stop();
    clearInterval(this.#sweepTimer);
    await this.#writer.close();
    await this.#store.close();
  }

  counters(): JournalCounters {
    return {
      state: this.#health.state,
      bytes: this.#range.bytes,
      entries: this.#range.entries,
      writes: this.#writer.writes,
      failedWrites: this.#writer.failedWrites,
      unwritten: this.#cursors.reduce((sum, { unwritten }) => sum + unwritten, 0),
      duplicateFrames: this.#producers.duplicateFrames,
      uncertain: this.#cursors.reduce((sum, { tracker }) => sum + tracker.uncertain, 0),
    };
  }

  /** True when what is inside the middleware keeps so much here that it should be given up sooner. */
  get nearLimit(): boolean {
    return this.#retention.nearLimit;
  }

  /** All messages of `entry` were handed on. */
  #read(entry: number): void {
    this.#options.inFlight?.read(entry);
    for (const { tracker } of this.#cursors) tracker.read(entry);
    this.#writer.settled();
  }

  #handOn(frames: readonly WaitingFrame[], firstNumber: number): void {
    frames.forEach(({ producer, service, seq, payload, records, safe }, i) => {
      this.#producers.safe(producer, seq);
      safe();
      this.#reader.offer(firstNumber + i, { producer, service, bytes: payload.length, records });
    });
  }

  #sweep(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#producers.giveUpAbsent(nowMs);
    for (const key of this.#reader.producers) {
      if (!this.#producers.isGone(key, nowMs) || this.#reader.forget(key)) continue;
      this.#writer.push(byeOf({ key, service: "" }, this.#producers.takenSeq(key)));
    }
    for (const name of this.#producers.sweep(nowMs)) this.#writer.values.set(name, undefined);
  }
}
