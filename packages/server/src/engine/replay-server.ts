/**
 * The running server: starts and stops the parts that a plan names, in order, and keeps the books. Outputs start before
 * inputs and stop after them, so that nothing accepted has nowhere to go. It installs no signal handlers and never
 * exits the process: that is the command's business. How the parts are made and joined is `build-run.ts`.
 */
import type { ByteSink, Clock, InputProgress, LineSink } from "../component/types.ts";
import { takeCounters } from "./accounting/counters.ts";
import type { Counters } from "./accounting/counters.ts";
import type { LogSink } from "./accounting/log.ts";
import type { Condition } from "../admin/health.ts";
import type { LivePage } from "../admin/page/live-page.ts";
import type { Admin } from "./open-admin.ts";
import type { Plan } from "./plan/planned.ts";
import type { Run } from "./run.ts";
import { standardError, standardOutput } from "./standard-stream.ts";
import { printStats } from "./accounting/stats-lines.ts";

/** Outputs that feed others may fill them again while these drain; passes end when all are empty. */
const DRAIN_PASSES_MAX = 100;

const ROOT_WARNING =
  "mirrorball: running as root, which nothing needs once the capture is open; --drop-privileges USER gives it up";

export interface ReplayServerOptions {
  readonly log?: LogSink;
  readonly clock?: Clock;
  /**
   * Called when the journal's disk has failed in a way that only a new process gets over. This one should end at once, and by a
   * signal: a thread of lmdb may wait for ever, and the usual ways out wait for it. By default an error is thrown.
   */
  readonly onFatalDiskError?: (reason: string) => void;
  /** Where `--output-stdout` and reports go; this process's own by default. */
  readonly stdout?: ByteSink;
  /** Where a middleware's words go; this process's own by default. */
  readonly stderr?: LineSink;
}

/** The end of a part that has none. One each time: what waits for it would pile up on a shared one. */
const never = (): Promise<void> => new Promise(() => {});

function throwIt(reason: string): never {
  throw new Error(reason);
}

const systemClock: Clock = {
  nowUs: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
  monotonicMs: () => performance.now(),
};

export class ReplayServer {
  /** Resolves when every input came to its own end; never, while one of them has none. */
  readonly ended: Promise<void>;
  readonly #plan: Plan;
  readonly #run: Run;
  readonly #log: LogSink;
  readonly #page: LivePage | undefined;
  #admin: Admin | undefined;
  #phase: Condition["phase"] = "starting";
  #stopStats: () => void = () => {};
  #stopped: Promise<Counters> | undefined;

  private constructor(plan: Plan, run: Run, page: LivePage | undefined, log: LogSink) {
    this.#plan = plan;
    this.#run = run;
    this.#log = log;
    this.#page = page;
    const { inputs, journal } = run;
    const ends = inputs.map(({ input }) => input.ended ?? never());
    this.ended = Promise.all(journal === undefined ? ends : [never()]).then(() =>
      this.#deliverWhileMoving(),
    );
  }

  /**
   * Loads what the plan names and builds it. Rejects with one sentence when parts of the plan cannot go together or its journal cannot
   * be opened.
   */
  static async create(
    plan: Plan,
    {
      log = () => {},
      clock = systemClock,
      onFatalDiskError = throwIt,
      stdout = standardOutput,
      stderr = standardError,
    }: ReplayServerOptions = {},
  ): Promise<ReplayServer> {
    const { load } = await import("./plan/load.ts");
    const loaded = await load(plan);
    const { buildRun } = await import("./build-run.ts");
    const streams = { stdout, stderr };
    const page = plan.run.page === "" ? undefined : await pageOf(plan);
    const tap = page === undefined ? undefined : page.seen.bind(page);
    const run = buildRun(loaded, { log, clock, streams, onFatalDiskError, tap });
    return new ReplayServer(plan, run, page, log);
  }

  /** Rejects with one sentence when something cannot start; what had started is closed again. */
  async start(): Promise<void> {
    try {
      await this.#dropPrivileges();
      const { admin, httpPprof, page } = this.#plan.run;
      if (admin + httpPprof + page !== "") this.#admin = await this.#openAdmin();
      for (const { name, output } of this.#run.outputs) await named(name, output.start());
      if (this.#run.relay !== undefined)
        await named(this.#run.relay.name, this.#run.relay.relay.start());
      this.#run.journal?.journal.start();
      // Before traffic comes, so that the first period is whole.
      if (this.#plan.run.stats) {
        this.#stopStats = printStats(this.#run.queueStats, () => this.counters(), this.#log);
      }
      await this.#scan();
      for (const { name, input } of this.#run.inputs) await named(name, input.start());
      this.#phase = "running";
      const captures = this.#run.inputs.some(({ input }) => input.open !== undefined);
      if (captures && process.geteuid?.() === 0) this.#log(ROOT_WARNING);
    } catch (error) {
      await this.#closeAll();
      throw error;
    }
  }

  /** Reads again what inputs and outputs have in files beside the plan; undefined when none has. Call it after `start`. */
  get reload(): (() => void) | undefined {
    const reloads = [
      ...this.#run.inputs.flatMap(({ input }) => input.reload ?? []),
      ...this.#run.outputs.flatMap(({ output }) => output.reload ?? []),
    ];
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

  /** What an output that compares said at its end; undefined before, and without one. */
  get verdict(): "same" | "different" | "inconclusive" | undefined {
    for (const { output } of this.#run.outputs) {
      const verdict = output.stats?.().verdict;
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }

  counters(): Counters {
    return takeCounters(this.#run);
  }

  /** How far the inputs are that come to an end. */
  progress(): { readonly name: string; readonly progress: InputProgress }[] {
    return this.#run.inputs.flatMap(({ name, input }) => {
      const progress = input.progress?.();
      return progress === undefined ? [] : [{ name, progress }];
    });
  }

  /** 0 for every output and the middleware when the conservation law holds; see `ledger.ts`. */
  discrepancies(): number[] {
    const parts = [
      ...this.#run.outputs,
      ...(this.#run.relay === undefined ? [] : [this.#run.relay]),
    ];
    return parts.map(({ account }) => account.discrepancy);
  }

  async #openAdmin(): Promise<Admin> {
    const { openAdmin } = await import("./open-admin.ts");
    const { outputs } = this.#run;
    const comparing = outputs.find(({ output }) => output.report !== undefined)?.output;
    return openAdmin(this.#plan.run, this.#page, this.#log, {
      counters: () => this.counters(),
      condition: () => this.#condition(),
      progress: () => this.progress(),
      outputs: outputs.map(({ name, output }) => ({
        name,
        latency: output.latency,
        trouble: output.trouble?.bind(output),
      })),
      report: comparing?.report?.bind(comparing),
    });
  }

  #condition(): Condition {
    return {
      phase: this.#phase,
      journal: this.#run.journal?.journal.counters().state,
      outputs: this.#run.outputs.map(({ name, output }) => ({ name, trouble: output.trouble?.() })),
    };
  }

  /** Outputs that learn from a recording see all of it before anything is sent. */
  async #scan(): Promise<void> {
    const observers = this.#run.outputs.flatMap(({ output }) => output.observer ?? []);
    if (!observers.some(({ scanned }) => scanned !== undefined)) return;
    for (const { name, input } of this.#run.inputs) {
      const reading = input.scan?.((batch) => {
        for (const { scanned } of observers) scanned?.(batch);
      });
      if (reading !== undefined) await named(name, reading);
    }
    for (const observer of observers) observer.scanEnded?.();
  }

  /** Opens what needs privileges first, so that nothing else is opened, made or started with them. */
  async #dropPrivileges(): Promise<void> {
    const { identity, inputs } = this.#run;
    if (identity === undefined) return;
    for (const { name, input } of inputs) await named(name, input.open?.() ?? Promise.resolve());
    const { become } = await import("./privileges.ts");
    become(identity);
  }

  /** A file has been read long before its last request may go: as long as anything is delivered, a run is not over. */
  async #deliverWhileMoving(): Promise<void> {
    const drained = this.#drainOutputs().then(() => "drained" as const);
    for (let left = Number.POSITIVE_INFINITY; ;) {
      const pause = pauseOf(this.#plan.run.drainTimeoutMs);
      const outcome = await Promise.race([drained, pause.over]);
      pause.clear();
      const now = this.#unsettled;
      if (outcome === "drained" || now === 0 || now >= left) return;
      left = now;
    }
  }

  async #drainOutputs(): Promise<void> {
    await Promise.all([
      ...this.#run.outputs.map(({ output }) => output.drain()),
      ...this.#run.outputs.map(({ branch }) => branch.drained()),
    ]);
  }

  async #stop(): Promise<Counters> {
    this.#phase = "stopping";
    const deadline = new Promise<"late">((resolve) => {
      setTimeout(() => resolve("late"), this.#plan.run.drainTimeoutMs).unref();
    });
    await Promise.race([this.#drain(), deadline]);
    await this.#closeAll();
    return this.counters();
  }

  async #drain(): Promise<void> {
    await Promise.all(this.#run.inputs.map(({ input }) => input.stop()));
    await this.#run.journal?.journal.drained();
    await this.#settle();
    if (this.#run.relay === undefined) return;
    // Its peer may have kept something back until it was told that this is all.
    await this.#run.relay.relay.end();
    await this.#settle();
  }

  /** Outputs may feed the relay and the relay the outputs, so both are asked until neither has anything. */
  async #settle(): Promise<void> {
    await this.#run.relay?.relay.settled();
    for (let pass = 0; pass < DRAIN_PASSES_MAX && this.#unsettled > 0; pass += 1) {
      await this.#drainOutputs();
      await this.#run.relay?.relay.settled();
    }
  }

  get #unsettled(): number {
    let count = 0;
    for (const { account } of this.#run.outputs) count += account.queued + account.outstanding;
    return count;
  }

  async #closeAll(): Promise<void> {
    this.#stopStats();
    this.#page?.close();
    this.#admin?.close();
    // What waits for room goes on when there is none any more; that must not be the journal.
    this.#run.journal?.journal.halt();
    // An input that waits for room must be able to end.
    for (const { branch } of this.#run.outputs) branch.close();
    await this.#run.relay?.relay.close();
    for (const { input } of this.#run.inputs) input.abort?.();
    await Promise.allSettled(this.#run.inputs.map(({ input }) => input.stop()));
    await Promise.allSettled(this.#run.outputs.map(({ output }) => output.close()));
    // What a journal holds is not lost: the next run goes on with it.
    for (const { account, branch } of this.#run.outputs) {
      if (!branch.isKept) account.abandon("shutdown");
    }
    this.#run.relay?.account.abandon("shutdown", this.#run.inFlight?.count ?? 0);
    await this.#run.journal?.journal.close();
  }
}

async function named(name: string, starting: Promise<void>): Promise<void> {
  try {
    await starting;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name}: ${reason}`, { cause: error });
  }
}

function pauseOf(ms: number): { readonly over: Promise<"paused">; clear(): void } {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<"paused">((resolve) => {
    timer = setTimeout(() => resolve("paused"), ms);
  });
  return { over, clear: () => clearTimeout(timer) };
}

async function pageOf({ run }: Plan): Promise<LivePage> {
  const { LivePage: Page } = await import("../admin/page/live-page.ts");
  return new Page(run.pageMemoryBytes);
}
