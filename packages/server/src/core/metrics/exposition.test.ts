// The text of metrics, byte by byte, in both formats.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exposition } from "./exposition.ts";
import type { Family } from "./exposition.ts";

const families: readonly Family[] = [
  {
    name: "m_build",
    type: "info",
    help: "What runs.",
    samples: [{ labels: { version: "1.2.3", node: "20" }, value: 1 }],
  },
  {
    name: "m_sent",
    type: "counter",
    help: 'A "quote", a \\ and\na line.',
    samples: [
      { labels: { output: 'a "b" \\ c\nd', reason: "" }, value: 3 },
      { labels: {}, value: 2 ** 53 },
    ],
  },
  { name: "m_none", type: "counter", help: "Nothing yet.", samples: [] },
  {
    name: "m_size_bytes",
    type: "gauge",
    help: "Bytes.",
    samples: [
      { labels: { a: "é{},=" }, value: 0.5 },
      { labels: { a: "1" }, value: Number.NaN },
      { labels: { a: "2" }, value: Number.NEGATIVE_INFINITY },
      { labels: { a: "3" }, value: 1e300 },
    ],
  },
  {
    name: "m_took_seconds",
    type: "histogram",
    help: "Seconds.",
    samples: [
      { labels: { output: "x" }, bounds: [0.005, 1, 10], cumulative: [1, 4, 4], count: 5, sum: 61.25 },
    ],
  },
]; // prettier-ignore

const PROMETHEUS = `# HELP m_build_info What runs.
# TYPE m_build_info gauge
m_build_info{version="1.2.3",node="20"} 1
# HELP m_sent_total A "quote", a \\\\ and\\na line.
# TYPE m_sent_total counter
m_sent_total{output="a \\"b\\" \\\\ c\\nd",reason=""} 3
m_sent_total 9007199254740992
# HELP m_size_bytes Bytes.
# TYPE m_size_bytes gauge
m_size_bytes{a="é{},="} 0.5
m_size_bytes{a="1"} NaN
m_size_bytes{a="2"} -Inf
m_size_bytes{a="3"} 1e+300
# HELP m_took_seconds Seconds.
# TYPE m_took_seconds histogram
m_took_seconds_bucket{output="x",le="0.005"} 1
m_took_seconds_bucket{output="x",le="1.0"} 4
m_took_seconds_bucket{output="x",le="10.0"} 4
m_took_seconds_bucket{output="x",le="+Inf"} 5
m_took_seconds_sum{output="x"} 61.25
m_took_seconds_count{output="x"} 5
`;

const OPENMETRICS = `# TYPE m_build info
# HELP m_build What runs.
m_build_info{version="1.2.3",node="20"} 1
# TYPE m_sent counter
# HELP m_sent A \\"quote\\", a \\\\ and\\na line.
m_sent_total{output="a \\"b\\" \\\\ c\\nd",reason=""} 3
m_sent_total 9007199254740992
# TYPE m_size_bytes gauge
# UNIT m_size_bytes bytes
# HELP m_size_bytes Bytes.
m_size_bytes{a="é{},="} 0.5
m_size_bytes{a="1"} NaN
m_size_bytes{a="2"} -Inf
m_size_bytes{a="3"} 1e+300
# TYPE m_took_seconds histogram
# UNIT m_took_seconds seconds
# HELP m_took_seconds Seconds.
m_took_seconds_bucket{output="x",le="0.005"} 1
m_took_seconds_bucket{output="x",le="1.0"} 4
m_took_seconds_bucket{output="x",le="10.0"} 4
m_took_seconds_bucket{output="x",le="+Inf"} 5
m_took_seconds_sum{output="x"} 61.25
m_took_seconds_count{output="x"} 5
# EOF
`;

describe("the text", () => {
  it("is Prometheus' own format", () => {
    expect(exposition(families, "prometheus")).toBe(PROMETHEUS);
  });

  it("is OpenMetrics, with units and an end", () => {
    expect(exposition(families, "openmetrics")).toBe(OPENMETRICS);
  });

  it("of nothing is empty, and in OpenMetrics its end", () => {
    expect(exposition([], "prometheus")).toBe("");
    expect(exposition([], "openmetrics")).toBe("# EOF\n");
  });

  it("has one line a sample, from which a reader gets the label back, whatever it holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        const family: Family = {
          name: "m",
          type: "gauge",
          help: "h",
          samples: [{ labels: { a: value }, value: 1 }],
        };
        const [, , line = "", ...rest] = exposition([family], "prometheus").split("\n");
        expect(rest).toEqual([""]);
        const text = /^m\{a="((?:[^"\\]|\\[\\"n])*)"\} 1$/su.exec(line)?.[1];
        const read = text?.replaceAll(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
        expect(read).toBe(value);
      }),
    );
  });
});
