/**
 * The model of a comparison's report, schema `mirrorball.compare/1`: data only. Terminal, HTML, JUnit and Markdown are views of it. The
 * JSON schema in `docs/reference/` describes the same; new fields may be added, none changes its meaning.
 */
export const REPORT_SCHEMA = "mirrorball.compare/1";

export type Verdict = "same" | "different" | "inconclusive";
export type Part = "status" | "header" | "body" | "latency";
export type DifferenceKind =
  | "status"
  | "value"
  | "format"
  | "type"
  | "missing"
  | "added"
  | "length"
  | "order"
  | "text"
  | "bytes"
  | "slower"
  | "leak";
/** `critical`: alerts at one occurrence. `major`: the shape of an answer. `minor`: a value or a header field. */
export type Severity = "critical" | "major" | "minor";

export type Counts = Readonly<Record<string, number>>;

export interface Report {
  readonly schema: typeof REPORT_SCHEMA;
  readonly verdict: Verdict;
  /** One sentence a reason, why the verdict is not a plain one. */
  readonly remarks: readonly string[];
  readonly exchanges: {
    readonly sent: number;
    readonly compared: number;
    readonly statusAlike: number;
    /** One side never came. */
    readonly unpaired: number;
    /** The target gave no answer. */
    readonly failed: number;
    /** Explained by the state of the copy or of the recording, not by the build. */
    readonly setAside: number;
    readonly skipped: Counts;
  };
  readonly correlation: CorrelationCounts;
  readonly endpoints: readonly EndpointReport[];
  readonly latency: readonly LatencyReport[];
}

export interface CorrelationCounts {
  readonly learned: number;
  readonly used: number;
  readonly waited: number;
  readonly missed: Counts;
}

export interface EndpointReport {
  readonly method: string;
  readonly route: string;
  /** Exchanges that were compared. */
  readonly requests: number;
  readonly verdict: "same" | "different";
  readonly differences: readonly DifferenceReport[];
  readonly noise: readonly NoiseReport[];
}

export interface DifferenceReport {
  readonly part: Part;
  /** A header field's name in lower case; the path in a JSON body, `[]` for array positions; else "". */
  readonly path: string;
  readonly kind: DifferenceKind;
  readonly count: number;
  readonly of: number;
  readonly share: number;
  /** Of the share, 95 % (Wilson); "slower": of the ratio. */
  readonly interval: readonly [low: number, high: number];
  /** With a control: how many times likelier the counts are if the build differs; valid at any time. Else null. */
  readonly evidence: number | null;
  readonly severity: Severity;
  readonly rule?: RuleNote | undefined;
  readonly examples: readonly Example[];
  readonly consequences: readonly Consequence[];
}

/** What a rule of the user's made of a difference: `accepted` ones are shown and do not count. */
export interface RuleNote {
  readonly action: "ignore" | "tolerate" | "accept";
  readonly owner: string;
  readonly reason: string;
}

export interface Example {
  readonly id: string;
  readonly original: string | null;
  readonly replayed: string | null;
  readonly control: string | null;
  /** Where exactly, when `path` names more than one place: a cookie's attribute, a line's shape. */
  readonly where?: string | undefined;
  /** Commands that replay this exchange; absent where none can be given. */
  readonly replay?: ReplayCommands | undefined;
}

/** To be pasted into a shell. */
export interface ReplayCommands {
  /** The request alone, with ids and tokens of the target as far as they are known. */
  readonly curl?: string | undefined;
  /** With what it needs of its session, compared again. */
  readonly mirrorball?: string | undefined;
}

export interface Consequence {
  readonly method: string;
  readonly route: string;
  readonly part: Part;
  readonly path: string;
  readonly count: number;
}

export interface NoiseReport {
  readonly part: Part;
  readonly path: string;
  readonly why: string;
  readonly count: number;
  readonly of: number;
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface LatencyReport {
  readonly method: string;
  readonly route: string;
  /** Milliseconds. Null when the recording has no responses. */
  readonly original: Percentiles | null;
  readonly replayed: Percentiles;
  readonly control: Percentiles | null;
  /** Of the medians, replayed to what it is compared with, a common shift taken out; null when nothing can be said. */
  readonly ratio: number | null;
  readonly interval: readonly [low: number, high: number] | null;
}
