/**
 * The numbered stream of one output in the journal: who it is to its receiver, and which messages are in which frame. A frame is
 * written down before it is sent, so that a run after a crash can ask the receiver how far it came and knows what that means.
 *
 * In: frames that are about to be sent, what the receiver acknowledged. Out: the named values that the next group has to write,
 * and for each message that comes again whether the receiver has it. Knows nothing of what is in a frame.
 */
import { randomBytes } from "node:crypto";
import { PRODUCER_ID_BYTES } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import type { OutputStream } from "../../component/types.ts";
import { keyOf } from "../../core/journal/settlement-tracker.ts";

const frameName = (output: string, seq: number): string => `frame\n${output}\n${seq}`;
const streamName = (output: string): string => `stream\n${output}`;

interface StoredFrame {
  readonly seq: number;
  /** Not needed once the cursor is behind this entry. */
  readonly lastEntry: number;
  /** What it holds of what the journal holds. */
  readonly keys: readonly string[];
}

/** What the store holds of one output's stream. */
export interface StoredStream {
  readonly producerId: Uint8Array;
  readonly epoch: number;
  readonly ackedSeq: number;
  readonly lastSeq: number;
  /** In order. */
  readonly frames: readonly StoredFrame[];
}

/** The streams that the store knows, by output. */
export function readStreams(values: ReadonlyMap<string, string>): Map<string, StoredStream> {
  const frames = new Map<string, StoredFrame[]>();
  for (const [name, value] of values) {
    const [kind, output = "", seq] = name.split("\n");
    if (kind !== "frame") continue;
    const [lastEntry, ...keys] = value.split(" ");
    const known = frames.get(output) ?? [];
    known.push({ seq: Number(seq), lastEntry: Number(lastEntry), keys });
    frames.set(output, known);
  }
  const streams = new Map<string, StoredStream>();
  for (const [name, value] of values) {
    const [kind, output = ""] = name.split("\n");
    if (kind !== "stream") continue;
    const [id = "", ...numbers] = value.split(" ");
    const [epoch = 0, ackedSeq = 0, lastSeq = 0] = numbers.map(Number);
    streams.set(output, {
      producerId: Buffer.from(id, "hex"),
      epoch,
      ackedSeq,
      lastSeq,
      frames: (frames.get(output) ?? []).toSorted((a, b) => a.seq - b.seq),
    });
  }
  return streams;
}

/** The names of everything that is stored for a stream. */
export function streamNames(output: string, { frames }: StoredStream): string[] {
  return [streamName(output), ...frames.map(({ seq }) => frameName(output, seq))];
}

interface WaitingFrame {
  readonly seq: number;
  readonly keys: readonly string[];
  readonly written: () => void;
}

export interface StreamEvents {
  /** True for messages that come again after a crash unless they are settled. */
  readonly tracks: (message: Message) => boolean;
  /** A frame waits to be written down. */
  readonly waiting: () => void;
}

export class JournalStream implements OutputStream {
  producerId: Uint8Array;
  epoch: number;
  readonly #output: string;
  readonly #events: StreamEvents;
  #ackedSeq: number;
  #lastSeq: number;
  /** Of earlier runs, in order: kept as long as their messages may come again. */
  #earlier: StoredFrame[];
  /** Of this run, on disk or about to be: kept until they are acknowledged, for then their messages are settled. */
  #frames: number[] = [];
  #waiting: WaitingFrame[] = [];
  #removed: string[] = [];
  #resolved = false;
  /** Messages that the receiver has from an earlier run, as often as they will come again. */
  readonly #had: Map<string, number> = new Map();
  #writtenValue = "";

  /** `done`: what else is known to be settled, and does not come again. */
  constructor(
    output: string,
    stored: StoredStream | undefined,
    done: ReadonlyMap<string, number>,
    events: StreamEvents,
  ) {
    this.#output = output;
    this.#events = events;
    this.producerId = stored?.producerId ?? randomBytes(PRODUCER_ID_BYTES);
    this.epoch = (stored?.epoch ?? 0) + 1;
    this.#ackedSeq = stored?.ackedSeq ?? 0;
    this.#lastSeq = stored?.lastSeq ?? 0;
    this.#earlier = withoutDone(stored?.frames ?? [], done);
  }

  get firstUnackedSeq(): number {
    return this.#ackedSeq + 1;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  resolve(ackedSeq: number): number {
    if (this.#resolved) return 0;
    this.#resolved = true;
    let missing = 0;
    for (const { seq, keys } of this.#earlier) {
      if (seq > ackedSeq) {
        this.#removed.push(frameName(this.#output, seq));
        missing += keys.length;
      } else for (const key of keys) this.#had.set(key, (this.#had.get(key) ?? 0) + 1);
    }
    this.#earlier = this.#earlier.filter(({ seq }) => seq <= ackedSeq);
    this.#ackedSeq = ackedSeq;
    this.#lastSeq = ackedSeq;
    return missing;
  }

  renew(): number {
    this.producerId = randomBytes(PRODUCER_ID_BYTES);
    this.epoch = 1;
    this.#ackedSeq = 0;
    return this.resolve(0);
  }

  received(message: Message): boolean {
    if (this.#had.size === 0) return false;
    const key = keyOf(message);
    const times = this.#had.get(key);
    if (times === undefined) return false;
    if (times > 1) this.#had.set(key, times - 1);
    else this.#had.delete(key);
    return true;
  }

  write(messages: readonly Message[], written: () => void): void {
    this.#lastSeq += 1;
    const keys = messages.filter((message) => this.#events.tracks(message)).map(keyOf);
    this.#waiting.push({ seq: this.#lastSeq, keys, written });
    this.#events.waiting();
  }

  acked(seq: number): void {
    this.#ackedSeq = seq;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /**
   * Adds to `values` what has to be written, and returns who waits for it. `cursor`: the output needs nothing before this
   * entry; `lastEntry`: the waiting frames hold nothing behind this one.
   */
  collect(
    values: Map<string, string | undefined>,
    cursor: number,
    lastEntry: number,
  ): (() => void)[] {
    // Together with the frames that are new under the same numbers.
    for (const name of this.#removed.splice(0)) values.set(name, undefined);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { seq, keys } of waiting) {
      if (keys.length === 0) continue;
      values.set(frameName(this.#output, seq), `${lastEntry} ${keys.join(" ")}`);
      this.#frames.push(seq);
    }
    this.#removeSettled(values, cursor);
    const id = Buffer.from(this.producerId).toString("hex");
    const value = `${id} ${this.epoch} ${this.#ackedSeq} ${this.#lastSeq}`;
    // That something was acknowledged is no reason to write: the receiver says so again.
    if (value !== this.#writtenValue && (waiting.length > 0 || values.size > 0)) {
      values.set(streamName(this.#output), value);
      this.#writtenValue = value;
    }
    return waiting.map(({ written }) => written);
  }

  #removeSettled(values: Map<string, string | undefined>, cursor: number): void {
    const settled = this.#frames.filter((seq) => seq <= this.#ackedSeq);
    this.#frames = this.#frames.slice(settled.length);
    const passed = this.#earlier.filter(({ lastEntry }) => lastEntry < cursor);
    this.#earlier = this.#earlier.filter(({ lastEntry }) => lastEntry >= cursor);
    for (const seq of [...settled, ...passed.map((frame) => frame.seq)]) {
      values.set(frameName(this.#output, seq), undefined);
    }
  }
}

/** The frames without what is settled: as often as it is, from the first frames that have it. */
function withoutDone(
  frames: readonly StoredFrame[],
  done: ReadonlyMap<string, number>,
): StoredFrame[] {
  const left = new Map(done);
  const isLeft = (key: string): boolean => {
    const times = left.get(key) ?? 0;
    if (times > 0) left.set(key, times - 1);
    return times === 0;
  };
  return frames.map((frame) => ({ ...frame, keys: frame.keys.filter(isLeft) }));
}
