/**
 * Builds what a plan names and joins it: inputs, relay, stages, outputs with their queues and accounts, journal, pipeline.
 * Nothing is started here but the journal, which is opened, so that its errors come first. What is done with the parts
 * is `replay-server.ts`.
 */
import { randomUUID } from "node:crypto";
import type { Message } from "@mirrorball/protocol";
import type { ByteSink, Clock, InputJournal, LineSink, Relay, Stage } from "../component/types.ts";
import { createLimiter } from "../core/limit/limiter.ts";
import type { Limit } from "../core/limit/limiter.ts";
import { RelayHold } from "../core/journal/relay-hold.ts";
import { QueueStats } from "../core/queue-stats.ts";
import { Journal } from "../journal/journal.ts";
import type { JournalOptions } from "../journal/options.ts";
import { StatusComparer } from "./accounting/status-comparer.ts";
import type {
  RunningInput,
  RunningOutput,
  RunningRelay,
  RunningStage,
} from "./accounting/counters.ts";
import { GatedQueue } from "./flow/intent-queue.ts";
import { InputAccount, OutputAccount, RelayAccount } from "./accounting/ledger.ts";
import { createLogger } from "./accounting/log.ts";
import type { LogSink } from "./accounting/log.ts";
import { nameOf } from "./plan/names.ts";
import { asUser, identityOf } from "./privileges.ts";
import type { Identity } from "./privileges.ts";
import { Pipeline } from "./flow/pipeline.ts";
import type { Entrance, Lane } from "./flow/pipeline.ts";
import type { Plan, PlannedInput, PlannedOutput } from "./plan/plan.ts";
import { BoundedQueue } from "./flow/queue.ts";

/** The queue figures of one output, and how often they are printed. */
export interface RunningQueueStats {
  readonly stats: QueueStats;
  readonly periodMs: number;
}

/** Where components write what is no traffic. */
export interface Streams {
  readonly stdout: ByteSink;
  readonly stderr: LineSink;
}

export class Parts {
  readonly inputs: RunningInput[] = [];
  readonly stages: RunningStage[] = [];
  readonly outputs: RunningOutput[] = [];
  readonly lanes: Lane[] = [];
  readonly relay: RunningRelay | undefined;
  readonly pipeline: Pipeline;
  readonly comparer: StatusComparer | undefined;
  readonly journal: Journal | undefined;
  /** With a journal and a relay: which entries are inside. */
  readonly hold: RelayHold | undefined;
  readonly queueStats: RunningQueueStats[] = [];
  /** Who this process is to become. */
  readonly identity: Identity | undefined;
  readonly #plan: Plan;
  readonly #log: LogSink;
  readonly #clock: Clock;
  readonly #dead: (reason: string) => void;
  readonly #streams: Streams;

  /** Throws one sentence when parts cannot go together or the journal cannot be opened. */
  constructor(
    plan: Plan,
    log: LogSink,
    clock: Clock,
    dead: (reason: string) => void,
    streams: Streams,
  ) {
    this.#dead = dead;
    this.#streams = streams;
    this.#plan = plan;
    this.#log = log;
    this.#clock = clock;
    const { dropPrivileges: user } = plan.run;
    this.identity = user === "" ? undefined : identityOf(user);
    this.relay = this.#makeRelay();
    if (this.relay !== undefined && plan.run.journal !== "") {
      this.hold = new RelayHold();
      this.relay.account.watcher = this.hold;
    }
    this.journal = this.#openJournal();
    for (const planned of plan.outputs) this.#addOutput(planned);
    this.#checkReplayed();
    this.comparer = this.outputs.some(({ output }) => output.emitsReplayed === true)
      ? new StatusComparer()
      : undefined;
    const { entrance, stages } = this.#makeStages();
    this.pipeline = new Pipeline(
      entrance,
      stages,
      this.lanes,
      this.comparer,
      (error) => {
        log(
          `mirrorball: a stage failed: ${error instanceof Error ? error.message : String(error)}`,
        );
      },
      splitsOf(plan),
    );
    for (const planned of plan.inputs) this.#addInput(planned);
  }

  #makeRelay(): RunningRelay | undefined {
    for (const { declaration, options } of this.#plan.relays) {
      const { name } = declaration;
      const account = new RelayAccount();
      const relay: Relay | undefined = declaration.create(
        {
          name,
          ledger: account,
          emit: (batch) => {
            const wait = this.pipeline.forward(batch);
            this.hold?.passed();
            return wait;
          },
          durable: this.#plan.run.journal !== "",
          pressed: () => this.journal?.pressed === true,
          stderr: this.#streams.stderr,
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
      this.stages.push({ name: declaration.name, stage });
      const early = this.relay !== undefined && declaration.beforeRelay === true;
      (early ? before : stages).push(stage);
    }
    const entrance = this.relay === undefined ? undefined : { ...this.relay, stages: before };
    return { entrance, stages };
  }

  #checkReplayed(): void {
    const wanting = this.#plan.outputs.find(
      ({ declaration }) => declaration.wantsReplayed === true,
    );
    if (wanting === undefined || this.outputs.some(({ output }) => output.emitsReplayed === true))
      return;
    const name = nameOf(wanting.declaration.name, wanting.argument);
    throw new Error(
      `${name}: it takes what was replayed, and nothing replays; add an --output-http URL`,
    );
  }

  #addOutput({
    declaration,
    argument,
    limit,
    options,
    queue: { queueLen, queueFull, stats, statsPeriodMs },
    isCompanion,
  }: PlannedOutput): void {
    const name = nameOf(declaration.name, argument);
    const account = new OutputAccount();
    const queue = new BoundedQueue(account, queueLen, queueFull);
    const once = declaration.once?.(options);
    const journal = this.journal?.lane(this.#laneName(name), once ?? never);
    const gate =
      journal === undefined || once === undefined ? undefined : new GatedQueue(queue, journal);
    if (journal !== undefined) account.onSettled = (batch) => journal.settled(batch);
    if (stats && this.#plan.run.stats) {
      queue.stats = new QueueStats(declaration.name.replaceAll("-", "_"), statsPeriodMs);
      this.queueStats.push({ stats: queue.stats, periodMs: statsPeriodMs });
    }
    const output = declaration.create(
      {
        name,
        queue: gate ?? queue,
        ledger: account,
        emit: (batch) => this.pipeline.reenter(batch),
        stream: journal === undefined ? undefined : () => journal.stream(),
        loopGuard: !this.#plan.run.noLoopGuard,
        replayedWanted: this.#plan.outputs.some((each) => each.declaration.wantsReplayed === true),
        probeShare: isCompanion === true ? 0 : Math.max(0, ...this.#plan.outputs.map(probeShareOf)),
        others: () =>
          this.outputs.map((each) => ({ name: each.name, stats: each.output.stats?.() ?? {} })),
        stdout: this.#streams.stdout,
        clock: this.#clock,
        log: createLogger(this.#log, this.#plan.run.verbose, name),
      },
      argument,
      options,
    );
    this.outputs.push({ name, output, account });
    const { observer } = output;
    if (journal !== undefined || observer !== undefined) {
      queue.onDropped = (message) => {
        journal?.settled([message]);
        observer?.gone(message);
      };
    }
    const limits = this.#limitsOf(limit);
    const accepts = new Set(declaration.accepts);
    this.lanes.push({ account, queue, accepts, limits, journal, gate, observer });
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
          return this.pipeline.emit(kept);
        },
        journal: this.#journalFor(account),
        dropped: (reason, count) => account.dropped(reason, count),
        refused: (reason) => account.refused(reason),
        loopGuard: !this.#plan.run.noLoopGuard,
        becomes: this.identity?.user,
        stdout: this.#streams.stdout,
        clock: this.#clock,
        log: createLogger(this.#log, this.#plan.run.verbose, name),
      },
      argument,
      options,
    );
    this.inputs.push({ name, input, account });
  }

  #openJournal(): Journal | undefined {
    const { journal: directory, journalLimitBytes: limitBytes } = this.#plan.run;
    if (directory === "") return undefined;
    const account = new InputAccount();
    const name = `journal ${directory}`;
    const { identity } = this;
    const options: JournalOptions = {
      directory,
      limitBytes,
      split: splitsOf(this.#plan) === "by-id",
      clock: this.#clock,
      log: createLogger(this.#log, this.#plan.run.verbose, name),
      emit: (batch) => {
        account.emitted += batch.length;
        return this.pipeline.emit(batch);
      },
      dropped: (reason, count) => account.dropped(reason, count),
      dead: this.#dead,
      hold: this.hold,
    };
    const journal = openedAs(identity, options);
    const input = { start: async () => {}, stop: async () => {} };
    this.inputs.push({ name, input, account });
    return journal;
  }

  /** What an input stores is counted as its own. */
  #journalFor(account: InputAccount): InputJournal | undefined {
    const journal = this.journal;
    if (journal === undefined) return undefined;
    return {
      ackedSeq: (producer) => journal.ackedSeq(producer),
      settledSeq: (producer) => journal.settledSeq(producer),
      get trouble() {
        return journal.trouble;
      },
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
    const same = this.outputs.filter((output) => output.name === name).length;
    return same === 0 ? name : `${name} #${same + 1}`;
  }

  #limitsOf(limit: Limit | undefined): ((message: Message) => boolean) | undefined {
    if (limit === undefined) return undefined;
    const limiter = createLimiter(limit, randomUUID());
    return (message) => limiter.admits(message, this.#clock.monotonicMs());
  }
}

function probeShareOf({ declaration, options }: PlannedOutput): number {
  return declaration.wantsProbes?.(options) ?? 0;
}

const never = (): boolean => false;

/** With a journal a message must go to the same output again after a crash. */
function splitsOf({ run }: Plan): "no" | "in-turn" | "by-id" {
  if (!run.splitOutput) return "no";
  return run.journal === "" ? "in-turn" : "by-id";
}

/** What the journal is made of is the user's that goes on with it. */
function openedAs(identity: Identity | undefined, options: JournalOptions): Journal {
  try {
    return identity === undefined
      ? Journal.open(options)
      : asUser(identity, () => Journal.open(options));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code !== "EACCES" && code !== "EPERM") throw error;
    const who = identity?.user ?? `user ${process.geteuid?.() ?? "of this process"}`;
    throw new Error(`--journal: ${who} must be able to write to ${options.directory}`, {
      cause: error,
    });
  }
}
