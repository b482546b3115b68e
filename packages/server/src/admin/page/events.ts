/** What the page is told and may ask, as types only: the page is compiled against them, so that both ends change together. */
import type { Counters } from "../../engine/accounting/counters.ts";
import type { Column } from "../../core/page/history.ts";
import type { Row } from "../../core/page/types.ts";

export type { Counters, OutputCounters } from "../../engine/accounting/counters.ts";
export type { Column, HistoryRow } from "../../core/page/history.ts";
export type {
  DifferenceReport,
  EndpointReport,
  NoiseReport,
  Report,
  Severity,
} from "../../core/compare/report/report.ts";
export type {
  Detail,
  Place,
  ReplayedSide,
  Row,
  RowAnswer,
  Side,
  SideBody,
  SideName,
} from "../../core/page/types.ts";

/** The events of `GET /api/events`, by name. */
export interface PageEvents {
  readonly hello: Hello;
  readonly now: Now;
  readonly rows: Rows;
}

/** The first event of a stream. */
export interface Hello {
  /** `recording`: nothing flows; the rows are those of files. */
  readonly mode: "live" | "recording";
  /** Of recordings. */
  readonly title: string;
  /** When the server started, in milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** Of the history's rows; those of the n-th output begin with `n.`. */
  readonly columns: readonly Column[];
  readonly outputs: readonly string[];
  readonly memoryBytes: number;
  /** `GET /api/report` has what differs. */
  readonly compares: boolean;
}

/** Once a second. */
export interface Now {
  /** Seconds since the Unix epoch. */
  readonly at: number;
  /** In the order of the columns; null where there is nothing to say. */
  readonly values: readonly (number | null)[];
  readonly counters: Counters;
  readonly kept: Kept;
}

/** What of the traffic is in memory for the page. */
export interface Kept {
  readonly exchanges: number;
  readonly bytes: number;
  /** One of so many exchanges is kept at present: more come than people can look at. */
  readonly oneOf: number;
}

export interface Rows {
  /** By number, the oldest first. */
  readonly rows: readonly Row[];
  /** Exchanges that came too and were left out of this stream; `GET /api/rows` has them. */
  readonly skipped: number;
  /** The browser was too slow for a while: what it has is old, and these are the newest. */
  readonly isReset: boolean;
}

/** `GET /api/rows?filter=…&before=SEQ` */
export interface RowsAnswer {
  /** The newest first. */
  readonly rows: readonly Row[];
  /** Ask on with this `before`; null at the end. */
  readonly next: number | null;
}

/** `GET /api/session/SEQ` */
export interface SessionAnswer {
  /** For the filter `session:N`; null when the exchange has gone meanwhile. */
  readonly session: number | null;
}

/** `GET /api/history` */
export interface HistoryAnswer {
  readonly seconds: readonly HistoryTuple[];
  readonly minutes: readonly HistoryTuple[];
}

/** The time in seconds, then the values. */
export type HistoryTuple = readonly (number | null)[];
