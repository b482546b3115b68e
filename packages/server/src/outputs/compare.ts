/**
 * `--output-compare FILE`: compares what the target answers with what was recorded, or with a control, and writes a report.
 *
 * In: requests, original and replayed responses. Out: a report when the run ends. The work is done in a thread of its own; what that cannot
 * keep up with is dropped or held back, as `--output-compare-queue-full` says, and counted.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { defineOutput } from "../component/define.ts";
import type { OutputDeclaration } from "../component/define.ts";
import { text } from "../component/kinds.ts";
import { Refusal } from "../component/option.ts";
import type { OptionSpec } from "../component/option.ts";
import type { CorrelationFigures, Output, OutputContext, OutputStats } from "../component/types.ts";
import type { Report } from "../core/compare/report.ts";
import { applyPolicy } from "../core/compare/rules.ts";
import type { Policy } from "../core/compare/rules.ts";
import type { RunFacts } from "../core/compare/types.ts";
import { packBatch } from "../core/middleware/plugin-wire.ts";
import { KINDS_RULE, kindsOf, readPolicy } from "../files/compare-rules-file.ts";
import { readTemplates } from "../files/openapi.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./compare/port.ts";
import { REPORT_RULE, checkWritable, viewOf, writeReport } from "./compare/report-files.ts";
import { Waiters } from "../core/waiters.ts";

/** Messages a parcel, and parcels on their way: the thread is never idle, and little waits in it. */
const BATCH_MAX = 256;
const PARCELS_MAX = 4;
/** Longer delays of our own loop make times worthless. */
const LATE_MS = 25;

/** Node runs compiled files only; from its sources, as in tests, this file uses the built worker. */
const WORKER_URL: URL = import.meta.url.endsWith(".ts")
  ? new URL("../../dist/outputs/compare/worker.js", import.meta.url)
  : new URL("./compare/worker.js", import.meta.url);

const options: {
  control: OptionSpec<string>;
  probe: OptionSpec<number>;
  openapi: OptionSpec<string>;
  rules: OptionSpec<string>;
  tolerance: OptionSpec<number>;
  failOn: OptionSpec<string>;
} = {
  control: text({
    help: "Send every request to this known-good build, too, and compare with its answers: then chance and defect can be told apart, and a recording needs no responses.",
    example: "http://stable:8080",
    placeholder: "URL",
    default: "",
  }),
  probe: {
    ...percent("a share of safe requests"),
    help: "Ask the target a share of safe requests twice in a row, and the first ones of each route: what differs between the two answers varies by itself.",
    example: "10%",
    default: 0,
    defaultText: "",
  },
  openapi: text({
    help: "Name endpoints by the paths of this OpenAPI document, where the recording does not know the route.",
    example: "openapi.yaml",
    placeholder: "FILE",
    default: "",
  }),
  rules: text({
    help: "Decisions of people in YAML: ignore, tolerate, accept, each with owner, reason and expiry.",
    example: "compare-rules.yaml",
    placeholder: "FILE",
    default: "",
  }),
  tolerance: {
    ...percent("a share"),
    help: "Differences of at most this share of an endpoint's exchanges are shown and do not count, unless they are critical.",
    example: "0.1%",
    default: 0,
    defaultText: "",
  },
  failOn: {
    ...text({
      help: "Kinds of differences that count: status, value, format, type, missing, added, length, order, text, bytes, slower, leak. All by default.",
      example: "status,type,missing,leak",
      placeholder: "KINDS",
      default: "",
    }),
    parse: (raw) => (kindsOf(raw) === undefined ? new Refusal(KINDS_RULE) : raw),
  },
};

/** `10%` or `0.1`, as a share. */
function percent(what: string): Pick<OptionSpec<number>, "kind" | "placeholder" | "parse"> {
  const rule = new Refusal(`must be ${what} from 0% to 100%`);
  return {
    kind: "value",
    placeholder: "SHARE",
    parse: (raw) => {
      const match = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(raw);
      const share = Number(match?.[1]) / (match?.[2] === "%" ? 100 : 1);
      return share >= 0 && share <= 1 ? share : rule;
    },
  };
}

export const outputCompare: OutputDeclaration<typeof options> = defineOutput({
  name: "output-compare",
  firstPage: "report what the target answers differently",
  summary:
    "Compare the target's answers with the recorded ones and write a report when the run ends: FILE.html, .json, .xml (JUnit), .md, or - for the terminal; several with commas between.",
  argument: {
    placeholder: "FILES",
    example: "report.html,report.json",
    parse: (raw) =>
      filesOf(raw).every((file) => viewOf(file) !== undefined) ? raw : new Refusal(REPORT_RULE),
  },
  accepts: [MessageKind.request, MessageKind.response, MessageKind.replayed],
  wantsReplayed: true,
  takesAsides: true,
  wantsProbes: ({ probe }) => probe,
  companion: ({ control }) =>
    control === "" ? undefined : { output: "output-http", argument: control },
  options,
  create: (context, argument, values) => {
    // The thread reads it again; what is wrong with it is to be said before anything starts.
    if (values.openapi !== "") readTemplates(values.openapi);
    const policy = readPolicy(values.rules, values.failOn, values.tolerance);
    return new CompareOutput(context, filesOf(argument), policy, {
      control: values.control !== "",
      hosts: [],
      openapi: values.openapi === "" ? undefined : values.openapi,
    });
  },
});

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
  #onReport: (report: Report) => void = () => {};
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
    const hosts = this.#context.others().flatMap(({ name }) => hostOf(name));
    const workerData: WorkerSettings = { ...this.#settings, hosts };
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
      const made = new Promise<Report>((resolve) => (this.#onReport = resolve));
      this.#post(worker, { type: "report", facts: this.#facts(), last: true });
      const report = applyPolicy(await made, this.#policy, this.#context.clock.nowUs() / 1000);
      this.#report = report;
      await this.#write(report);
    }
    await worker.terminate();
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
    if (message.type === "report") return this.#onReport(message.report);
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

function filesOf(argument: string): string[] {
  return argument.split(",").filter((file) => file !== "");
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
