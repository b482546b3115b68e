// What counters are called: the whole text of a small run, and the terms of the law.
import { describe, expect, it } from "vitest";
import { exposition } from "../../core/metrics/exposition.ts";
import { Histogram } from "../../core/histogram.ts";
import type { Counters, OutputCounters } from "../../engine/accounting/counters.ts";
import { countersFamilies } from "./families.ts";

const output: OutputCounters = {
  name: "output-null",
  received: 10,
  delivered: 4,
  filtered: { "not-chosen": 1 },
  limited: {},
  failed: { refused: 2 },
  dropped: { "queue-full": 1 },
  queued: 1,
  inFlight: 1,
  stats: {},
};
const counters: Counters = {
  inputs: [
    {
      name: "input-tcp :1",
      emitted: 10,
      journalled: 0,
      limited: 0,
      dropped: {},
      refused: { "bad-frame": 1 },
      stats: { figures: {}, lines: [], missing: { "packets dropped by the kernel": 2 } },
    },
  ],
  stages: [],
  outputs: [output, { ...output, stats: { statuses: { "2xx": 3, "5xx": 1 } } }],
  comparison: { compared: 0, mismatched: 0, unpaired: 0, examples: [] },
  journal: undefined,
  memoryBytes: { rss: 0, heapUsed: 0 },
  lost: 3,
};
const latency = new Histogram();
latency.record(1);
latency.record(60);
latency.record(20_000);

function textOf(more: Partial<Counters> = {}): string {
  const families = countersFamilies(
    { ...counters, ...more },
    {
      outputs: [
        { latency: undefined },
        { latency, trouble: () => "connection refused" },
      ],
      lags: [
        { name: "input-file a", behindMs: 1500 },
        { name: "input-file b", behindMs: undefined },
      ],
    },
  ); // prettier-ignore
  return exposition(families, "prometheus");
}
/** Without the words about them. */
const samplesOf = (text: string): string[] =>
  text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

describe("the counters of a run", () => {
  it("have these names, and two outputs of one name are told apart", () => {
    const law = samplesOf(textOf()).filter((line) => line.startsWith("mirrorball_messages_"));
    expect(law).toEqual([
      'mirrorball_messages_received_total{output="output-null"} 10',
      'mirrorball_messages_received_total{output="output-null #2"} 10',
      'mirrorball_messages_delivered_total{output="output-null"} 4',
      'mirrorball_messages_delivered_total{output="output-null #2"} 4',
      'mirrorball_messages_filtered_total{output="output-null",reason="not-chosen"} 1',
      'mirrorball_messages_filtered_total{output="output-null #2",reason="not-chosen"} 1',
      'mirrorball_messages_failed_total{output="output-null",reason="refused"} 2',
      'mirrorball_messages_failed_total{output="output-null #2",reason="refused"} 2',
      'mirrorball_messages_dropped_total{output="output-null",reason="queue-full"} 1',
      'mirrorball_messages_dropped_total{output="output-null #2",reason="queue-full"} 1',
      'mirrorball_messages_queued{output="output-null"} 1',
      'mirrorball_messages_queued{output="output-null #2"} 1',
      'mirrorball_messages_outstanding{output="output-null"} 1',
      'mirrorball_messages_outstanding{output="output-null #2"} 1',
    ]);
  });

  it("have what only some parts know, and nothing of those that do not", () => {
    const lines = samplesOf(textOf());
    for (const line of [
      'mirrorball_output_up{output="output-null #2"} 0',
      'mirrorball_replay_responses_total{output="output-null #2",code_class="5xx"} 1',
      'mirrorball_replay_duration_seconds_bucket{output="output-null #2",le="0.005"} 1',
      'mirrorball_replay_duration_seconds_bucket{output="output-null #2",le="0.075"} 2',
      'mirrorball_replay_duration_seconds_bucket{output="output-null #2",le="10.0"} 2',
      'mirrorball_replay_duration_seconds_bucket{output="output-null #2",le="+Inf"} 3',
      'mirrorball_replay_duration_seconds_sum{output="output-null #2"} 20.061',
      'mirrorball_input_missing_total{input="input-tcp :1",reason="packets dropped by the kernel"} 2',
      'mirrorball_input_refused_total{input="input-tcp :1",reason="bad-frame"} 1',
      'mirrorball_pacer_lag_seconds{input="input-file a"} 1.5',
    ]) {
      expect(lines).toContain(line);
    }
    const text = lines.join("\n");
    expect(text).not.toMatch(
      /output_up\{output="output-null"\}|input-file b|_journal_|_middleware_/,
    );
  });

  it("say what state the journal and the middleware are in", () => {
    const journal = {
      state: "degraded", bytes: 7, entries: 3, writes: 2, failedWrites: 1, unwritten: 4, duplicateFrames: 5, uncertain: 6,
    } as const; // prettier-ignore
    const middleware = {
      name: "middleware", state: "hanging", taken: 9, returned: 4, added: 1, withheld: { chosen: 1 }, lost: { died: 2 }, inside: 2, refused: {}, events: { restart: 1 },
    }; // prettier-ignore
    const lines = samplesOf(textOf({ journal, middleware }));
    for (const line of [
      "mirrorball_journal_degraded 1",
      "mirrorball_journal_full 0",
      "mirrorball_journal_size_bytes 7",
      "mirrorball_journal_unsettled 6",
      "mirrorball_journal_failed_writes_total 1",
      "mirrorball_middleware_taken_total 9",
      'mirrorball_middleware_withheld_total{reason="chosen"} 1',
      'mirrorball_middleware_lost_total{reason="died"} 2',
      'mirrorball_middleware_events_total{reason="restart"} 1',
      "mirrorball_middleware_inside 2",
      "mirrorball_middleware_running 0",
    ]) {
      expect(lines).toContain(line);
    }
  });
});
