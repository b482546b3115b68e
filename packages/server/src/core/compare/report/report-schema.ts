/**
 * The JSON schema of a comparison's report. Out: a schema (draft 2020-12) as data, and its text for `docs/reference/`. Each object is declared
 * over the fields of its type in `report.ts`: a field that is added there and not here does not compile.
 */
import { REPORT_SCHEMA } from "./report.ts";
import type {
  Consequence,
  CorrelationCounts,
  DifferenceReport,
  EndpointReport,
  Example,
  LatencyReport,
  NoiseReport,
  Percentiles,
  ReplayCommands,
  Report,
  RuleNote,
} from "./report.ts";

type Schema = Readonly<Record<string, unknown>>;

const TEXT: Schema = { type: "string" };
const TEXT_OR_NULL: Schema = { type: ["string", "null"] };
const COUNT: Schema = { type: "integer", minimum: 0 };
const NUMBER: Schema = { type: "number", minimum: 0 };
const COUNTS: Schema = { type: "object", additionalProperties: COUNT };
const INTERVAL: Schema = { type: "array", prefixItems: [NUMBER, NUMBER], minItems: 2, maxItems: 2 };
const PART = words("status", "header", "body", "latency");

function words(...values: readonly string[]): Schema {
  return { enum: values };
}

function list(items: Schema): Schema {
  return { type: "array", items };
}

function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: "null" }] };
}

function said(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

/** New fields may come; those that are here keep their meaning. */
function object<T>(
  properties: { readonly [K in keyof Required<T>]: Schema },
  optional: readonly (keyof T)[] = [],
): Schema {
  const names = Object.keys(properties);
  const left = new Set<unknown>(optional);
  return { type: "object", properties, required: names.filter((name) => !left.has(name)) };
}

const example = object<Example>(
  {
    id: said(TEXT, "The id of the recorded exchange; empty for times."),
    original: said(TEXT_OR_NULL, "As text, shortened; null when there was nothing."),
    replayed: TEXT_OR_NULL,
    control: TEXT_OR_NULL,
    where: said(TEXT, "Where exactly, when the path names more than one place."),
    replay: said(
      object<ReplayCommands>(
        {
          curl: said(TEXT, "The request alone, with ids and tokens of the target where known."),
          mirrorball: said(TEXT, "With what it needs of its session, compared again."),
        },
        ["curl", "mirrorball"],
      ),
      "Commands that replay this exchange, for a shell; absent where none can be given.",
    ),
  },
  ["where", "replay"],
);

const consequence = object<Consequence>({
  method: TEXT,
  route: TEXT,
  part: PART,
  path: TEXT,
  count: COUNT,
});

const rule = object<RuleNote>({
  action: words("ignore", "tolerate", "accept"),
  owner: TEXT,
  reason: TEXT,
});

const difference = object<DifferenceReport>(
  {
    part: PART,
    path: said(
      TEXT,
      "A header field's name in lower case; the path in a JSON body, [] for array positions; else empty.",
    ),
    kind: words(
      "status",
      "value",
      "format",
      "type",
      "missing",
      "added",
      "length",
      "order",
      "text",
      "bytes",
      "slower",
      "leak",
    ),
    count: said(COUNT, "Exchanges that differ here."),
    of: said(COUNT, "Exchanges of the endpoint that were compared."),
    share: NUMBER,
    interval: said(INTERVAL, "Of the share, 95 % (Wilson); of the ratio where the kind is slower."),
    evidence: said(
      { type: ["number", "null"], minimum: 0 },
      "With a control: how many times likelier the counts are if the build differs.",
    ),
    severity: words("critical", "major", "minor"),
    rule,
    examples: list(example),
    consequences: list(consequence),
  },
  ["rule"],
);

const noise = object<NoiseReport>({ part: PART, path: TEXT, why: TEXT, count: COUNT, of: COUNT });

const endpoint = object<EndpointReport>({
  method: TEXT,
  route: TEXT,
  requests: COUNT,
  verdict: words("same", "different"),
  differences: list(difference),
  noise: list(noise),
});

const percentiles = object<Percentiles>({ p50: NUMBER, p95: NUMBER, p99: NUMBER });

const latency = object<LatencyReport>({
  method: TEXT,
  route: TEXT,
  original: said(orNull(percentiles), "Milliseconds; null when the recording has no responses."),
  replayed: percentiles,
  control: orNull(percentiles),
  ratio: said({ type: ["number", "null"] }, "Of the medians, a common shift taken out."),
  interval: orNull(INTERVAL),
});

export const REPORT_JSON_SCHEMA: Schema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "The report of a mirrorball comparison",
  ...object<Report>({
    schema: { const: REPORT_SCHEMA },
    verdict: words("same", "different", "inconclusive"),
    remarks: said(list(TEXT), "Why the verdict is not a plain one, a sentence each."),
    exchanges: object<Report["exchanges"]>({
      sent: COUNT,
      compared: COUNT,
      statusAlike: COUNT,
      unpaired: said(COUNT, "One side never came."),
      failed: said(COUNT, "The target gave no answer."),
      setAside: said(COUNT, "Explained by the state of the copy, not by the build."),
      skipped: COUNTS,
    }),
    correlation: object<CorrelationCounts>({
      learned: COUNT,
      used: COUNT,
      waited: COUNT,
      missed: COUNTS,
    }),
    endpoints: list(endpoint),
    latency: list(latency),
  }),
};

export function reportSchemaText(): string {
  return `${JSON.stringify(REPORT_JSON_SCHEMA, undefined, 2)}\n`;
}
