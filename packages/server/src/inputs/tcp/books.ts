/**
 * The books of a producer on one connection: what it says it was offered, against what has come. In: its figures, the records
 * that were taken. Out: how many exchanges are missing. Knows no connections, and not whether the producer comes back.
 */
import { LOSS_AT, RecordType } from "@mirrorball/protocol";
import type { Figures, WireRecord } from "@mirrorball/protocol";

export class Books {
  /** What the producer said last; undefined for one that keeps none. */
  figures: Figures | undefined;
  /** Exchanges that have come since the connection began. */
  #accounted = 0;

  get areKept(): boolean {
    return this.figures !== undefined;
  }

  /** It has answered the last call: there is nothing more that it could have sent. */
  get isLast(): boolean {
    return (this.figures?.isLast ?? 0) !== 0;
  }

  /** Exchanges that it had beyond what has come; undefined when it keeps no books. */
  get missing(): number | undefined {
    if (this.figures === undefined) return undefined;
    return Math.max(0, this.figures.offered - this.figures.accounted - this.#accounted);
  }

  /** An exchange is accounted for when it ends, is called back, or is told as lost. */
  took(records: readonly WireRecord[]): void {
    let count = 0;
    for (const record of records) {
      const type = record[0];
      if (type === RecordType.exchange || type === RecordType.responseEnd) count += 1;
      else if (type === RecordType.abandon) count += 1;
      else if (type === RecordType.loss) count += record[LOSS_AT.count];
    }
    this.#accounted += count;
  }
}
