/**
 * Writes what waits in groups: one transaction and one flush for the frames of all producers, the outputs' cursors and lists, and
 * the entries to remove. In: frames, "something was settled". Out: frames that are on disk, in order, with their numbers.
 *
 * When the disk fails or is full nothing of a group is safe, and it is tried again. When the journal is at its limit no frame is
 * taken until outputs have moved on.
 */
import type { Clock } from "../../component/types.ts";
import { encodeEntry } from "../../core/journal/entry.ts";
import type { Store } from "../disk/store.ts";
import type { Health } from "../health.ts";
import type { OutputCursor } from "../outputs/output-cursor.ts";
import type { Producers } from "../producers/producers.ts";
import type { EntryRange } from "./entry-range.ts";
import type { Retention } from "./retention.ts";
import { WriteQueue } from "./write-queue.ts";
import type { WaitingFrame } from "./write-queue.ts";

/** Milliseconds after which settled messages are written down when no frame makes a group before. */
const SETTLED_MS_MAX = 5;
/** The same while the disk fails: it is not to be asked, nor lmdb to complain, hundreds of times a second. */
const FAILING_MS = 250;

export interface GroupParts {
  readonly store: Store;
  readonly range: EntryRange;
  readonly retention: Retention;
  readonly cursors: readonly OutputCursor[];
  readonly producers: Producers;
  readonly health: Health;
  readonly limitBytes: number;
  readonly clock: Clock;
  /** These are safe, under the numbers from `firstNumber` on. */
  readonly written: (frames: readonly WaitingFrame[], firstNumber: number) => void;
}

export class GroupWriter {
  /** Named values that the next group writes; kept while groups fail. */
  readonly values: Map<string, string | undefined> = new Map();
  writes = 0;
  failedWrites = 0;
  readonly #parts: GroupParts;
  readonly #queue: WriteQueue = new WriteQueue(() => this.#wake());
  #state: "idle" | "running" | "closed" = "idle";
  /** Not even what has no frames could be written. */
  #failing = false;
  /** Something was settled since the last group was put together. */
  #stale = false;
  #settledTimer: NodeJS.Timeout | undefined;
  /** Who waits for intents of groups that failed. */
  readonly #lostIntents: (() => void)[] = [];
  #whenIdle: (() => void)[] = [];

  constructor(parts: GroupParts) {
    this.#parts = parts;
  }

  push(frame: WaitingFrame): void {
    this.#queue.push(frame);
    this.#wake();
  }

  /** Writes what there is to write now. */
  start(): void {
    this.#wake();
  }

  /** Something was settled, or let go: the next group says so. */
  settled(): void {
    this.#stale = true;
    if (this.#hasIntents) {
      this.#wake();
      return;
    }
    const waitMs = this.#failing ? FAILING_MS : SETTLED_MS_MAX;
    this.#settledTimer ??= setTimeout(() => {
      this.#settledTimer = undefined;
      this.#wake();
    }, waitMs).unref();
  }

  /** Resolves when every frame is written. */
  async drained(): Promise<void> {
    if (this.#queue.length === 0 && this.#state !== "running") return;
    const idle = this.#idle();
    this.#wake();
    await idle;
  }

  /** Writes down what is settled, and nothing any more. */
  async close(): Promise<void> {
    clearTimeout(this.#settledTimer);
    this.#queue.close();
    if (this.#state === "running") await this.#idle();
    this.#state = "closed";
    await this.#write([]);
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
    });
  }

  #wake(): void {
    if (this.#state !== "idle") return;
    this.#state = "running";
    // Frames of all connections that are read in this turn share a group. `#run` handles every failure itself.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    if (this.#state === "closed") return;
    let written = true;
    do {
      const frames = this.#takeFrames();
      written = await this.#write(frames);
      this.#failing = !written && frames.length === 0;
      if (!written) this.#queue.putBack(frames);
      // With nothing but values the disk fails altogether: no use in trying at once again.
    } while (this.#moreToDo && (written || !this.#failing));
    this.#state = "idle";
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of waiting) resolve();
    // Something was settled while the last group was on its way.
    if (this.#stale || !written) this.settled();
  }

  get #moreToDo(): boolean {
    const { range, limitBytes } = this.#parts;
    return (this.#queue.ready && range.bytes < limitBytes) || this.#hasIntents;
  }

  get #hasIntents(): boolean {
    return this.#parts.cursors.some(({ hasIntents }) => hasIntents);
  }

  #takeFrames(): WaitingFrame[] {
    const { range, limitBytes, health } = this.#parts;
    const { bytes } = range;
    const frames = this.#queue.take(limitBytes - bytes);
    const taken = frames.reduce((sum, { payload }) => sum + payload.length, 0);
    const full = this.#queue.ready && bytes + taken >= limitBytes;
    if (full) health.become("full");
    else if (health.state === "full") health.become("ok");
    return frames;
  }

  /** True when the group, or nothing as there was nothing, is on disk. */
  async #write(frames: readonly WaitingFrame[]): Promise<boolean> {
    this.#stale = false;
    const { range, store } = this.#parts;
    const { entries, taken, total } = this.#entriesOf(frames);
    const last = range.last + entries.length;
    const { lowest, intents } = this.#collect(last + 1);
    // The last entry stays: the numbers go on from it.
    const removeBelow = Math.min(lowest, range.last);
    if (entries.length === 0 && this.values.size === 0 && removeBelow <= range.first) {
      this.#allWritten(intents);
      return true;
    }
    const values = new Map([...this.values, ...taken]);
    const result = await store.write({ entries, values, removeBelow, heldBytes: range.bytes });
    this.writes += 1;
    if (result !== "ok") {
      this.#failed(intents);
      return false;
    }
    this.#succeeded(frames.length > 0);
    for (const [name, value] of values) {
      if (taken.has(name) || this.values.get(name) === value) this.values.delete(name);
    }
    range.written(last, total);
    range.removed(removeBelow);
    this.#parts.written(frames, last - frames.length + 1);
    this.#allWritten([...this.#lostIntents.splice(0), ...intents]);
    return true;
  }

  /** Frames as entries, and what their producers may forget: written with the frames, never by a group without them that succeeds sooner. */
  #entriesOf(frames: readonly WaitingFrame[]): {
    entries: { number: number; bytes: Buffer }[];
    taken: Map<string, string>;
    total: number;
  } {
    const { range, producers, clock } = this.#parts;
    const entries: { number: number; bytes: Buffer }[] = [];
    const taken = new Map<string, string>();
    let { total, last: number } = range;
    const wallMs = clock.nowUs() / 1000;
    for (const { producer, service, seq, payload } of frames) {
      number += 1;
      total += payload.length;
      entries.push({ number, bytes: encodeEntry({ producer, service, seq, payload, total }) });
      taken.set(...producers.value(producer, seq, wallMs));
    }
    return { entries, taken, total };
  }

  /** What the outputs have to write, the first entry that one of them needs, and who waits for intents of this group. */
  #collect(next: number): { lowest: number; intents: (() => void)[] } {
    const { cursors, retention } = this.#parts;
    const kept = retention.oldest;
    let lowest = next;
    const intents: (() => void)[] = [];
    for (const cursor of cursors) {
      lowest = Math.min(lowest, cursor.collect(this.values, kept));
      intents.push(...cursor.takeIntentsWritten());
    }
    return { lowest, intents };
  }

  #failed(intents: readonly (() => void)[]): void {
    this.failedWrites += 1;
    this.#parts.health.become("degraded");
    this.#lostIntents.push(...intents);
  }

  #succeeded(hadFrames: boolean): void {
    const { health } = this.#parts;
    if (hadFrames) this.#queue.succeeded();
    // A full disk may take values and no frames: as long as frames wait, only they tell.
    const tells = hadFrames || this.#queue.length === 0;
    if (tells && health.state === "degraded") health.become("ok");
  }

  #allWritten(intents: readonly (() => void)[]): void {
    for (const cursor of this.#parts.cursors) cursor.written();
    for (const written of intents) written();
  }
}
