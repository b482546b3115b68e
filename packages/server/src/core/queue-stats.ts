/**
 * gor's figures of a queue: `output_http:latest,mean,max,count,count/second`. Sans-IO. In: the queue's length each
 * time something was put in. Out: one line a period, after which counting starts anew.
 *
 * `latest` is the length at the last write, `mean` a running mean over lengths that were not zero, in whole numbers
 * as gor's is, `count` the writes of the period. gor's documentation calls these latencies; they never were.
 */
export class QueueStats {
  readonly #name: string;
  readonly #periodMs: number;
  #latest = 0;
  #mean = 0;
  #max = 0;
  #count = 0;

  constructor(name: string, periodMs: number) {
    this.#name = name;
    this.#periodMs = periodMs;
  }

  /** `length` messages wait, now that one was put in. */
  wrote(length: number): void {
    if (length > this.#max) this.#max = length;
    if (length !== 0) {
      this.#mean = this.#mean === 0 ? length : Math.trunc((this.#mean + length) / 2);
    }
    this.#latest = length;
    this.#count += 1;
  }

  get title(): string {
    return `${this.#name}:latest,mean,max,count,count/second`;
  }

  /** The figures since the last call. */
  line(): string {
    const perSecond = Math.trunc(this.#count / (this.#periodMs / 1000));
    const figures = [this.#latest, this.#mean, this.#max, this.#count, perSecond].join(",");
    this.#latest = 0;
    this.#mean = 0;
    this.#max = 0;
    this.#count = 0;
    return `${this.#name}:${figures}`;
  }
}

/** gor's date in front of such a line: `2014/04/23 21:19:51`, local time. */
export function statsDate(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("/");
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
