/**
 * Between HTTP requests that have been read and the pipeline: hands them on in batches and answers each when, and only
 * when, it is in the pipeline. While the pipeline is full they wait, within two bounds; then the answer is 503. Knows no
 * HTTP.
 */
import type { Message } from "@mirrorball/protocol";
import { scaledBytes } from "../../core/memory/process-memory.ts";
import type { InputContext } from "../../component/types.ts";

/** Milliseconds a copy may wait for the pipeline: less than the shortest time-out that clients usually have. */
const WAIT_MS_MAX = 2000;
/** Bytes of copies that may wait. */
const WAITING_BYTES_MAX: number = scaledBytes(64 * 1024 * 1024);
const SWEEP_MS = 200;

export interface Copy {
  readonly message: Message;
  /** `taken`: it is in the pipeline. `busy`: it is not, and will not be. */
  readonly answer: (fate: "taken" | "busy") => void;
}

interface Waiting extends Copy {
  readonly sinceMs: number;
}

export class Intake {
  readonly #context: InputContext;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #blocked = false;
  #scheduled = false;
  #sweeper: NodeJS.Timeout | undefined;
  #settled: (() => void)[] = [];

  constructor(context: InputContext) {
    this.#context = context;
  }

  start(): void {
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  /** Resolves when nothing waits any more. */
  async finish(): Promise<void> {
    if (this.#waiting.length > 0) {
      await new Promise<void>((resolve) => this.#settled.push(resolve));
    }
    clearInterval(this.#sweeper);
  }

  offer(copy: Copy): void {
    const bytes = copy.message.http.byteLength;
    if (this.#waitingBytes + bytes > WAITING_BYTES_MAX && this.#waiting.length > 0) {
      copy.answer("busy");
      return;
    }
    this.#waiting.push({ ...copy, sinceMs: this.#context.clock.monotonicMs() });
    this.#waitingBytes += bytes;
    if (this.#blocked || this.#scheduled) return;
    // What arrives in the same turn of the event loop is one batch.
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#handOn();
    });
  }

  #handOn(): void {
    if (this.#blocked || this.#waiting.length === 0) return;
    const copies = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const wait = this.#context.emit(copies.map(({ message }) => message));
    for (const copy of copies) copy.answer("taken");
    this.#settle();
    if (wait === undefined) return;
    this.#blocked = true;
    const resume = (): void => {
      this.#blocked = false;
      this.#handOn();
    };
    // The engine's promise never rejects.
    void wait.then(resume);
  }

  /** Gives up what has waited too long; the oldest are in front. */
  #sweep(): void {
    const limitMs = this.#context.clock.monotonicMs() - WAIT_MS_MAX;
    let late = 0;
    while ((this.#waiting[late]?.sinceMs ?? limitMs) < limitMs) late += 1;
    if (late === 0) return;
    for (const copy of this.#waiting.splice(0, late)) {
      this.#waitingBytes -= copy.message.http.byteLength;
      copy.answer("busy");
    }
    this.#settle();
  }

  #settle(): void {
    if (this.#waiting.length > 0) return;
    for (const resolve of this.#settled.splice(0)) resolve();
  }
}
