/**
 * `--journal DIR`: what `--input-tcp` acknowledges is on disk first. Frames are written in groups, one transaction and
 * one flush for all producers that wait; what is safe is read on into the pipeline; what outputs settle moves their
 * cursors; what is behind every cursor is removed.
 *
 * When the disk fails or is full nothing is acknowledged and the group is tried again, so that producers keep what
 * they have. When the journal reaches its limit no frame is taken until outputs have moved on.
 */
import type { Message } from "@mirrorball/protocol";
import type { InputJournal, JournalledFrame } from "../component/types.ts";
import { encodeEntry } from "../core/journal/entry.ts";
import { Backlog } from "./entries/write-queue.ts";
import type { WaitingFrame } from "./entries/write-queue.ts";
import type { JournalCounters } from "./counters.ts";
import { Extent } from "./entries/entry-range.ts";
import { JournalLane, forgetLane, freshLane, readLanes } from "./outputs/output-cursor.ts";
import { Health } from "./health.ts";
import { Pins } from "./entries/retention.ts";
import { Producers } from "./producers/producers.ts";
import { JournalReader } from "./entries/reader.ts";
import { SHARES_NAME, checkShares, sharesOf } from "./outputs/split-assignment.ts";
import { Store } from "./disk/store.ts";
import type { JournalOptions } from "./options.ts";

/** Milliseconds after which settled messages are written down when no frame makes a group before. */
const SETTLED_MS_MAX = 5;
/** The same while the disk fails: it is not to be asked, nor lmdb to complain, hundreds of times a second. */
const FAILING_MS = 250;
/** Milliseconds a producer may be away before its unfinished exchanges are given out as aborted. */
const ABSENCE_MS_MAX = 60_000;
const NO_BYTES: Uint8Array = new Uint8Array(0);

export class Journal implements InputJournal {
  readonly #options: JournalOptions;
  readonly #store: Store;
  readonly #lanes: JournalLane[] = [];
  readonly #stored: ReturnType<typeof readLanes>;
  readonly #shares: string;
  readonly #producers: Producers;
  readonly #reader: JournalReader;
  /** Named values that the next group writes; kept while groups fail. */
  readonly #values: Map<string, string | undefined> = new Map();
  readonly #backlog: Backlog = new Backlog(() => this.#wake());
  readonly #extent: Extent;
  readonly #pins: Pins;
  readonly #health: Health;
  /** Not even what has no frames could be written. */
  #failing = false;
  #running = false;
  /** Something was settled since the last group was put together. */
  #stale = false;
  #settledTimer: NodeJS.Timeout | undefined;
  #sweepTimer: NodeJS.Timeout | undefined;
  #writes = 0;
  #failedWrites = 0;
  #closed = false;
  #quiet: (() => void)[] = [];

  /** Throws an error that names the directory or file and what is wrong with it. */
  static open(options: JournalOptions): Journal {
    return new Journal(options, Store.open(options.directory, options.dead));
  }

  private constructor(options: JournalOptions, store: Store) {
    this.#options = options;
    this.#store = store;
    this.#health = new Health(options.log);
    const values = store.values();
    this.#stored = readLanes(values);
    this.#shares = values.get(SHARES_NAME) ?? "";
    this.#producers = new Producers(values, options.clock.nowUs() / 1000);
    for (const name of this.#producers.forgotten) this.#values.set(name, undefined);
    // With no entry left, cursors still say where the numbers are.
    const cursors = [...this.#stored.values()].map(({ cursor }) => cursor - 1);
    this.#extent = new Extent(store, Math.max(0, ...cursors));
    const { last } = this.#extent;
    this.#reader = new JournalReader(last + 1, last, {
      load: (entry) => store.entry(entry),
      read: (entry) => {
        options.hold?.read(entry);
        for (const { tracker } of this.#lanes) tracker.read(entry);
        this.#wakeLater();
      },
      emit: options.emit,
      dropped: options.dropped,
    });
    const { hold } = options;
    this.#pins = new Pins(this.#extent, this.#reader, hold, options.limitBytes);
    if (hold === undefined) return;
    hold.recoverTo = last;
    hold.onReleased = () => this.#wakeLater();
  }

  /** The journal's side of one output; call for all of them before `start`. `once`: never send these twice. */
  lane(name: string, once: (message: Message) => boolean): JournalLane {
    const { last } = this.#extent;
    const stored = this.#stored.get(name) ?? freshLane(last + 1);
    this.#stored.delete(name);
    const wake = (): void => this.#wakeLater();
    const { hold } = this.#options;
    const lane = new JournalLane(name, stored, last, once, wake, hold);
    this.#lanes.push(lane);
    return lane;
  }

  /** Begins to hand on what a run before has left. Throws when that was for other outputs: see `shares.ts`. */
  start(): void {
    const { first, last } = this.#extent;
    const cursors = this.#lanes.map(({ tracker }) => tracker.cursor);
    this.#reader.next = Math.max(first, Math.min(last + 1, ...cursors));
    const behind = last + 1 - this.#reader.next;
    const shares = sharesOf(
      this.#lanes.map(({ name }) => name),
      this.#options.split,
    );
    const unfinished = [...this.#stored.values()].map(({ cursor }) => last + 1 - cursor);
    checkShares(this.#shares, shares, Math.max(behind, ...unfinished));
    if (shares !== this.#shares) this.#values.set(SHARES_NAME, shares);
    for (const [name, stored] of this.#stored) {
      const left = last + 1 - stored.cursor;
      if (left > 0) {
        this.#options.log.warn(
          `${name} is gone; ${left} entries that it had not finished are given up`,
        );
      }
      forgetLane(this.#values, name, stored);
    }
    this.#stored.clear();
    if (behind > 0)
      this.#options.log.warn(`resuming with ${behind} entries that were not finished`);
    this.#sweepTimer = setInterval(() => this.#sweep(), 1000).unref();
    this.#wake();
    this.#reader.pump();
  }

  ackedSeq(producer: string): number | undefined {
    return this.#producers.safeSeq(producer);
  }

  settledSeq(producer: string): Promise<number | undefined> {
    return new Promise((resolve) => this.#producers.whenSettled(producer, resolve));
  }

  get trouble(): string | undefined {
    return this.#health.trouble;
  }

  present(producer: string, connected: boolean): void {
    this.#producers.present(producer, connected, this.#options.clock.monotonicMs());
  }

  append(producer: string, service: string, frame: JournalledFrame): Promise<void> {
    return new Promise((resolve) => {
      const { seq, payload, records } = frame;
      // A frame that came again on a new connection waits with the first one.
      if (!this.#producers.take(producer, seq)) {
        this.#producers.whenSafe(producer, seq, resolve);
        return;
      }
      this.#backlog.push({ producer, service, seq, payload, records, safe: resolve });
      this.#wake();
    });
  }

  farewell(producer: string, service: string): void {
    const seq = this.#producers.takenSeq(producer);
    const safe = (): void => {};
    this.#backlog.push({ producer, service, seq, payload: NO_BYTES, records: undefined, safe });
    this.#wake();
  }

  /** Resolves when everything taken is on disk and was handed on. */
  async drained(): Promise<void> {
    if (this.#backlog.length > 0 || this.#running) {
      await new Promise<void>((resolve) => {
        this.#quiet.push(resolve);
        this.#wake();
      });
    }
    await this.#reader.finished();
  }

  /** Hands on nothing more. */
  halt(): void {
    this.#reader.stop();
  }

  /** Writes down what is settled, and closes. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#reader.stop();
    clearInterval(this.#sweepTimer);
    clearTimeout(this.#settledTimer);
    this.#backlog.close();
    if (this.#running) {
      await new Promise<void>((resolve) => {
        this.#quiet.push(resolve);
      });
    }
    this.#closed = true;
    await this.#write([]);
    await this.#store.close();
  }

  counters(): JournalCounters {
    return {
      state: this.#health.state,
      bytes: this.#extent.bytes,
      entries: this.#extent.entries,
      writes: this.#writes,
      failedWrites: this.#failedWrites,
      unwritten: this.#lanes.reduce((sum, { unwritten }) => sum + unwritten, 0),
      duplicateFrames: this.#producers.duplicateFrames,
      uncertain: this.#lanes.reduce((sum, { tracker }) => sum + tracker.uncertain, 0),
    };
  }

  #wakeLater(): void {
    this.#stale = true;
    if (this.#lanes.some(({ hasIntents }) => hasIntents)) {
      this.#wake();
      return;
    }
    const waitMs = this.#failing ? FAILING_MS : SETTLED_MS_MAX;
    this.#settledTimer ??= setTimeout(() => {
      this.#settledTimer = undefined;
      this.#wake();
    }, waitMs).unref();
  }

  #wake(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    // Frames of all connections that are read in this turn share a group. `#run` handles every failure itself.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    let written = true;
    do {
      const frames = this.#takeFrames();
      written = await this.#write(frames);
      this.#failing = !written && frames.length === 0;
      if (!written) this.#backlog.putBack(frames);
      // With nothing but values the disk fails altogether: no use in trying at once again.
    } while (!this.#closed && this.#moreToDo && (written || !this.#failing));
    this.#running = false;
    const waiting = this.#quiet;
    this.#quiet = [];
    for (const resolve of waiting) resolve();
    // Something was settled while the last group was on its way.
    if (this.#stale || !written) this.#wakeLater();
  }

  get #moreToDo(): boolean {
    return (
      (this.#backlog.ready && this.#extent.bytes < this.#options.limitBytes) ||
      this.#lanes.some(({ hasIntents }) => hasIntents)
    );
  }

  #takeFrames(): WaitingFrame[] {
    const { bytes } = this.#extent;
    const { limitBytes } = this.#options;
    const frames = this.#backlog.take(limitBytes - bytes);
    const taken = frames.reduce((sum, { payload }) => sum + payload.length, 0);
    const full = this.#backlog.ready && bytes + taken >= limitBytes;
    if (full) this.#health.become("full");
    else if (this.#health.state === "full") this.#health.become("ok");
    return frames;
  }

  async #write(frames: readonly WaitingFrame[]): Promise<boolean> {
    this.#stale = false;
    const entries: { number: number; bytes: Buffer }[] = [];
    const extent = this.#extent;
    let { total, last: number } = extent;
    const nowMs = this.#options.clock.nowUs() / 1000;
    // What producers may forget: written with their frames, never by a group without them that succeeds sooner.
    const taken = new Map<string, string>();
    for (const { producer, service, seq, payload } of frames) {
      number += 1;
      total += payload.length;
      entries.push({ number, bytes: encodeEntry({ producer, service, seq, payload, total }) });
      taken.set(...this.#producers.value(producer, seq, nowMs));
    }
    const pin = this.#pins.oldest;
    let lowest = number + 1;
    const intents: (() => void)[] = [];
    for (const lane of this.#lanes) {
      lowest = Math.min(lowest, lane.collect(this.#values, pin));
      intents.push(...lane.takeIntentsWritten());
    }
    // The last entry stays: the numbers go on from it.
    const removeBelow = Math.min(lowest, extent.last);
    if (entries.length === 0 && this.#values.size === 0 && removeBelow <= extent.first) {
      this.#allWritten(intents);
      return true;
    }
    const values = new Map([...this.#values, ...taken]);
    const group = { entries, values, removeBelow, heldBytes: extent.bytes };
    const result = await this.#store.write(group);
    this.#writes += 1;
    if (result !== "ok") {
      this.#failedWrites += 1;
      this.#health.become("degraded");
      this.#lostIntents.push(...intents);
      return false;
    }
    if (frames.length > 0) this.#backlog.succeeded();
    // A full disk may take values and no frames: as long as frames wait, only they tell.
    const tells = frames.length > 0 || this.#backlog.length === 0;
    if (tells && this.#health.state === "degraded") this.#health.become("ok");
    for (const [name, value] of values) {
      if (taken.has(name) || this.#values.get(name) === value) this.#values.delete(name);
    }
    extent.written(number, total);
    extent.removed(removeBelow);
    this.#handOn(frames, number - frames.length + 1);
    this.#allWritten([...this.#lostIntents.splice(0), ...intents]);
    return true;
  }

  #allWritten(intents: readonly (() => void)[]): void {
    for (const lane of this.#lanes) lane.written();
    for (const written of intents) written();
  }

  /** Who waits for intents of groups that failed. */
  readonly #lostIntents: (() => void)[] = [];

  #handOn(frames: readonly WaitingFrame[], firstNumber: number): void {
    frames.forEach(({ producer, service, seq, payload, records, safe }, i) => {
      this.#producers.safe(producer, seq);
      safe();
      this.#reader.offer(firstNumber + i, { producer, service, bytes: payload.length, records });
    });
  }

  /** True when what is inside the middleware keeps so much here that it should be given up sooner. */
  get pressed(): boolean {
    return this.#pins.pressed;
  }

  #sweep(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const producer of this.#reader.producers) {
      const isAway = this.#producers.awayMs(producer, nowMs) > ABSENCE_MS_MAX;
      if (isAway && !this.#reader.forget(producer)) {
        this.#producers.present(producer, false, nowMs);
        this.farewell(producer, "");
      }
    }
    for (const name of this.#producers.sweep(nowMs)) this.#values.set(name, undefined);
  }
}
