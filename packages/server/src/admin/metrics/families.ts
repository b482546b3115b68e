/**
 * What a run's counters are called as metrics. In: a snapshot, and what its parts know beside it. Out: families for `core/metrics/exposition.ts`.
 *
 * The names of one output's messages stand so that the conservation law is one expression, whatever reasons there are yet; the guide has it. Labels are
 * words of ours and names that the plan gave: never a path, an id or a host from the traffic, so that there are not more than the plan has parts.
 */
import type { Histogram } from "../../core/histogram.ts";
import type { Family, HistogramSample, Labels, Sample } from "../../core/metrics/exposition.ts";
import type {
  Counters,
  InputCounters,
  OutputCounters,
  RelayCounters,
} from "../../engine/accounting/counters.ts";

/** OpenTelemetry's bounds of HTTP durations, in seconds. */
const DURATION_BOUNDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
const MS = 1000;

type Reasons = Readonly<Record<string, number>>;
type Named<T> = readonly { readonly label: string; readonly of: T }[];

export interface OutputBeside {
  /** How long its exchanges took. */
  readonly latency: Histogram | undefined;
  /** Why it can deliver nothing now; absent on outputs that cannot tell. */
  readonly trouble?: (() => string | undefined) | undefined;
}

/** What parts of a run know beside the counters, in the counters' order. */
export interface Beside {
  readonly outputs: readonly OutputBeside[];
  /** How late an input is on the schedule of its recording. */
  readonly lags: readonly { readonly name: string; readonly behindMs: number | undefined }[];
}

export function countersFamilies(counters: Counters, beside: Beside): Family[] {
  const outputs = distinct(counters.outputs);
  return [
    ...messageFamilies(outputs),
    ...replayFamilies(outputs, beside.outputs),
    ...inputFamilies(distinct(counters.inputs)),
    ...lagFamilies(distinct(beside.lags)),
    ...(counters.middleware === undefined ? [] : relayFamilies(counters.middleware)),
    ...comparisonFamilies(counters),
    ...journalFamilies(counters),
  ];
}

/** The terms of the law. */
function messageFamilies(outputs: Named<OutputCounters>): Family[] {
  const name = (fate: string): string => `mirrorball_messages_${fate}`;
  const one = (value: (of: OutputCounters) => number): Sample[] => each("output", outputs, value);
  const by = (reasons: (of: OutputCounters) => Reasons): Sample[] =>
    byReason("output", outputs, reasons);
  return [
    counter(name("received"), "Messages that an output was offered.", one((o) => o.received)),
    counter(name("delivered"), "Messages that went where they should.", one((o) => o.delivered)),
    counter(name("filtered"), "Messages that were not meant for the output.", by((o) => o.filtered)),
    counter(name("limited"), "Messages that a limit left out.", by((o) => o.limited)),
    counter(name("failed"), "Messages that were tried and lost.", by((o) => o.failed)),
    counter(name("dropped"), "Messages that were lost without a try.", by((o) => o.dropped)),
    gauge(name("queued"), "Messages that wait in an output's queue.", one((o) => o.queued)),
    gauge(name("outstanding"), "Messages that an output took and has not settled.", one((o) => o.inFlight)),
  ]; // prettier-ignore
}

function replayFamilies(outputs: Named<OutputCounters>, beside: Beside["outputs"]): Family[] {
  const durations: HistogramSample[] = outputs.flatMap(({ label }, i) => {
    const latency = beside[i]?.latency;
    if (latency === undefined) return [];
    const cumulative = latency.within(DURATION_BOUNDS.map((bound) => bound * MS));
    const { count, sumMs } = latency;
    return [{ labels: { output: label }, bounds: DURATION_BOUNDS, cumulative, count, sum: sumMs / MS }];
  }); // prettier-ignore
  const up = outputs.flatMap(({ label }, i) => {
    const trouble = beside[i]?.trouble;
    if (trouble === undefined) return [];
    return [{ labels: { output: label }, value: trouble() === undefined ? 1 : 0 }];
  });
  const responses = outputs.flatMap(({ label, of }) =>
    Object.entries(of.stats.statuses ?? {}).map(([codeClass, value]) => ({
      labels: { output: label, code_class: codeClass },
      value,
    })),
  );
  return [
    {
      type: "histogram",
      name: "mirrorball_replay_duration_seconds",
      help: "How long replayed requests took until their answer was whole.",
      samples: durations,
    },
    gauge(
      "mirrorball_output_up",
      "0 when the output's last try failed, or its connection is gone.",
      up,
    ),
    counter("mirrorball_replay_responses", "Answers by the class of their status.", responses),
  ];
}

function inputFamilies(inputs: Named<InputCounters>): Family[] {
  const name = (fate: string): string => `mirrorball_input_${fate}`;
  const one = (value: (of: InputCounters) => number): Sample[] => each("input", inputs, value);
  const by = (reasons: (of: InputCounters) => Reasons): Sample[] =>
    byReason("input", inputs, reasons);
  return [
    counter(name("messages"), "Messages that an input handed on.", one((i) => i.emitted)),
    counter(name("journalled_records"), "Records that an input gave to the journal.", one((i) => i.journalled)),
    counter(name("limited"), "Messages that the input's own limit left out.", one((i) => i.limited)),
    counter(name("dropped"), "Messages that an input lost.", by((i) => i.dropped)),
    counter(name("refused"), "Connections that were closed because of what they sent.", by((i) => i.refused)),
    counter(name("missing"), "What was not read or never seen, each in a unit of its own.", by((i) => i.stats.missing ?? {})),
  ]; // prettier-ignore
}

function lagFamilies(lags: Named<Beside["lags"][number]>): Family[] {
  const samples = lags.flatMap(({ label, of: { behindMs } }) =>
    behindMs === undefined ? [] : [{ labels: { input: label }, value: behindMs / MS }],
  );
  const help = "How late the last message was on the schedule of its recording.";
  return [gauge("mirrorball_pacer_lag_seconds", help, samples)];
}

/** taken = returned + withheld + lost + inside. */
function relayFamilies(relay: RelayCounters): Family[] {
  const name = (fate: string): string => `mirrorball_middleware_${fate}`;
  const by = (reasons: Reasons): Sample[] =>
    byReason(undefined, [{ label: "", of: reasons }], (of) => of);
  return [
    counter(name("taken"), "Messages that the middleware was given.", single(relay.taken)),
    counter(name("returned"), "Messages that it gave back.", single(relay.returned)),
    counter(name("added"), "Messages that it gave beside those.", single(relay.added)),
    counter(name("withheld"), "Messages that it chose not to give back.", by(relay.withheld)),
    counter(name("lost"), "Messages that were lost in it.", by(relay.lost)),
    counter(name("refused"), "What it said and could not be understood.", by(relay.refused)),
    counter(name("events"), "What happened to it, such as a restart.", by(relay.events)),
    gauge(name("inside"), "Messages that are inside it.", single(relay.inside)),
    gauge(name("running"), "1 while it runs as it should.", single(relay.state === "running" ? 1 : 0)),
  ]; // prettier-ignore
}

function comparisonFamilies({ comparison }: Counters): Family[] {
  const name = (what: string): string => `mirrorball_statuses_${what}`;
  const { compared, mismatched, unpaired } = comparison;
  return [
    counter(name("compared"), "Answers whose status was compared with the recorded one.", single(compared)),
    counter(name("mismatched"), "Answers whose status was another one.", single(mismatched)),
    counter(name("unpaired"), "Answers whose other half did not come in time.", single(unpaired)),
  ]; // prettier-ignore
}

function journalFamilies({ journal, middleware, outputs }: Counters): Family[] {
  if (journal === undefined) return [];
  const name = (what: string): string => `mirrorball_journal_${what}`;
  const is = (state: typeof journal.state): Sample[] => single(journal.state === state ? 1 : 0);
  let unsettled = middleware?.inside ?? 0;
  for (const { queued, inFlight } of outputs) unsettled += queued + inFlight;
  return [
    gauge(name("degraded"), "1 while the journal's disk takes nothing.", is("degraded")),
    gauge(name("full"), "1 while the journal is at its limit.", is("full")),
    gauge(name("size_bytes"), "Bytes that the journal holds.", single(journal.bytes)),
    gauge(name("entries"), "Frames that the journal holds.", single(journal.entries)),
    gauge(name("unsettled"), "Messages that were read from the journal and are not settled.", single(unsettled)),
    gauge(name("unwritten"), "Messages that are settled, which is not on disk yet.", single(journal.unwritten)),
    gauge(name("uncertain"), "Messages that a crash left open: they may have been sent, and are not sent again.", single(journal.uncertain)),
    counter(name("writes"), "Groups of frames that were written.", single(journal.writes)),
    counter(name("failed_writes"), "Groups that the disk did not take.", single(journal.failedWrites)),
    counter(name("duplicate_frames"), "Frames that came again although they were here.", single(journal.duplicateFrames)),
  ]; // prettier-ignore
}

/** Two parts of one name are two series: the second one is `NAME #2`. */
function distinct<T extends { readonly name: string }>(parts: readonly T[]): Named<T> {
  const seen = new Map<string, number>();
  return parts.map((of) => {
    const number = (seen.get(of.name) ?? 0) + 1;
    seen.set(of.name, number);
    return { label: number === 1 ? of.name : `${of.name} #${number}`, of };
  });
}

function each<T>(key: string, parts: Named<T>, value: (of: T) => number): Sample[] {
  return parts.map(({ label, of }) => ({ labels: { [key]: label }, value: value(of) }));
}

function byReason<T>(
  key: string | undefined,
  parts: Named<T>,
  reasons: (of: T) => Reasons,
): Sample[] {
  return parts.flatMap(({ label, of }) => {
    const whose: Labels = key === undefined ? {} : { [key]: label };
    return Object.entries(reasons(of)).map(([reason, value]) => ({
      labels: { ...whose, reason },
      value,
    }));
  });
}

function single(value: number): Sample[] {
  return [{ labels: {}, value }];
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { type: "counter", name, help, samples };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { type: "gauge", name, help, samples };
}
