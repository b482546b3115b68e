// Every way in which a run may not say that nothing was lost, one a row.
import { describe, expect, it } from "vitest";
import type { Counters, InputCounters, OutputCounters, RelayCounters } from "./counters.ts";
import { summaryText } from "./summary.ts";
import { verdictOf } from "./verdict.ts";

const input: InputCounters = {
  name: "input-raw :80",
  emitted: 9,
  journalled: 0,
  limited: 0,
  dropped: {},
  refused: {},
  stats: { figures: {}, lines: [] },
};
const output: OutputCounters = {
  name: "output-http",
  received: 9,
  delivered: 9,
  filtered: {},
  limited: {},
  failed: {},
  dropped: {},
  queued: 0,
  inFlight: 0,
  stats: {},
};
const relay: RelayCounters = {
  name: "middleware",
  state: "running",
  taken: 9,
  returned: 9,
  added: 0,
  withheld: {},
  lost: {},
  inside: 0,
  refused: {},
  events: {},
};

interface Parts {
  readonly input?: Partial<InputCounters>;
  readonly second?: Partial<InputCounters>;
  readonly output?: Partial<OutputCounters>;
  readonly relay?: Partial<RelayCounters>;
  readonly missing?: Readonly<Record<string, number>>;
}

function run(parts: Parts): Counters {
  const { missing } = parts;
  const stats = missing === undefined ? input.stats : { ...input.stats, missing };
  const inputs = [
    { ...input, stats, ...parts.input },
    { ...input, name: "input-tcp", ...parts.second },
  ];
  const outputs = [{ ...output, ...parts.output }];
  const middleware = { ...relay, ...parts.relay };
  const all = [
    ...inputs.map(({ dropped }) => dropped),
    ...outputs.flatMap(({ failed, dropped }) => [failed, dropped]),
    middleware.lost,
  ];
  return {
    inputs,
    middleware,
    stages: [],
    outputs,
    comparison: { compared: 0, mismatched: 0, unpaired: 0, examples: [] },
    journal: undefined,
    memoryBytes: { rss: 0, heapUsed: 0 },
    lost: all.reduce((sum, by) => sum + Object.values(by).reduce((a, b) => a + b, 0), 0),
  };
}

describe("the verdict of a run", () => {
  it.each<[string, Parts]>([
    ["all was delivered", {}],
    ["a rule left messages out", { output: { delivered: 7, filtered: { method: 2 } } }],
    ["a limit left messages out", { output: { delivered: 7, limited: { percent: 2 } } }],
    ["an input's own limit did", { input: { limited: 5 } }],
    ["the middleware kept messages back", { relay: { returned: 7, withheld: { middleware: 2 } } }],
    ["a journal keeps what is unsettled", { output: { delivered: 5, queued: 3, inFlight: 1 } }],
    ["a journal keeps what is inside the middleware", { relay: { returned: 5, inside: 4 } }],
    ["a connection was refused for what it sent", { input: { refused: { tls: 3 } } }],
    ["the middleware started again and lost nothing", { relay: { events: { restart: 1 } } }],
    ["figures that could have been losses are 0", { missing: { "bytes not captured": 0 } }],
  ])("is whole when %s", (_, parts) => {
    const counters = run(parts);
    expect(verdictOf(counters)).toEqual({ state: "whole", text: "nothing was lost" });
    expect(summaryText(counters)).toMatch(/\nnothing was lost\n$/);
  });

  it.each<[string, Parts, string]>([
    ["a hole swallowed a message", { input: { dropped: { hole: 2 } } }, "lost 2: hole 2"],
    [
      "a file is damaged",
      { input: { dropped: { "damaged-capture": 1 } } },
      "lost 1: damaged-capture 1",
    ],
    [
      "a file ends inside a record",
      { second: { dropped: { "cut-off-record": 1 } } },
      "lost 1: cut-off-record 1",
    ],
    [
      "a producer reported drops",
      { second: { dropped: { "sdk-buffer-full": 40 } } },
      "lost 40: sdk-buffer-full 40",
    ],
    ["the outputs were full", { input: { dropped: { "queue-full": 4 } } }, "lost 4: queue-full 4"],
    [
      "the middleware died",
      { relay: { returned: 6, lost: { "middleware-died": 3 } } },
      "lost 3: middleware-died 3",
    ],
    [
      "a target was away",
      { output: { delivered: 4, failed: { refused: 5 } } },
      "lost 5: refused 5",
    ],
    [
      "a disk was full",
      { output: { delivered: 8, failed: { "disk-full": 1 } } },
      "lost 1: disk-full 1",
    ],
    [
      "Elasticsearch refused",
      { output: { delivered: 8, failed: { rejected: 1 } } },
      "lost 1: rejected 1",
    ],
    [
      "a size limit was reached",
      { output: { delivered: 8, dropped: { "max-size": 1 } } },
      "lost 1: max-size 1",
    ],
    [
      "one reason occurs in two places",
      {
        input: { dropped: { "queue-full": 1 } },
        output: { delivered: 7, dropped: { "queue-full": 2 } },
      },
      "lost 3: queue-full 3",
    ],
    [
      "bytes are missing as well",
      { input: { dropped: { hole: 1 } }, missing: { "bytes not captured": 99 } },
      "lost 1: hole 1; beside that bytes not captured 99",
    ],
  ])("is lost when %s", (_, parts, text) => {
    const counters = run(parts);
    expect(verdictOf(counters)).toEqual({ state: "lost", text });
    expect(summaryText(counters)).not.toContain("nothing was lost");
    expect(summaryText(counters)).toContain(`\n${text}\n`);
  });

  it.each<[string, Parts, string]>([
    [
      "bytes were not captured",
      { missing: { "bytes not captured": 348_124 } },
      "bytes not captured 348124",
    ],
    [
      "the kernel dropped",
      { missing: { "packets dropped by the kernel": 7, x: 0 } },
      "packets dropped by the kernel 7",
    ],
    [
      "no packet could be read",
      { missing: { "packets of which none is TCP": 5 } },
      "packets of which none is TCP 5",
    ],
    [
      "a link type is unknown",
      { missing: { "packets of unknown link types": 2 } },
      "packets of unknown link types 2",
    ],
    [
      "a capture is empty",
      { missing: { "captures without a packet": 1 } },
      "captures without a packet 1",
    ],
    [
      "two inputs miss the same",
      {
        missing: { "bytes not captured": 1 },
        second: { stats: { figures: {}, lines: [], missing: { "bytes not captured": 2 } } },
      },
      "bytes not captured 3",
    ],
    [
      "an output settled too little",
      { output: { delivered: 8 } },
      "messages that the books lack 1",
    ],
    ["an output settled too much", { output: { delivered: 11 } }, "messages that the books lack 2"],
    ["the middleware did", { relay: { returned: 8 } }, "messages that the books lack 1"],
  ])("is incomplete when %s", (_, parts, what) => {
    const text = `not everything was there: ${what}`;
    const counters = run(parts);
    expect(verdictOf(counters)).toEqual({ state: "incomplete", text });
    expect(summaryText(counters)).toMatch(/\nnot everything was there: .*\n$/);
  });
});
