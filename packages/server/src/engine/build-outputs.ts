/**
 * Builds the outputs of a plan: for each its account, its queue, its cursor of the journal and its branch of the fan-out.
 * In: the plan, the way back for replayed responses, the journal if there is one. Out: outputs that are not started.
 */
import { randomUUID } from "node:crypto";
import type { Message } from "@mirrorball/protocol";
import type { Clock, OutputContext } from "../component/types.ts";
import { PairedRelease } from "../core/order/paired.ts";
import type { PairedPlace } from "../core/order/paired.ts";
import { createLimiter } from "../core/limit/limiter.ts";
import type { Limit } from "../core/limit/limiter.ts";
import { QueueStats } from "../core/queue-stats.ts";
import type { Journal } from "../journal/journal.ts";
import type { OutputCursor } from "../journal/outputs/output-cursor.ts";
import { OutputAccount } from "./accounting/ledger.ts";
import { createLogger } from "./accounting/log.ts";
import type { RunningQueueStats } from "./accounting/stats-lines.ts";
import { IntentQueue } from "./flow/intent-queue.ts";
import { OutputBranch } from "./flow/output-branch.ts";
import { BoundedQueue } from "./flow/queue.ts";
import { nameOf } from "./plan/names.ts";
import type { LoadedOutput, LoadedPlan } from "./plan/load.ts";
import type { PlannedOutput } from "./plan/planned.ts";
import type { BuiltOutput, Surroundings, Way } from "./run.ts";

export function buildOutputs(
  plan: LoadedPlan,
  around: Surroundings,
  way: Way,
  journal: Journal | undefined,
): BuiltOutput[] {
  const outputs: BuiltOutput[] = [];
  const others: OutputContext["others"] = () =>
    outputs.map(({ name, output }) => ({ name, stats: output.stats?.() ?? {} }));
  const shared = {
    emit: way.reenter,
    loopGuard: !plan.run.noLoopGuard,
    replayedWanted: plan.outputs.some(({ declaration }) => declaration.wantsReplayed === true),
    others,
    recordings: recordingsOf(plan),
    stdout: around.streams.stdout,
    clock: around.clock,
  };
  const places = pairedPlaces(plan.outputs);
  for (const planned of plan.outputs) {
    const name = nameOf(planned.declaration.name, planned.argument);
    const same = outputs.filter((output) => output.name === name).length;
    // Names are keys in the journal: a second output of the same name must not share the first one's cursor.
    const cursorName = same === 0 ? name : `${name} #${same + 1}`;
    const atMostOnce = planned.declaration.atMostOnce?.(planned.options);
    const cursor = journal?.cursor(cursorName, atMostOnce ?? never);
    const isCompanion = planned.isCompanion === true;
    const probeShare = isCompanion ? 0 : Math.max(0, ...plan.outputs.map(probeShareOf));
    const log = createLogger(around.log, plan.run.verbose, name);
    const paired = places.get(planned);
    const context = { ...shared, name, probeShare, isControl: isCompanion, paired, log };
    const queueStats = plan.run.stats ? queueStatsOf(planned) : undefined;
    const joints = { queueStats, cursor, sendsAtMostOnce: atMostOnce !== undefined };
    outputs.push(buildOutput(planned, context, around.clock, joints));
  }
  return outputs;
}

function recordingsOf({ inputs }: LoadedPlan): string[] {
  return inputs.flatMap(({ declaration, argument }) =>
    declaration.readsRecordings === true ? [argument] : [],
  );
}

/** The control, and the target that is compared with it: the first output of its kind. */
function pairedPlaces(outputs: readonly PlannedOutput[]): Map<PlannedOutput, PairedPlace> {
  const places = new Map<PlannedOutput, PairedPlace>();
  const control = outputs.find(({ isCompanion }) => isCompanion === true);
  const target = outputs.find(
    ({ declaration, isCompanion }) =>
      isCompanion !== true && declaration.name === control?.declaration.name,
  );
  if (control === undefined || target === undefined) return places;
  const release = new PairedRelease(Math.random, queueMicrotask);
  places.set(target, { side: 0, release });
  places.set(control, { side: 1, release });
  return places;
}

interface Joints {
  readonly queueStats: RunningQueueStats | undefined;
  readonly cursor: OutputCursor | undefined;
  readonly sendsAtMostOnce: boolean;
}

function buildOutput(
  { declaration, create, argument, options, limit, queue: { queueLen, queueFull } }: LoadedOutput,
  context: Omit<OutputContext, "queue" | "ledger" | "stream">,
  clock: Clock,
  { queueStats, cursor, sendsAtMostOnce }: Joints,
): BuiltOutput {
  const account = new OutputAccount(
    cursor === undefined ? undefined : (batch) => cursor.settled(batch),
  );
  const queue = new BoundedQueue(account, queueLen, queueFull, queueStats?.stats);
  const intents =
    cursor === undefined || !sendsAtMostOnce ? undefined : new IntentQueue(queue, cursor);
  const stream = cursor === undefined ? undefined : () => cursor.stream();
  const output = create(
    { ...context, queue: intents ?? queue, ledger: account, stream },
    argument,
    options,
  );
  const branch = new OutputBranch({
    account,
    queue,
    accepts: new Set(declaration.accepts),
    takesAsides: declaration.takesAsides === true,
    limits: limitsOf(limit, clock),
    cursor,
    intents,
    observer: output.observer,
  });
  return { name: context.name, output, account, branch, queueStats };
}

/** True for a message that is within the limit; asking spends it. Undefined without one. */
export function limitsOf(
  limit: Limit | undefined,
  clock: Clock,
): ((message: Message) => boolean) | undefined {
  if (limit === undefined) return undefined;
  const limiter = createLimiter(limit, randomUUID());
  return (message) => limiter.admits(message, clock.monotonicMs());
}

function queueStatsOf({ declaration, queue }: PlannedOutput): RunningQueueStats | undefined {
  if (!queue.stats) return undefined;
  const periodMs = queue.statsPeriodMs;
  return { stats: new QueueStats(declaration.name.replaceAll("-", "_"), periodMs), periodMs };
}

function probeShareOf({ declaration, options }: PlannedOutput): number {
  return declaration.wantsProbes?.(options) ?? 0;
}

const never = (): boolean => false;
