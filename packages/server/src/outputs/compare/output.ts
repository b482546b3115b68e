/** What `--output-compare` is when it runs: hands messages to its thread in parcels, and writes the report when that says it. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import type { Message } from "@mirrorball/protocol";
import type {
  CorrelationFigures,
  Output,
  OutputContext,
  OutputStats,
} from "../../component/types.ts";
import type { Report } from "../../core/compare/report/report.ts";
import { applyPolicy } from "../../core/compare/rules.ts";
import type { Policy } from "../../core/compare/rules.ts";
import type { RunFacts } from "../../core/compare/types.ts";
import { packBatch } from "../../core/middleware/plugin-wire.ts";
import { readPolicy } from "../../files/rules/compare-rules-file.ts";
import { readTemplates } from "../../files/rules/openapi.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./port.ts";
import { checkWritable, writeReport } from "./report-files.ts";
import { Waiters } from "../../core/waiters.ts";
import type { CompareOptions } from "../compare.ts";
import { filesOf } from "./report-names.ts";

export function create(context: OutputContext, argument: string, values: CompareOptions): Output {
  // The thread reads it again; what is wrong with it is to be said before anything starts.
  if (values.openapi !== "") readTemplates(values.openapi);
  const policy = readPolicy(values.rules, values.failOn, values.tolerance);
  return new CompareOutput(context, filesOf(argument), policy, {
    control: values.control !== "",
    hosts: [],
    openapi: values.openapi === "" ? undefined : values.openapi,
    replay: undefined,
  });
}

/** Messages a parcel, and parcels on their way: the thread is never idle, and little waits in it. */
const BATCH_MAX = 256;

const PARCELS_MAX = 4;

/** Longer delays of our own loop make times worthless. */
const LATE_MS = 25;

/** Node runs compiled files only; from its sources, as in tests, this file uses the built worker. */
const WORKER_URL: URL = import.meta.url.endsWith(".ts")
  ? new URL("../../../dist/outputs/compare/worker.js", import.meta.url)
  : new URL("./worker.js", import.meta.url);

class CompareOutput implements Output {
  readonly #context: OutputContext;
  readonly #files: readonly string[];
  readonly #policy: Policy;
  readonly #settings: WorkerSettings;
  readonly #delay = monitorEventLoopDelay({ resolution: 10 });
  /** Batches that the thread has and has not taken, in order. */
  readonly #under: Message[][] = [];
  #worker: Worker | undefined;
  #report: Report | undefined;
  /** Who asked for a report; the thread answers in this order. */
  readonly #asked: ((report: Report | undefined) => void)[] = [];
  readonly #quiet: Waiters = new Waiters();
  #fault: string | undefined;
  #isUnwritten = false;

  constructor(
    context: OutputContext,
    files: readonly string[],
    policy: Policy,
    settings: WorkerSettings,
  ) {
    this.#context = context;
    this.#files = files;
    this.#policy = policy;
    this.#settings = settings;
    context.queue.onReadable = () => this.#pump();
  }

  async start(): Promise<void> {
    for (const file of this.#files) checkWritable(file);
    this.#delay.enable();
    const names = this.#context.others().map(({ name }) => name);
    const hosts = names.flatMap(hostOf);
    const [target] = names.flatMap(targetOf);
    const { recordings } = this.#context;
    const replay = target === undefined ? undefined : { target, recordings };
    const workerData: WorkerSettings = { ...this.#settings, hosts, replay };
    const worker = new Worker(WORKER_URL, { workerData });
    this.#worker = worker;
    await new Promise<void>((ready, refused) => {
      worker.on("message", (message: FromWorker) => {
        if (message.type === "ready") ready();
        else this.#take(message);
      });
      worker.on("error", (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        refused(new Error(reason));
        this.#broke(reason);
      });
    });
    this.#pump();
  }

  async drain(): Promise<void> {
    if (this.#isQuiet) return;
    await this.#quiet.wait();
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#worker = undefined;
    this.#delay.disable();
    if (this.#fault === undefined) {
      const report = await this.#ask(worker, true);
      this.#report = report;
      if (report !== undefined) await this.#write(report);
    }
    await worker.terminate();
  }

  async report(): Promise<Report | undefined> {
    const worker = this.#worker;
    if (worker === undefined || this.#fault !== undefined) return this.#report;
    return this.#ask(worker, false);
  }

  /** `last`: nothing more will come. Undefined when the thread breaks before it has answered. */
  async #ask(worker: Worker, last: boolean): Promise<Report | undefined> {
    const made = new Promise<Report | undefined>((resolve) => this.#asked.push(resolve));
    this.#post(worker, { type: "report", facts: this.#facts(), last });
    const report = await made;
    if (report === undefined) return undefined;
    return applyPolicy(report, this.#policy, this.#context.clock.nowUs() / 1000);
  }

  stats(): OutputStats {
    const verdict = this.#report?.verdict;
    // A report that nobody can read must not look like a good one.
    const isUnread = this.#isUnwritten && verdict === "same";
    return { verdict: isUnread ? "inconclusive" : verdict };
  }

  async #write(report: Report): Promise<void> {
    for (const file of this.#files) {
      try {
        await writeReport(file, report, this.#context.stdout);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#isUnwritten = true;
        this.#context.log.warn(`the report could not be written: ${reason}`);
      }
    }
  }

  get #isQuiet(): boolean {
    return this.#context.queue.length === 0 && this.#under.length === 0;
  }

  #pump(): void {
    const worker = this.#worker;
    if (worker === undefined) return;
    while (this.#under.length < PARCELS_MAX) {
      const batch = this.#context.queue.takeBatch(BATCH_MAX);
      if (batch.length === 0) return;
      if (this.#fault !== undefined) {
        this.#context.ledger.failed("comparison-broke", batch);
        continue;
      }
      this.#under.push(batch);
      const parcel = packBatch(batch, 0);
      this.#post(worker, { type: "batch", parcel, late: this.#isLate() }, [
        parcel.figures.buffer,
        parcel.bytes.buffer,
      ]);
    }
  }

  #isLate(): boolean {
    const isLate = this.#delay.max / 1e6 > LATE_MS;
    this.#delay.reset();
    return isLate;
  }

  #take(message: FromWorker): void {
    if (message.type === "report") return this.#asked.shift()?.(message.report);
    if (message.type !== "taken") return;
    const batch = this.#under.shift();
    if (batch !== undefined) this.#context.ledger.delivered(batch);
    this.#pump();
    this.#wakeQuiet();
  }

  /** The thread is gone: what it had is lost to the comparison, and the replay goes on. */
  #broke(reason: string): void {
    this.#fault = reason;
    this.#context.log.warn(`the comparison broke: ${reason}`);
    for (const answer of this.#asked.splice(0)) answer(undefined);
    for (const batch of this.#under.splice(0))
      this.#context.ledger.failed("comparison-broke", batch);
    this.#pump();
    this.#wakeQuiet();
  }

  #wakeQuiet(): void {
    if (this.#isQuiet) this.#quiet.release();
  }

  #facts(): RunFacts {
    const figures = this.#context.others().flatMap(({ stats }) => stats.correlation ?? []);
    return { correlation: joined(figures), skipped: {} };
  }

  #post(worker: Worker, message: ToWorker, transfer: ArrayBuffer[] = []): void {
    worker.postMessage(message, transfer);
  }
}

/** The first target is the one that is compared. */
function targetOf(name: string): string[] {
  return name.startsWith("output-http ") ? [name.slice("output-http ".length)] : [];
}

/** Links of a service to itself hold the address at which it was asked. */
function hostOf(name: string): string[] {
  const found = /^output-http (?:https?:\/\/)?(?:[^/@]*@)?([^/?#]+)/.exec(name)?.[1];
  return found === undefined ? [] : [found];
}

function joined(all: readonly CorrelationFigures[]): CorrelationFigures {
  const missed: Record<string, number> = {};
  let [learned, used, waited] = [0, 0, 0];
  for (const each of all) {
    learned += each.learned;
    used += each.used;
    waited += each.waited;
    for (const [reason, count] of Object.entries(each.missed)) {
      missed[reason] = (missed[reason] ?? 0) + count;
    }
  }
  return { learned, used, waited, missed };
}
