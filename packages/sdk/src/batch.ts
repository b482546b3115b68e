/**
 * Wire records on their way to the sender: collected for a moment, packed into frames, weighed so that acknowledgements
 * can be counted in exchanges. Knows nothing of budgets or of what a record holds.
 */
import {
  BATCH_BYTES_TARGET,
  FRAME_PAYLOAD_BYTES_MAX,
  RecordType,
  packRecords,
} from "@mirrorball/protocol";
import type { WireRecord } from "@mirrorball/protocol";
import type { Sender } from "./sender.ts";

/** Batches wait this long for company. */
const FLUSH_MS = 10;
/** What an exchange costs beside its bytes: its objects, strings and record. */
export const EXCHANGE_BYTES_BASE = 1024;

export class Batch {
  /** Bytes of records that wait, about. */
  bytes = 0;
  readonly #sender: Sender;
  readonly #tooLarge: () => void;
  #records: WireRecord[] = [];
  /** Exchanges that end in records that wait. */
  #weight = 0;
  /** Exchanges handed to the session since the beginning. */
  #enqueuedWeight = 0;
  /** Losses the server has not been told of, by reason. */
  readonly #untold: Map<string, number> = new Map();
  #timer: NodeJS.Timeout | undefined;

  /** `tooLarge` is called for each exchange whose record no frame can hold. */
  constructor(sender: Sender, tooLarge: () => void) {
    this.#sender = sender;
    this.#tooLarge = tooLarge;
  }

  /** Exchanges that wait here, or were sent and are not acknowledged. */
  get unackedWeight(): number {
    return this.#weight + this.#enqueuedWeight - this.#sender.session.ackedWeight;
  }

  /** `weight` exchanges end in these records; `bytes` is the size of each that is not a whole exchange. */
  push(records: readonly WireRecord[], weight: number, bytes: number = EXCHANGE_BYTES_BASE): void {
    for (const record of records) {
      this.#records.push(record);
      this.bytes += record[0] === RecordType.exchange ? sizeOf(record) : bytes;
    }
    this.#weight += weight;
    if (this.bytes >= BATCH_BYTES_TARGET) this.flush();
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.flush(), FLUSH_MS);
      this.#timer.unref();
    }
  }

  /** The server is told with the next batch. */
  lost(reason: string): void {
    this.#untold.set(reason, (this.#untold.get(reason) ?? 0) + 1);
  }

  flush(): void {
    this.stop();
    for (const [reason, count] of this.#untold)
      this.#records.push([RecordType.loss, reason, count]);
    this.#untold.clear();
    if (this.#records.length === 0) return;
    const records = this.#records;
    this.#records = [];
    this.bytes = 0;
    this.#weight = 0;
    this.#enqueue(records);
    this.#sender.pump();
  }

  stop(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** What is not acknowledged by now never will be. */
  forget(): void {
    this.#weight = 0;
    this.#enqueuedWeight = this.#sender.session.ackedWeight;
  }

  /** One frame as a rule; halves of the batch when large heads made it larger than a frame may be. */
  #enqueue(records: readonly WireRecord[]): void {
    const payload = packRecords(records);
    if (payload.length <= FRAME_PAYLOAD_BYTES_MAX) {
      const weight = weightOf(records);
      this.#enqueuedWeight += weight;
      this.#sender.session.enqueue(payload, weight);
    } else if (records.length > 1) {
      const half = records.length >> 1;
      this.#enqueue(records.slice(0, half));
      this.#enqueue(records.slice(half));
    } else if (weightOf(records) > 0) {
      this.#tooLarge();
    }
  }
}

/** Exchanges that end in these records. */
function weightOf(records: readonly WireRecord[]): number {
  let weight = 0;
  for (const [type] of records) {
    if (type === RecordType.exchange || type === RecordType.responseEnd) weight += 1;
  }
  return weight;
}

function sizeOf(
  record: Extract<WireRecord, readonly [typeof RecordType.exchange, ...unknown[]]>,
): number {
  const body = (record[11]?.length ?? 0) + (record[17]?.length ?? 0);
  return body + (record[16]?.length ?? 0) + record[10].length * 12 + record[8].length + 96;
}
