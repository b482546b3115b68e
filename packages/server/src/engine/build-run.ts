/**
 * Builds what a plan names and joins it: inputs, relay, stages, outputs with their queues and accounts, journal, pipeline.
 * In: a plan. Out: a run, which is data that does not change. Nothing is started here but the journal, which is opened, so that its
 * errors come first. What is done with a run is `replay-server.ts`.
 */
import { MessageKind } from "@mirrorball/protocol";
import type { Stage } from "../component/types.ts";
import { InFlightEntries } from "../core/journal/in-flight-entries.ts";
import type { RunningRelay, RunningStage } from "./accounting/counters.ts";
import { RelayAccount } from "./accounting/ledger.ts";
import { createLogger } from "./accounting/log.ts";
import { StatusComparer } from "./accounting/status-comparer.ts";
import { buildInput, openJournal } from "./build-inputs.ts";
import { buildOutputs } from "./build-outputs.ts";
import { Pipeline } from "./flow/pipeline.ts";
import { Splitter } from "./flow/split.ts";
import { nameOf } from "./plan/names.ts";
import type { LoadedPlan } from "./plan/load.ts";
import { identityOf } from "./privileges.ts";
import type { BuiltOutput, Run, Surroundings, Way } from "./run.ts";

/** Throws one sentence when parts cannot go together or the journal cannot be opened. */
export function buildRun(plan: LoadedPlan, around: Surroundings): Run {
  const { run } = plan;
  const identity = run.dropPrivileges === "" ? undefined : identityOf(run.dropPrivileges);
  // Parts know the way on, and the pipeline knows the parts: what is called through here exists once traffic comes.
  const way: Way = {
    emit: (batch, entry) => pipeline.emit(batch, entry),
    reenter: (batch) => pipeline.reenter(batch),
    forward: (batch) => pipeline.forward(batch),
  };
  const entries = run.journal === "" ? undefined : new InFlightEntries();
  const nearLimit = (): boolean => journal?.journal.nearLimit === true;
  const relay = buildRelay(plan, around, way, entries, nearLimit);
  const inFlight = relay === undefined ? undefined : entries;
  const journal = openJournal(plan, around, way, identity, inFlight);
  const outputs = buildOutputs(plan, around, way, journal?.journal);
  checkReplayed(plan, outputs);
  const replaying = outputs.filter(({ output }) => output.emitsReplayed === true).length;
  const comparer = replaying > 0 ? new StatusComparer(replaying) : undefined;
  const stages = buildStages(plan, relay !== undefined);
  const pipeline = new Pipeline({
    entrance: relay === undefined ? undefined : { ...relay, stages: stagesOf(stages, true) },
    stages: stagesOf(stages, false),
    branches: outputs.map(({ branch }) => branch),
    comparer,
    splitter: splitterFor(plan, outputs),
    onError: (error) => {
      const reason = error instanceof Error ? error.message : String(error);
      around.log(`mirrorball: a stage failed: ${reason}`);
    },
    tap: around.tap,
  });
  const inputs = plan.inputs.map((planned) =>
    buildInput(planned, plan, around, way, journal?.journal, identity),
  );
  const queueStats = outputs.flatMap(({ queueStats: stats }) => stats ?? []);
  return { inputs, relay, inFlight, stages, outputs, comparer, journal, queueStats, identity };
}

function buildRelay(
  plan: LoadedPlan,
  { log, clock, streams }: Surroundings,
  way: Way,
  inFlight: InFlightEntries | undefined,
  nearLimit: () => boolean,
): RunningRelay | undefined {
  if (plan.relay === undefined) return undefined;
  const { declaration, create, options } = plan.relay;
  const { name } = declaration;
  const account = new RelayAccount(inFlight);
  const context = {
    name,
    ledger: account,
    emit: (batch: Parameters<Way["forward"]>[0]) => {
      const wait = way.forward(batch);
      inFlight?.passed();
      return wait;
    },
    durable: inFlight !== undefined,
    journalNearLimit: nearLimit,
    stderr: streams.stderr,
    clock,
    log: createLogger(log, plan.run.verbose, name),
  };
  return { name, relay: create(context, options), account };
}

interface BuiltStage extends RunningStage {
  /** It stands in front of the relay. */
  readonly isEarly: boolean;
}

function buildStages(plan: LoadedPlan, hasRelay: boolean): BuiltStage[] {
  return plan.stages.flatMap(({ declaration, options }) => {
    const stage = declaration.create(options);
    const isEarly = hasRelay && declaration.beforeRelay === true;
    return stage === undefined ? [] : [{ name: declaration.name, stage, isEarly }];
  });
}

function stagesOf(stages: readonly BuiltStage[], early: boolean): Stage[] {
  return stages.filter(({ isEarly }) => isEarly === early).map(({ stage }) => stage);
}

/** With a journal a message must go to the same output again after a crash. */
function splitterFor({ run }: LoadedPlan, outputs: readonly BuiltOutput[]): Splitter | undefined {
  if (!run.splitOutput) return undefined;
  const shares = outputs.map(({ branch }) => branch.accepts.has(MessageKind.request));
  return new Splitter(shares, run.journal !== "");
}

function checkReplayed(plan: LoadedPlan, outputs: readonly BuiltOutput[]): void {
  const wanting = plan.outputs.find(({ declaration }) => declaration.wantsReplayed === true);
  if (wanting === undefined || outputs.some(({ output }) => output.emitsReplayed === true)) return;
  const name = nameOf(wanting.declaration.name, wanting.argument);
  throw new Error(
    `${name}: it takes what was replayed, and nothing replays; add an --output-http URL`,
  );
}
