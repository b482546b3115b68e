/**
 * The running server: starts and stops the parts that a plan names, in order, and keeps the books. Outputs start before
 * inputs and stop after them, so that nothing accepted has nowhere to go. It installs no signal handlers and never
 * exits the process: that is the command's business. How the parts are made and joined is `build-run.ts`.
 */
import type { Server } from "node:http";
import type { ByteSink, Clock, Input, InputProgress, LineSink } from "../component/types.ts";
import { takeCounters } from "./accounting/counters.ts";
import type { Counters } from "./accounting/counters.ts";
import { serveCounters } from "./accounting/counters-page.ts";
import type { LogSink } from "./accounting/log.ts";
import { Parts } from "./build-run.ts";
import type { Plan } from "./plan/plan.ts";
import { become } from "./privileges.ts";
import { standardError, standardOutput } from "./standard-stream.ts";
import { printStats } from "./accounting/stats-lines.ts";

/** Outputs that feed others may fill them again while these drain; rounds end when all are empty. */
const DRAIN_ROUNDS_MAX = 100;

const ROOT_WARNING =
  "mirrorball: running as root, which nothing needs once the capture is open; --drop-privileges USER gives it up";

export interface ReplayServerOptions {
  readonly log?: LogSink;
  readonly clock?: Clock;
  /**
   * Called when the journal's disk has failed in a way that only a new process gets over. This one should end at once, and by a
   * signal: a thread of lmdb may wait for ever, and the usual ways out wait for it. By default an error is thrown.
   */
  readonly dead?: (reason: string) => void;
  /** Where `--output-stdout` and reports go; this process's own by default. */
  readonly stdout?: ByteSink;
  /** Where a middleware's words go; this process's own by default. */
  readonly stderr?: LineSink;
}

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
  readonly #parts: Parts;
  readonly #log: LogSink;
  #page: Server | undefined;
  #stopStats: () => void = () => {};
  #stopped: Promise<Counters> | undefined;

  /** Throws one sentence when parts of the plan cannot go together or its journal cannot be opened. */
  constructor(
    plan: Plan,
    {
      log = () => {},
      clock = systemClock,
      dead = throwIt,
      stdout = standardOutput,
      stderr = standardError,
    }: ReplayServerOptions = {},
  ) {
    this.#plan = plan;
    this.#log = log;
    this.#parts = new Parts(plan, log, clock, dead, { stdout, stderr });
    const { inputs } = this.#parts;
    this.ended = Promise.all(inputs.map(({ input }) => endOf(input))).then(() => undefined);
  }

  /** Rejects with one sentence when something cannot start; what had started is closed again. */
  async start(): Promise<void> {
    try {
      await this.#dropPrivileges();
      if (this.#plan.run.httpPprof !== "") {
        this.#page = await serveCounters(this.#plan.run.httpPprof, () => this.counters());
      }
      for (const { name, output } of this.#parts.outputs) await named(name, output.start());
      if (this.#parts.relay !== undefined)
        await named(this.#parts.relay.name, this.#parts.relay.relay.start());
      this.#parts.journal?.start();
      // Before traffic comes, so that the first period is whole.
      if (this.#plan.run.stats) {
        this.#stopStats = printStats(this.#parts.queueStats, () => this.counters(), this.#log);
      }
      await this.#scan();
      for (const { name, input } of this.#parts.inputs) await named(name, input.start());
      const captures = this.#parts.inputs.some(({ input }) => input.open !== undefined);
      if (captures && process.geteuid?.() === 0) this.#log(ROOT_WARNING);
    } catch (error) {
      await this.#closeAll();
      throw error;
    }
  }

  /** Reads again what inputs and outputs have in files beside the plan; undefined when none has. Call it after `start`. */
  get reload(): (() => void) | undefined {
    const reloads = [
      ...this.#parts.inputs.flatMap(({ input }) => input.reload ?? []),
      ...this.#parts.outputs.flatMap(({ output }) => output.reload ?? []),
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
    for (const { output } of this.#parts.outputs) {
      const verdict = output.stats?.().verdict;
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }

  counters(): Counters {
    return takeCounters(this.#parts);
  }

  /** How far the inputs are that come to an end. */
  progress(): { readonly name: string; readonly progress: InputProgress }[] {
    return this.#parts.inputs.flatMap(({ name, input }) => {
      const progress = input.progress?.();
      return progress === undefined ? [] : [{ name, progress }];
    });
  }

  /** 0 for every output and the middleware when the conservation law holds; see `ledger.ts`. */
  discrepancies(): number[] {
    const parts = [
      ...this.#parts.outputs,
      ...(this.#parts.relay === undefined ? [] : [this.#parts.relay]),
    ];
    return parts.map(({ account }) => account.discrepancy);
  }

  /** Outputs that learn from a recording see all of it before anything is sent. */
  async #scan(): Promise<void> {
    const observers = this.#parts.outputs.flatMap(({ output }) => output.observer ?? []);
    if (!observers.some(({ scanned }) => scanned !== undefined)) return;
    for (const { name, input } of this.#parts.inputs) {
      const reading = input.scan?.((batch) => {
        for (const { scanned } of observers) scanned?.(batch);
      });
      if (reading !== undefined) await named(name, reading);
    }
    for (const observer of observers) observer.scanEnded?.();
  }

  /** Opens what needs privileges first, so that nothing else is opened, made or started with them. */
  async #dropPrivileges(): Promise<void> {
    const { identity, inputs } = this.#parts;
    if (identity === undefined) return;
    for (const { name, input } of inputs) await named(name, input.open?.() ?? Promise.resolve());
    become(identity);
  }

  async #stop(): Promise<Counters> {
    const deadline = new Promise<"late">((resolve) => {
      setTimeout(() => resolve("late"), this.#plan.run.drainTimeoutMs).unref();
    });
    await Promise.race([this.#drain(), deadline]);
    await this.#closeAll();
    return this.counters();
  }

  async #drain(): Promise<void> {
    await Promise.all(this.#parts.inputs.map(({ input }) => input.stop()));
    await this.#parts.journal?.drained();
    await this.#settle();
    if (this.#parts.relay === undefined) return;
    // Its peer may have kept something back until it was told that this is all.
    await this.#parts.relay.relay.end();
    await this.#settle();
  }

  /** Outputs may feed the relay and the relay the outputs, so both are asked until neither has anything. */
  async #settle(): Promise<void> {
    await this.#parts.relay?.relay.settled();
    for (let round = 0; round < DRAIN_ROUNDS_MAX && this.#unsettled > 0; round += 1) {
      await Promise.all([
        ...this.#parts.outputs.map(({ output }) => output.drain()),
        ...this.#parts.lanes.map(({ gate }) => gate?.drained()),
      ]);
      await this.#parts.relay?.relay.settled();
    }
  }

  get #unsettled(): number {
    let count = 0;
    for (const { account } of this.#parts.outputs) count += account.queued + account.outstanding;
    return count;
  }

  async #closeAll(): Promise<void> {
    this.#stopStats();
    this.#page?.closeAllConnections();
    this.#page?.close();
    // What waits for room goes on when there is none any more; that must not be the journal.
    this.#parts.journal?.halt();
    // An input that waits for room must be able to end.
    for (const { queue } of this.#parts.lanes) queue.close();
    await this.#parts.relay?.relay.close();
    await Promise.allSettled(this.#parts.inputs.map(({ input }) => input.stop()));
    await Promise.allSettled(this.#parts.outputs.map(({ output }) => output.close()));
    // What a journal holds is not lost: the next run goes on with it.
    for (const { account, journal } of this.#parts.lanes) {
      if (journal === undefined) account.abandon("shutdown");
    }
    this.#parts.relay?.account.abandon("shutdown", this.#parts.hold?.count ?? 0);
    await this.#parts.journal?.close();
  }
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
