/** The summary at the end of a run, and the one-line form of `--stats`. In: counters. Out: text. */
import type { CorrelationFigures } from "../../component/types.ts";
import type {
  Counters,
  InputCounters,
  OutputCounters,
  RelayCounters,
  StageCounters,
} from "./counters.ts";
import { verdictOf } from "./verdict.ts";

type Reasons = Readonly<Record<string, number>>;

/** Several lines; the last says whether anything was lost. */
export function summaryText(counters: Counters): string {
  const { inputs, middleware, stages, outputs } = counters;
  const lines = inputs.flatMap(inputLines);
  if (middleware !== undefined) lines.push(relayLine(middleware));
  lines.push(...stages.flatMap(stageLine), ...outputs.flatMap(outputLines));
  const { compared, mismatched } = counters.comparison;
  if (compared > 0) lines.push(`statuses: ${compared} compared, ${mismatched} different`);
  if (counters.journal !== undefined) lines.push(journalLine(counters));
  lines.push(verdictOf(counters).text);
  return `${lines.join("\n")}\n`;
}

function inputLines({
  name,
  emitted,
  journalled,
  limited,
  dropped,
  refused,
  stats,
}: InputCounters): string[] {
  const beyond = limited === 0 ? "" : `, ${limited} limited`;
  // With a journal an input stores, and the journal emits.
  const count = journalled === 0 ? `${emitted} received` : `${journalled} records journalled`;
  return [
    `${name}: ${count}${beyond}${reasons("dropped", dropped)}${reasons("connections refused", refused)}`,
    ...stats.lines.map((line) => `  ${line}`),
  ];
}

function relayLine(counters: RelayCounters): string {
  const { name, taken, returned, added, withheld, lost, refused, events } = counters;
  const more = added === 0 ? "" : `, ${added} added`;
  const fates = [
    reasons("withheld", withheld),
    reasons("lost", lost),
    reasons("answers refused", refused),
    reasons("events", events),
  ].join("");
  return `${name}: ${taken} taken, ${returned} returned${more}${fates}`;
}

function stageLine({ name, counts }: StageCounters): string[] {
  const entries = Object.entries(counts);
  return entries.length === 0 ? [] : [`${name}: ${list(entries)}`];
}

function outputLines(output: OutputCounters): string[] {
  const { name, received, delivered, filtered, limited, failed, dropped, stats } = output;
  const fates = [
    reasons("filtered", filtered),
    reasons("limited", limited),
    reasons("failed", failed),
    reasons("dropped", dropped),
  ].join("");
  const lines = [`${name}: ${received} received, ${delivered} delivered${fates}`];
  const { latencyMs, statuses } = stats;
  if (latencyMs !== undefined && delivered > 0) {
    const { p50, p90, p99, max } = latencyMs;
    lines.push(
      `  latency ms: p50 ${round(p50)}, p90 ${round(p90)}, p99 ${round(p99)}, max ${round(max)}`,
    );
  }
  const classes = Object.entries(statuses ?? {}).filter(([, count]) => count > 0);
  if (classes.length > 0) {
    lines.push(`  answers: ${classes.map(([name, count]) => `${count} ${name}`).join(", ")}`);
  }
  if (stats.correlation !== undefined) lines.push(`  ${correlationLine(stats.correlation)}`);
  for (const note of stats.notes ?? []) lines.push(`  ${note}`);
  return lines;
}

function correlationLine(figures: CorrelationFigures): string {
  const { learned, used, waited, missed, resigned = 0, times = 0 } = figures;
  const values = `tokens and ids: ${learned} learned, ${used} used`;
  const more = [
    resigned > 0 ? `, ${resigned} JWTs signed anew` : "",
    times > 0 ? `, ${times} times moved` : "",
  ];
  return `${values}, ${waited} requests waited${more.join("")}${reasons("missed", missed)}`;
}

function journalLine({ journal, middleware, outputs }: Counters): string {
  let kept = middleware?.inside ?? 0;
  for (const { queued, inFlight } of outputs) kept += queued + inFlight;
  const rest = kept === 0 ? "nothing is left in it" : `${kept} unsettled messages are kept in it`;
  const open = journal?.uncertain ?? 0;
  const uncertain = open === 0 ? "" : `; ${open} ever uncertain after a crash, not sent again`;
  return `journal: ${rest}${uncertain}; ${journal?.writes ?? 0} writes, ${journal?.failedWrites ?? 0} failed`;
}

function reasons(fate: string, counts: Reasons): string {
  const entries = Object.entries(counts);
  if (entries.length === 0) return "";
  let total = 0;
  for (const [, count] of entries) total += count;
  return `, ${total} ${fate} (${list(entries)})`;
}

function list(entries: readonly (readonly [string, number])[]): string {
  return entries.map(([reason, count]) => `${reason} ${count}`).join(", ");
}

function round(ms: number): string {
  return ms < 10 ? ms.toFixed(2) : ms.toFixed(0);
}

/** One line: what happened since `before`, `seconds` ago. */
export function statsLine(before: Counters, now: Counters, seconds: number): string {
  const inputs = now.inputs.map(({ name, emitted, stats }, i) => {
    const rate = (emitted - (before.inputs[i]?.emitted ?? 0)) / seconds;
    return [`${name} ${rate.toFixed(0)}/s`, ...stats.lines].join(", ");
  });
  const outputs = now.outputs.map(({ name, delivered, queued, inFlight }, i) => {
    const rate = (delivered - (before.outputs[i]?.delivered ?? 0)) / seconds;
    return `${name} ${rate.toFixed(0)}/s, ${queued} queued, ${inFlight} in flight`;
  });
  const relay = relayRate(before.middleware, now.middleware, seconds);
  return `stats: ${[...inputs, ...relay, ...outputs].join("; ")}; lost ${now.lost}`;
}

function relayRate(
  before: RelayCounters | undefined,
  now: RelayCounters | undefined,
  seconds: number,
): string[] {
  if (now === undefined) return [];
  const rate = (now.returned - (before?.returned ?? 0)) / seconds;
  return [`${now.name} ${rate.toFixed(0)}/s, ${now.inside} inside, ${now.state}`];
}
