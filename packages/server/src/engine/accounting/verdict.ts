/**
 * Whether a run may say that nothing was lost: the only place that decides it, for the last line of the summary and for the
 * exit code. In: counters. Out: one of three states and a line for people.
 *
 * Messages are lost when the ledger says so. Beside that an input can know that it was not shown everything (bytes that were
 * not captured, packets that nobody could read): how many messages that were cannot be told, and the line says what is missing.
 */
import type { Counters, OutputCounters } from "./counters.ts";

export interface Verdict {
  /** `lost`: messages, by count. `incomplete`: no message that is known of, but not all was read or seen. */
  readonly state: "whole" | "incomplete" | "lost";
  readonly text: string;
}

type Reasons = Readonly<Record<string, number>>;

export function verdictOf(counters: Counters): Verdict {
  const missing = listOf(missingOf(counters));
  const { lost } = counters;
  if (lost > 0) {
    const beside = missing === "" ? "" : `; beside that ${missing}`;
    return { state: "lost", text: `lost ${lost}: ${listOf(lostBy(counters))}${beside}` };
  }
  return missing === ""
    ? { state: "whole", text: "nothing was lost" }
    : { state: "incomplete", text: `not everything was there: ${missing}` };
}

function lostBy({ inputs, middleware, outputs }: Counters): Map<string, number> {
  return summed([
    ...inputs.map(({ dropped }) => dropped),
    middleware?.lost ?? {},
    ...outputs.flatMap(({ failed, dropped }) => [failed, dropped]),
  ]);
}

function missingOf({ inputs, middleware, outputs }: Counters): Map<string, number> {
  const open = outputs.map(discrepancyOf);
  if (middleware !== undefined) {
    const { taken, returned, withheld, lost, inside } = middleware;
    open.push(Math.abs(taken - returned - total(withheld) - total(lost) - inside));
  }
  return summed([
    ...inputs.map(({ stats }) => stats.missing ?? {}),
    ...open.map((messages) => ({ "messages that the books lack": messages })),
  ]);
}

/** 0 where the conservation law holds. */
function discrepancyOf(output: OutputCounters): number {
  const { received, delivered, filtered, limited, failed, dropped, queued, inFlight } = output;
  const settled = [filtered, limited, failed, dropped].reduce((sum, by) => sum + total(by), 0);
  return Math.abs(received - delivered - settled - queued - inFlight);
}

function summed(parts: readonly Reasons[]): Map<string, number> {
  const all = new Map<string, number>();
  for (const part of parts) {
    for (const [reason, count] of Object.entries(part)) {
      if (count !== 0) all.set(reason, (all.get(reason) ?? 0) + count);
    }
  }
  return all;
}

function total(reasons: Reasons): number {
  return Object.values(reasons).reduce((sum, count) => sum + count, 0);
}

function listOf(reasons: ReadonlyMap<string, number>): string {
  return [...reasons].map(([reason, count]) => `${reason} ${count}`).join(", ");
}
