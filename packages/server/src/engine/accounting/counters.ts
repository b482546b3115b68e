/** A snapshot of all counters as plain data, for the counters page, the summary and tests. */
import type { Input, InputStats, Output, OutputStats, Stage } from "../../component/types.ts";
import type { Relay } from "../../component/relay.ts";
import type { StatusComparer, StatusMismatch } from "./status-comparer.ts";
import type { JournalCounters } from "../../journal/counters.ts";
import type { Journal } from "../../journal/journal.ts";
import type { InputAccount, OutputAccount, RelayAccount } from "./ledger.ts";

export interface InputCounters {
  readonly name: string;
  readonly emitted: number;
  readonly journalled: number;
  readonly limited: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, number>>;
  readonly stats: InputStats;
}

/** taken = returned + withheld + lost + inside; `added` comes on top. */
export interface RelayCounters {
  readonly name: string;
  readonly state: string;
  readonly taken: number;
  readonly returned: number;
  readonly added: number;
  readonly withheld: Readonly<Record<string, number>>;
  readonly lost: Readonly<Record<string, number>>;
  readonly inside: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly events: Readonly<Record<string, number>>;
}

export interface OutputCounters {
  readonly name: string;
  readonly received: number;
  readonly delivered: number;
  readonly filtered: Readonly<Record<string, number>>;
  readonly limited: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
  readonly dropped: Readonly<Record<string, number>>;
  readonly queued: number;
  /** Taken by the output and not settled. */
  readonly inFlight: number;
  readonly stats: OutputStats;
}

/** What a stage counted beside the messages it removed. */
export interface StageCounters {
  readonly name: string;
  readonly counts: Readonly<Record<string, number>>;
}

export interface Counters {
  readonly inputs: readonly InputCounters[];
  /** Absent in runs without middleware. */
  readonly middleware?: RelayCounters;
  readonly stages: readonly StageCounters[];
  readonly outputs: readonly OutputCounters[];
  readonly comparison: {
    readonly compared: number;
    readonly mismatched: number;
    readonly unpaired: number;
    readonly examples: readonly StatusMismatch[];
  };
  /** Undefined without `--journal`. */
  readonly journal: JournalCounters | undefined;
  readonly memoryBytes: { readonly rss: number; readonly heapUsed: number };
  /** Messages that were lost on the way, for any reason, by all inputs, the middleware and all outputs. */
  readonly lost: number;
}

export interface RunningInput {
  readonly name: string;
  readonly input: Input;
  readonly account: InputAccount;
}

/** It hands messages on as an input does, and is counted as one. */
export interface RunningJournal {
  readonly name: string;
  readonly journal: Journal;
  readonly account: InputAccount;
}

export interface RunningRelay {
  readonly name: string;
  readonly relay: Relay;
  readonly account: RelayAccount;
}

export interface RunningStage {
  readonly name: string;
  readonly stage: Stage;
}

export interface RunningOutput {
  readonly name: string;
  readonly output: Output;
  readonly account: OutputAccount;
}

const NO_STATS: InputStats = { figures: {}, lines: [] };

/** What a server runs, as far as it counts. */
export interface Running {
  readonly inputs: readonly RunningInput[];
  readonly relay: RunningRelay | undefined;
  readonly stages: readonly RunningStage[];
  readonly outputs: readonly RunningOutput[];
  readonly comparer: StatusComparer | undefined;
  readonly journal: RunningJournal | undefined;
}

export function takeCounters(running: Running): Counters {
  const { inputs, relay, stages, outputs, comparer, journal } = running;
  const { rss, heapUsed } = process.memoryUsage();
  let lost = relay?.account.lostCount ?? 0;
  const sources = [...(journal === undefined ? [] : [{ ...journal, input: undefined }]), ...inputs];
  for (const { account } of [...sources, ...outputs]) lost += account.lost;
  return {
    inputs: sources.map(({ name, account, input }) => ({
      name,
      emitted: account.emitted,
      journalled: account.journalled,
      limited: account.limited,
      dropped: Object.fromEntries(account.droppedBy),
      refused: Object.fromEntries(account.refusedBy),
      stats: input?.stats?.() ?? NO_STATS,
    })),
    ...(relay === undefined ? {} : { middleware: relayCounters(relay) }),
    stages: stages.flatMap(({ name, stage }) => {
      const counts = stage.counts?.();
      return counts === undefined ? [] : [{ name, counts }];
    }),
    outputs: outputs.map(outputCounters),
    comparison: {
      compared: comparer?.compared ?? 0,
      mismatched: comparer?.mismatched ?? 0,
      unpaired: comparer?.unpaired ?? 0,
      examples: comparer?.examples.slice() ?? [],
    },
    journal: journal?.journal.counters(),
    memoryBytes: { rss, heapUsed },
    lost,
  };
}

function outputCounters({ name, account, output }: RunningOutput): OutputCounters {
  return {
    name,
    received: account.received,
    delivered: account.deliveredCount,
    filtered: Object.fromEntries(account.filteredBy),
    limited: Object.fromEntries(account.limitedBy),
    failed: Object.fromEntries(account.failedBy),
    dropped: Object.fromEntries(account.droppedBy),
    queued: account.queued,
    inFlight: account.outstanding,
    stats: output.stats?.() ?? {},
  };
}

function relayCounters({ name, relay, account }: RunningRelay): RelayCounters {
  return {
    name,
    state: relay.state,
    taken: account.taken,
    returned: account.returnedCount,
    added: account.addedCount,
    withheld: Object.fromEntries(account.withheldBy),
    lost: Object.fromEntries(account.lostBy),
    inside: account.inside,
    refused: Object.fromEntries(account.refusedBy),
    events: Object.fromEntries(account.events),
  };
}
