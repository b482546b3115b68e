/**
 * Families of metrics as text: Prometheus' format 0.0.4, and OpenMetrics 1.0. In: families, and which of the two. Out: text. Sans-IO; it knows
 * no counters of ours and no HTTP.
 *
 * A family's name is what both formats call it: without `_total` or `_info`, with its unit. The suffixes are put behind it here.
 */

export type ExpositionFormat = "prometheus" | "openmetrics";

export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels: Labels;
  /** Ascending, in the family's unit; the last bucket, without a bound, is `count`. */
  readonly bounds: readonly number[];
  /** For each bound: how many values are within it, those of the lower bounds too. */
  readonly cumulative: readonly number[];
  readonly count: number;
  readonly sum: number;
}

interface Head {
  readonly name: string;
  /** One sentence. */
  readonly help: string;
}

/** `info`: facts that do not change, as labels of a 1. */
export type Family = Head &
  (
    | { readonly type: "counter" | "gauge" | "info"; readonly samples: readonly Sample[] }
    | { readonly type: "histogram"; readonly samples: readonly HistogramSample[] }
  );

/** Units that OpenMetrics wants told, when a name ends in one. */
const UNITS = ["seconds", "bytes"];
const SUFFIXES = { counter: "_total", gauge: "", info: "_info" } as const;

/** A family without samples leaves no trace: nobody asks what is not there. */
export function exposition(families: readonly Family[], format: ExpositionFormat): string {
  const lines = families
    .filter(({ samples }) => samples.length > 0)
    .flatMap((family) => [...headOf(family, format), ...samplesOf(family)]);
  if (format === "openmetrics") lines.push("# EOF");
  return lines.map((line) => `${line}\n`).join("");
}

function headOf({ name, help, type }: Family, format: ExpositionFormat): string[] {
  if (format === "openmetrics") {
    const unit = UNITS.find((word) => name.endsWith(`_${word}`));
    return [
      `# TYPE ${name} ${type}`,
      ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
      `# HELP ${name} ${quoted(help)}`,
    ];
  }
  // The older format knows no info, and calls a counter as its sample is called.
  const full = type === "histogram" ? name : name + SUFFIXES[type];
  return [`# HELP ${full} ${escaped(help)}`, `# TYPE ${full} ${type === "info" ? "gauge" : type}`];
}

function samplesOf(family: Family): string[] {
  const { name } = family;
  if (family.type === "histogram") return family.samples.flatMap((one) => histogramOf(name, one));
  const full = name + SUFFIXES[family.type];
  return family.samples.map(({ labels, value }) => line(full, labels, value));
}

function histogramOf(name: string, sample: HistogramSample): string[] {
  const { labels, bounds, cumulative, count, sum } = sample;
  return [
    ...bounds.map((bound, i) =>
      line(`${name}_bucket`, { ...labels, le: numberOf(bound, true) }, cumulative[i] ?? 0),
    ),
    line(`${name}_bucket`, { ...labels, le: "+Inf" }, count),
    line(`${name}_sum`, labels, sum),
    line(`${name}_count`, labels, count),
  ];
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${quoted(text)}"`);
  const set = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${name}${set} ${numberOf(value, false)}`;
}

/** As Go's reader takes it. OpenMetrics wants a bound written as a float, and both formats shall have the same series. */
function numberOf(value: number, isBound: boolean): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const text = String(value);
  return isBound && Number.isInteger(value) && !text.includes("e") ? `${text}.0` : text;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function quoted(text: string): string {
  return escaped(text).replaceAll('"', '\\"');
}
