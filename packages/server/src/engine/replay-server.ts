/**
 * The running server: makes the components that a plan names, joins them by the pipeline, starts and stops them in
 * order, and keeps the books. Outputs start before inputs and stop after them, so that nothing accepted has nowhere
 * to go. It installs no signal handlers and never exits the process: that is the command's business.
 */
import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import type { Message } from "@mirrorball/protocol";
import type { Clock, Input } from "../component/types.ts";
import { createLimiter } from "../core/limit/limiter.ts";
import type { Limit } from "../core/limit/limiter.ts";
import { StatusComparer } from "./compare.ts";
import { takeCounters } from "./counters.ts";
import type { Counters, RunningInput, RunningOutput } from "./counters.ts";
import { serveCounters } from "./counters-page.ts";
import { InputAccount, OutputAccount } from "./ledger.ts";
import { createLogger } from "./log.ts";
import type { LogSink } from "./log.ts";
import { Pipeline } from "./pipeline.ts";
import type { Lane } from "./pipeline.ts";
import type { Plan, PlannedInput, PlannedOutput } from "./plan.ts";
import { BoundedQueue } from "./queue.ts";
import { statsLine } from "./summary.ts";

const STATS_INTERVAL_MS = 5000;
/** Outputs that feed others may fill them again while these drain; rounds end when all are empty. */
const DRAIN_ROUNDS_MAX = 100;

export interface ReplayServerOptions {
  readonly log?: LogSink;
  readonly clock?: Clock;
}

const systemClock: Clock = {
  nowUs: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
  monotonicMs: () => performance.now(),
};

export class ReplayServer {
  /** Resolves when every input came to its own end; never, while one of them has none. */
  readonly ended: Promise<void>;
  readonly #plan: Plan;
  readonly #log: LogSink;
  readonly #clock: Clock;
  readonly #inputs: RunningInput[] = [];
  readonly #outputs: RunningOutput[] = [];
  readonly #lanes: Lane[] = [];
  readonly #pipeline: Pipeline;
  readonly #comparer: StatusComparer | undefined;
  #page: Server | undefined;
  #statsTimer: NodeJS.Timeout | undefined;
  #stopped: Promise<Counters> | undefined;

  constructor(plan: Plan, { log = () => {}, clock = systemClock }: ReplayServerOptions = {}) {
    this.#plan = plan;
    this.#log = log;
    this.#clock = clock;
    for (const planned of plan.outputs) this.#addOutput(planned);
    this.#comparer = this.#outputs.some(({ output }) => output.emitsReplayed === true)
      ? new StatusComparer()
      : undefined;
    const stages = plan.stages.flatMap(({ declaration, options }) => {
      const stage = declaration.create(options);
      return stage === undefined ? [] : [stage];
    });
    this.#pipeline = new Pipeline(stages, this.#lanes, this.#comparer, (error) => {
      this.#log(
        `mirrorball: a stage failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
    for (const planned of plan.inputs) this.#addInput(planned);
    this.ended = Promise.all(this.#inputs.map(({ input }) => endOf(input))).then(() => undefined);
  }

  /** Rejects with one sentence when something cannot start; what had started is closed again. */
  async start(): Promise<void> {
    try {
      if (this.#plan.run.httpPprof !== "") {
        this.#page = await serveCounters(this.#plan.run.httpPprof, () => this.counters());
      }
      for (const { name, output } of this.#outputs) await named(name, output.start());
      for (const { name, input } of this.#inputs) await named(name, input.start());
    } catch (error) {
      await this.#closeAll();
      throw error;
    }
    if (this.#plan.run.stats) this.#startStats();
  }

  /** Stops the inputs, delivers what was accepted for at most the drain timeout, closes. Idempotent. */
  stop(): Promise<Counters> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  counters(): Counters {
    return takeCounters(this.#inputs, this.#outputs, this.#comparer);
  }

  /** 0 for every output when the conservation law holds; see `ledger.ts`. */
  discrepancies(): number[] {
    return this.#outputs.map(({ account }) => account.discrepancy);
  }

  #addOutput({
    declaration,
    argument,
    limit,
    options,
    queue: { queueLen, queueFull },
  }: PlannedOutput): void {
    const name = nameOf(declaration.name, argument);
    const account = new OutputAccount();
    const queue = new BoundedQueue(account, queueLen, queueFull);
    const output = declaration.create(
      {
        name,
        queue,
        ledger: account,
        emit: (batch) => this.#pipeline.emit(batch),
        loopGuard: !this.#plan.run.noLoopGuard,
        clock: this.#clock,
        log: createLogger(this.#log, this.#plan.run.verbose, name),
      },
      argument,
      options,
    );
    this.#outputs.push({ name, output, account });
    const limits = this.#limitsOf(limit);
    this.#lanes.push({ account, queue, accepts: new Set(declaration.accepts), limits });
  }

  #addInput({ declaration, argument, limit, options }: PlannedInput): void {
    const name = nameOf(declaration.name, argument);
    const account = new InputAccount();
    const playsFaster = limit?.kind === "percent" && declaration.percent === "speed";
    const limits = playsFaster ? undefined : this.#limitsOf(limit);
    const input = declaration.create(
      {
        name,
        speed: playsFaster ? limit.percent / 100 : 1,
        emit: (batch) => {
          const kept = limits === undefined ? batch : batch.filter(limits);
          account.limited += batch.length - kept.length;
          account.emitted += kept.length;
          return this.#pipeline.emit(kept);
        },
        dropped: (reason, count) => account.dropped(reason, count),
        refused: (reason) => account.refused(reason),
        loopGuard: !this.#plan.run.noLoopGuard,
        clock: this.#clock,
        log: createLogger(this.#log, this.#plan.run.verbose, name),
      },
      argument,
      options,
    );
    this.#inputs.push({ name, input, account });
  }

  #limitsOf(limit: Limit | undefined): ((message: Message) => boolean) | undefined {
    if (limit === undefined) return undefined;
    const limiter = createLimiter(limit, randomUUID());
    return (message) => limiter.admits(message, this.#clock.monotonicMs());
  }

  async #stop(): Promise<Counters> {
    clearInterval(this.#statsTimer);
    const deadline = new Promise<"late">((resolve) => {
      setTimeout(() => resolve("late"), this.#plan.run.drainTimeoutMs).unref();
    });
    await Promise.race([this.#drain(), deadline]);
    await this.#closeAll();
    return this.counters();
  }

  async #drain(): Promise<void> {
    await Promise.all(this.#inputs.map(({ input }) => input.stop()));
    for (let round = 0; round < DRAIN_ROUNDS_MAX && this.#unsettled > 0; round += 1) {
      await Promise.all(this.#outputs.map(({ output }) => output.drain()));
    }
  }

  get #unsettled(): number {
    let count = 0;
    for (const { account } of this.#outputs) count += account.queued + account.outstanding;
    return count;
  }

  async #closeAll(): Promise<void> {
    this.#page?.closeAllConnections();
    this.#page?.close();
    // An input that waits for room must be able to end.
    for (const { queue } of this.#lanes) queue.close();
    await Promise.allSettled(this.#inputs.map(({ input }) => input.stop()));
    await Promise.allSettled(this.#outputs.map(({ output }) => output.close()));
    for (const { account } of this.#lanes) account.abandon("shutdown");
  }

  #startStats(): void {
    let before = this.counters();
    this.#statsTimer = setInterval(() => {
      const now = this.counters();
      this.#log(`mirrorball: ${statsLine(before, now, STATS_INTERVAL_MS / 1000)}`);
      before = now;
    }, STATS_INTERVAL_MS);
    this.#statsTimer.unref();
  }
}

function nameOf(component: string, argument: string): string {
  return argument === "" ? component : `${component} ${withoutPassword(argument)}`;
}

/** Names appear in logs and on the counters page. */
function withoutPassword(argument: string): string {
  return argument.replace(/(\/\/[^/@:]*):[^/@]*@/, "$1:***@");
}

async function endOf(input: Input): Promise<void> {
  await (input.ended ?? new Promise<never>(() => {}));
}

async function named(name: string, starting: Promise<void>): Promise<void> {
  try {
    await starting;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name}: ${reason}`, { cause: error });
  }
}
