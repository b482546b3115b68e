/**
 * Correlation in front of one target: the queue that the pool takes from, in which requests wait for what they depend on and come out with the
 * target's tokens and ids. In: the output's own queue, and all that passes. Out: messages, in an order that keeps sessions whole.
 *
 * What it holds was taken from the output's queue and is not settled: the books call it in flight, and a journal keeps it.
 */
import type { Message } from "@mirrorball/protocol";
import type {
  Clock,
  CorrelationFigures,
  OutputContext,
  OutputObserver,
  OutputQueue,
} from "../../../component/types.ts";
import { Correlator } from "../../../core/correlate/correlator.ts";
import type { JwtSigner } from "../../../core/correlate/renewal/jwt.ts";
import { RuleScan } from "../../../core/correlate/scan.ts";
import { RuleLearner } from "../../../core/correlate/rules.ts";
import type { Rule } from "../../../core/correlate/rules.ts";

/** Requests that are taken from the queue before they may go; more of them stay there and hold the inputs back. */
const TAKEN_MAX = 4096;

export interface CorrelationSettings {
  readonly waitMs: number;
  readonly order: "session" | "all";
  /** Reviewed rules; then nothing is learned of where short ids come from. */
  readonly rules: readonly Rule[] | undefined;
  readonly jwts: JwtSigner | undefined;
  readonly movesTimes: boolean;
}

export class CorrelatedQueue implements OutputQueue, OutputObserver {
  onReadable: () => void = () => {};
  readonly scanned: ((batch: readonly Message[]) => void) | undefined;
  readonly #inner: OutputQueue;
  readonly #clock: Clock;
  readonly #log: OutputContext["log"];
  #isRedactionTold = false;
  readonly #correlator: Correlator;
  #scan: RuleScan | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Found to be free while nobody asked. */
  #next: Message | undefined;

  constructor(
    { queue: inner, clock, log }: Pick<OutputContext, "queue" | "clock" | "log">,
    { waitMs, order, rules, jwts, movesTimes }: CorrelationSettings,
  ) {
    this.#inner = inner;
    this.#clock = clock;
    this.#log = log;
    this.#correlator = new Correlator({
      waitMs,
      happensBefore: order === "all",
      rules: new RuleLearner(rules),
      jwts,
      movesTimes,
    });
    if (rules === undefined) {
      const scan = new RuleScan();
      this.#scan = scan;
      this.scanned = (batch) => scan.see(batch);
    }
    inner.onReadable = () => this.#wake();
  }

  scanEnded(): void {
    const found = this.#scan?.rules() ?? [];
    this.#scan = undefined;
    if (found.length > 0) this.#correlator.rules = new RuleLearner(found);
  }

  seen(batch: readonly Message[]): void {
    this.#correlator.seen(batch);
    const { redacted } = this.#correlator;
    if (redacted === undefined || this.#isRedactionTold) return;
    this.#isRedactionTold = true;
    this.#log.warn(
      `requests of the recording hold a mark instead of a secret (first in: ${redacted}); what is marked cannot be correlated, and its callers cannot be told apart: record with redact.pseudonymKey, which keeps equal values equal`,
    );
  }

  gone({ id }: Message, why: "refused" | "before a crash" = "refused"): void {
    this.#correlator.gone(id, why === "before a crash");
    this.#wake();
  }

  /** An answer of the target, also one that stands for a failure. */
  answered(message: Message): void {
    this.#correlator.answered(message, this.#clock.monotonicMs());
    this.#wake();
  }

  figures(): CorrelationFigures {
    const counts = this.#correlator.counts();
    const { learned, used, waited, missed, evicted, contradictions, contested } = counts;
    const { resigned, times } = counts;
    const more = {
      ...missed,
      ...(evicted > 0 ? { evicted } : {}),
      ...(contradictions > 0 ? { contradiction: contradictions } : {}),
      ...(contested > 0 ? { contested } : {}),
    };
    return { learned, used, waited, missed: more, resigned, times };
  }

  /** All that is not given out: a pool that asks whether there is more must wait for what is held. */
  get length(): number {
    return this.#inner.length + this.#correlator.held + (this.#next === undefined ? 0 : 1);
  }

  /** True when `take` gives something. */
  get hasNext(): boolean {
    this.#next ??= this.#find();
    return this.#next !== undefined;
  }

  take(): Message | undefined {
    const message = this.#next ?? this.#find();
    this.#next = undefined;
    return message;
  }

  takeBatch(max: number): Message[] {
    const batch: Message[] = [];
    for (let message = this.take(); message !== undefined; message = this.take()) {
      batch.push(message);
      if (batch.length >= max) break;
    }
    return batch;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #find(): Message | undefined {
    const nowMs = this.#clock.monotonicMs();
    const wallMs = this.#clock.nowUs() / 1000;
    for (;;) {
      const free = this.#correlator.next(nowMs, wallMs);
      if (free !== undefined) return free;
      const message = this.#correlator.held < TAKEN_MAX ? this.#inner.take() : undefined;
      if (message === undefined) break;
      this.#correlator.take(message, nowMs);
    }
    this.#setTimer(nowMs);
    return undefined;
  }

  #wake(): void {
    if (this.hasNext) this.onReadable();
  }

  /** The oldest one goes when its time is up, whether or not anything else happens. */
  #setTimer(nowMs: number): void {
    if (this.#timer !== undefined) return;
    const deadlineMs = this.#correlator.nextDeadlineMs;
    if (deadlineMs === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#wake();
        this.#setTimer(this.#clock.monotonicMs());
      },
      Math.max(1, deadlineMs - nowMs),
    );
    this.#timer.unref();
  }
}
