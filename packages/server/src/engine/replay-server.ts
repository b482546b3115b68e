/**
 * The running server: makes the components that a plan names, joins them by the pipeline, starts and stops them in
 * order, and keeps the books. Outputs start before inputs and stop after them, so that nothing accepted has nowhere
 * to go. It installs no signal handlers and never exits the process: that is the command's business.
 */
import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import type { Message } from "@mirrorball/protocol";
import type { Clock, Input, InputJournal, Relay, Stage } from "../component/types.ts";
import { createLimiter } from "../core/limit/limiter.ts";
import type { Limit } from "../core/limit/limiter.ts";
import { Journal } from "../journal/journal.ts";
import { StatusComparer } from "./compare.ts";
import { takeCounters } from "./counters.ts";
import type {
  Counters,
  RunningInput,
  RunningOutput,
  RunningRelay,
  RunningStage,
} from "./counters.ts";
import { serveCounters } from "./counters-page.ts";
import { GatedQueue } from "./gated-queue.ts";
import { InputAccount, OutputAccount, RelayAccount } from "./ledger.ts";
import { createLogger } from "./log.ts";
import type { LogSink } from "./log.ts";
import { nameOf } from "./names.ts";
import { Pipeline } from "./pipeline.ts";
import type { Entrance, Lane } from "./pipeline.ts";
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
  readonly #stages: RunningStage[] = [];
  readonly #outputs: RunningOutput[] = [];
  readonly #lanes: Lane[] = [];
  readonly #relay: RunningRelay | undefined;
  readonly #pipeline: Pipeline;
  readonly #comparer: StatusComparer | undefined;
  readonly #journal: Journal | undefined;
  readonly #journalAccount: InputAccount = new InputAccount();
  #page: Server | undefined;
  #statsTimer: NodeJS.Timeout | undefined;
  #stopped: Promise<Counters> | undefined;

  constructor(plan: Plan, { log = () => {}, clock = systemClock }: ReplayServerOptions = {}) {
    this.#plan = plan;
    this.#log = log;
    this.#clock = clock;
    this.#relay = this.#makeRelay();
    if (this.#relay !== undefined && plan.run.journal !== "") throw new Error(NOT_WITH_JOURNAL);
    this.#journal = this.#openJournal();
    for (const planned of plan.outputs) this.#addOutput(planned);
    this.#comparer = this.#outputs.some(({ output }) => output.emitsReplayed === true)
      ? new StatusComparer()
      : undefined;
    const { entrance, stages } = this.#makeStages();
    this.#pipeline = new Pipeline(entrance, stages, this.#lanes, this.#comparer, (error) => {
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
      if (this.#relay !== undefined) await named(this.#relay.name, this.#relay.relay.start());
      this.#journal?.start();
      for (const { name, input } of this.#inputs) await named(name, input.start());
    } catch (error) {
      await this.#closeAll();
      throw error;
    }
    if (this.#plan.run.stats) this.#startStats();
  }

  /** Reads again what inputs have in files beside the plan; undefined when none has. Call it after `start`. */
  get reload(): (() => void) | undefined {
    const reloads = this.#inputs.flatMap(({ input }) => input.reload ?? []);
    if (reloads.length === 0) return undefined;
    return () => {
      for (const reload of reloads) reload();
    };
  }

  /** Stops the inputs, delivers what was accepted for at most the drain timeout, closes. Idempotent. */
  stop(): Promise<Counters> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  counters(): Counters {
    return takeCounters({
      inputs: this.#inputs,
      relay: this.#relay,
      stages: this.#stages,
      outputs: this.#outputs,
      comparer: this.#comparer,
      journal: this.#journal,
    });
  }

  /** 0 for every output and the middleware when the conservation law holds; see `ledger.ts`. */
  discrepancies(): number[] {
    const parts = [...this.#outputs, ...(this.#relay === undefined ? [] : [this.#relay])];
    return parts.map(({ account }) => account.discrepancy);
  }

  #makeRelay(): RunningRelay | undefined {
    for (const { declaration, options } of this.#plan.relays) {
      const { name } = declaration;
      const account = new RelayAccount();
      const relay: Relay | undefined = declaration.create(
        {
          name,
          ledger: account,
          emit: (batch) => this.#pipeline.forward(batch),
          clock: this.#clock,
          log: createLogger(this.#log, this.#plan.run.verbose, name),
        },
        options,
      );
      if (relay !== undefined) return { name, relay, account };
    }
    return undefined;
  }

  #makeStages(): { entrance: Entrance | undefined; stages: Stage[] } {
    const before: Stage[] = [];
    const stages: Stage[] = [];
    for (const { declaration, options } of this.#plan.stages) {
      const stage = declaration.create(options);
      if (stage === undefined) continue;
      this.#stages.push({ name: declaration.name, stage });
      const early = this.#relay !== undefined && declaration.beforeRelay === true;
      (early ? before : stages).push(stage);
    }
    const entrance = this.#relay === undefined ? undefined : { ...this.#relay, stages: before };
    return { entrance, stages };
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
    const once = declaration.once?.(options);
    const journal = this.#journal?.lane(this.#laneName(name), once ?? never);
    const gate =
      journal === undefined || once === undefined ? undefined : new GatedQueue(queue, journal);
    if (journal !== undefined) {
      account.onSettled = (batch) => journal.settled(batch);
      queue.onDropped = (message) => journal.settled([message]);
    }
    const output = declaration.create(
      {
        name,
        queue: gate ?? queue,
        ledger: account,
        emit: (batch) => this.#pipeline.reenter(batch),
        clock: this.#clock,
        log: createLogger(this.#log, this.#plan.run.verbose, name),
      },
      argument,
      options,
    );
    this.#outputs.push({ name, output, account });
    const limits = this.#limitsOf(limit);
    const accepts = new Set(declaration.accepts);
    this.#lanes.push({ account, queue, accepts, limits, journal, gate });
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
        journal: this.#journalFor(account),
        dropped: (reason, count) => account.dropped(reason, count),
        refused: (reason) => account.refused(reason),
        clock: this.#clock,
        log: createLogger(this.#log, this.#plan.run.verbose, name),
      },
      argument,
      options,
    );
    this.#inputs.push({ name, input, account });
  }

  #openJournal(): Journal | undefined {
    const { journal: directory, journalLimitBytes: limitBytes } = this.#plan.run;
    if (directory === "") return undefined;
    const account = this.#journalAccount;
    const name = `journal ${directory}`;
    const journal = Journal.open({
      directory,
      limitBytes,
      clock: this.#clock,
      log: createLogger(this.#log, this.#plan.run.verbose, name),
      emit: (batch) => {
        account.emitted += batch.length;
        return this.#pipeline.emit(batch);
      },
      dropped: (reason, count) => account.dropped(reason, count),
    });
    const input = { start: async () => {}, stop: async () => {} };
    this.#inputs.push({ name, input, account });
    return journal;
  }

  /** What an input stores is counted as its own. */
  #journalFor(account: InputAccount): InputJournal | undefined {
    const journal = this.#journal;
    if (journal === undefined) return undefined;
    return {
      ackedSeq: (producer) => journal.ackedSeq(producer),
      present: (producer, connected) => journal.present(producer, connected),
      farewell: (producer, service) => journal.farewell(producer, service),
      append: (producer, service, frame) => {
        account.journalled += frame.records.length;
        return journal.append(producer, service, frame);
      },
    };
  }

  /** Names are keys in the journal: a second output of the same name must not share the first one's cursor. */
  #laneName(name: string): string {
    const same = this.#outputs.filter((output) => output.name === name).length;
    return same === 0 ? name : `${name} #${same + 1}`;
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
    await this.#journal?.drained();
    await this.#settle();
    if (this.#relay === undefined) return;
    // Its peer may have kept something back until it was told that this is all.
    await this.#relay.relay.end();
    await this.#settle();
  }

  /** Outputs may feed the relay and the relay the outputs, so both are asked until neither has anything. */
  async #settle(): Promise<void> {
    await this.#relay?.relay.settled();
    for (let round = 0; round < DRAIN_ROUNDS_MAX && this.#unsettled > 0; round += 1) {
      await Promise.all([
        ...this.#outputs.map(({ output }) => output.drain()),
        ...this.#lanes.map(({ gate }) => gate?.drained()),
      ]);
      await this.#relay?.relay.settled();
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
    await this.#relay?.relay.close();
    await Promise.allSettled(this.#inputs.map(({ input }) => input.stop()));
    await Promise.allSettled(this.#outputs.map(({ output }) => output.close()));
    // What a journal holds is not lost: the next run goes on with it.
    for (const { account, journal } of this.#lanes) {
      if (journal === undefined) account.abandon("shutdown");
    }
    this.#relay?.account.abandon("shutdown");
    await this.#journal?.close();
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

/** The journal follows a message only while it is handed over at once; inside a middleware it would be forgotten. */
const NOT_WITH_JOURNAL =
  "--middleware and --journal cannot be used together: a crash would lose what is inside the middleware; put the journal on a server in front of this one";

const never = (): boolean => false;

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
