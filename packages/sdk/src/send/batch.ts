/**
 * Wire records on their way to the sender: written into a frame at once, so that nothing of an exchange lives on but its
 * bytes, and weighed so that acknowledgements can be counted in exchanges. Knows nothing of budgets or of what a record
 * holds.
 */
import {
  ABANDON,
  BATCH_BYTES_TARGET,
  LOSS,
  PayloadWriter,
  RESPONSE_END,
  recordOf,
} from "@mirrorball/protocol/producing";
import type { WireRecord } from "@mirrorball/protocol/producing";
import type { Losses } from "../stats/losses.ts";

/** Batches wait this long for company: what a batch costs is mostly its system calls, here and for its acknowledgement. */
const FLUSH_MS = 20;
/** Losses travel by themselves when nothing else does. */
const LOSS_MS_MAX = 1000;
/** Who writes an exchange as one record; false when it has no room in this frame. */
export interface WholeWriter<E> {
  whole(out: PayloadWriter, exchange: E, endedUs: number): boolean;
}

/** Where frames go. */
export interface FrameSink {
  /** Everything that was enqueued is written: another frame would not have to wait. */
  readonly idle: boolean;
  /** Of what was enqueued, acknowledged or refused since the beginning. */
  readonly settledWeight: number;
  /** Takes a frame, to be written by `pump`; `told`: exchanges that it tells of as lost. May throw. */
  enqueue(frame: Uint8Array, weight: number, told: number): void;
  /** Writes what may be written now. Never throws. */
  pump(): void;
}

export class Batch {
  readonly #sink: FrameSink;
  readonly #losses: Losses;
  readonly #tooLarge: () => void;
  readonly #writer: PayloadWriter = new PayloadWriter();
  /** The time of these records has come, but the sink was not idle. */
  #due = false;
  /** Exchanges that end in records that wait. */
  #weight = 0;
  /** Exchanges handed to the session since the beginning. */
  #enqueuedWeight = 0;
  /** Losses the server has not been told of, by reason. */
  readonly #untold: Map<string, number> = new Map();
  /** Exchanges called back in records that wait. */
  #told = 0;
  #timer: NodeJS.Timeout | undefined;
  #lossTimer: NodeJS.Timeout | undefined;

  /** `tooLarge` is called for each exchange whose record no frame can hold. */
  constructor(sink: FrameSink, losses: Losses, tooLarge: () => void) {
    this.#sink = sink;
    this.#losses = losses;
    this.#tooLarge = tooLarge;
  }

  /** Bytes of records that wait. */
  get bytes(): number {
    return this.#writer.bytes;
  }

  /** Exchanges that wait here, or were sent and are not acknowledged. */
  get unackedWeight(): number {
    return this.#weight + this.#enqueuedWeight - this.#sink.settledWeight;
  }

  /** False for a record that no receiver would take. */
  push(record: WireRecord): boolean {
    // A frame that is full goes.
    if (!this.#writer.append(record)) {
      this.flush();
      if (!this.#writer.append(record)) return false;
    }
    if (record[0] === ABANDON.type) this.#told += 1;
    this.#pushed(record[0] === RESPONSE_END.type ? 1 : 0);
    return true;
  }

  /** An exchange as one record, without making it. */
  pushWhole<E>(records: WholeWriter<E>, exchange: E, endedUs: number): void {
    if (!records.whole(this.#writer, exchange, endedUs)) {
      this.flush();
      if (!records.whole(this.#writer, exchange, endedUs)) {
        this.#tooLarge();
        return;
      }
    }
    this.#pushed(1);
  }

  #pushed(weight: number): void {
    this.#weight += weight;
    if (this.#writer.bytes >= BATCH_BYTES_TARGET) this.flush();
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#elapsed(), FLUSH_MS);
      this.#timer.unref();
    }
  }

  /** The server is told with the next batch, and soon when there is none. */
  lost(reason: string, count = 1): void {
    if (count === 0) return;
    this.#untold.set(reason, (this.#untold.get(reason) ?? 0) + count);
    this.#lossTimer ??= setTimeout(() => this.#elapsed(), LOSS_MS_MAX).unref();
  }

  /** The server would not have what a frame held: what it told as lost is told again. */
  refused(weight: number, told: number, reason: string): void {
    this.#losses.refused(weight, reason);
    this.lost("refused", weight + told);
  }

  /** Never throws: whoever calls it has an exchange of its own to care for. */
  flush(): void {
    this.stop();
    this.#due = false;
    try {
      this.#enqueue();
    } catch (error) {
      this.#losses.fault(error);
      this.#losses.count("internal", this.#weight);
      this.lost("internal", this.#weight);
      this.#weight = 0;
      this.#told = 0;
      this.#writer.reset();
    }
    this.#sink.pump();
  }

  #enqueue(): void {
    let told = this.#told;
    for (const [reason, count] of this.#untold) {
      if (this.#writer.append(recordOf(LOSS, { reason, count }))) told += count;
    }
    if (this.#writer.records === 0) return;
    this.#sink.enqueue(this.#writer.take(), this.#weight, told);
    this.#untold.clear();
    this.#told = 0;
    this.#enqueuedWeight += this.#weight;
    this.#weight = 0;
  }

  /** A frame was acknowledged. */
  released(frame: Uint8Array): void {
    this.#writer.recycle(frame);
  }

  /** The sink has nothing left to write: what waited for that goes now. */
  sinkIdle(): void {
    if (this.#due) this.flush();
  }

  /** Small frames behind an unreachable or slow server would only cost memory: they become one larger one. */
  #elapsed(): void {
    this.stop();
    if (this.#sink.idle) this.flush();
    else this.#due = true;
  }

  stop(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lossTimer !== undefined) clearTimeout(this.#lossTimer);
    this.#lossTimer = undefined;
  }

  /** What is not acknowledged by now never will be. */
  forget(): void {
    this.#weight = 0;
    this.#enqueuedWeight = this.#sink.settledWeight;
  }
}
