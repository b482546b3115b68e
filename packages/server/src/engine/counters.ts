/** A snapshot of all counters as plain data, for the counters page, the summary and tests. */
import type { Input, InputStats, Output, OutputStats } from "../component/types.ts";
import type { StatusComparer, StatusMismatch } from "./compare.ts";
import type { InputAccount, OutputAccount } from "./ledger.ts";

export interface InputCounters {
  readonly name: string;
  readonly emitted: number;
  readonly limited: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, number>>;
  readonly stats: InputStats;
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

export interface Counters {
  readonly inputs: readonly InputCounters[];
  readonly outputs: readonly OutputCounters[];
  readonly comparison: {
    readonly compared: number;
    readonly mismatched: number;
    readonly unpaired: number;
    readonly examples: readonly StatusMismatch[];
  };
  readonly memoryBytes: { readonly rss: number; readonly heapUsed: number };
  /** Messages that were lost on the way, for any reason, by all inputs and outputs. */
  readonly lost: number;
}

export interface RunningInput {
  readonly name: string;
  readonly input: Input;
  readonly account: InputAccount;
}

export interface RunningOutput {
  readonly name: string;
  readonly output: Output;
  readonly account: OutputAccount;
}

const NO_STATS: InputStats = { figures: {}, lines: [] };

export function takeCounters(
  inputs: readonly RunningInput[],
  outputs: readonly RunningOutput[],
  comparer: StatusComparer | undefined,
): Counters {
  const { rss, heapUsed } = process.memoryUsage();
  let lost = 0;
  for (const { account } of [...inputs, ...outputs]) lost += account.lost;
  return {
    inputs: inputs.map(({ name, account, input }) => ({
      name,
      emitted: account.emitted,
      limited: account.limited,
      dropped: Object.fromEntries(account.droppedBy),
      refused: Object.fromEntries(account.refusedBy),
      stats: input.stats?.() ?? NO_STATS,
    })),
    outputs: outputs.map(({ name, account, output }) => ({
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
    })),
    comparison: {
      compared: comparer?.compared ?? 0,
      mismatched: comparer?.mismatched ?? 0,
      unpaired: comparer?.unpaired ?? 0,
      examples: comparer?.examples.slice() ?? [],
    },
    memoryBytes: { rss, heapUsed },
    lost,
  };
}
