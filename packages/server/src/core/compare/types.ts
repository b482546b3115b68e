/** What goes into a comparison and how it is set up. Plain data, so that it can cross to a worker thread. */
import type { Message } from "@mirrorball/protocol";
import type { RouteTemplates } from "./endpoints.ts";
import type { ReplayPlace } from "./report/replay-command.ts";
import type { CorrelationCounts } from "./report/report.ts";

/**
 * Whose answer it is: recorded; of the target; of the known-good build; of the target when it was asked the same a moment before, to see
 * what varies by itself.
 */
export type Role = "original" | "replayed" | "control" | "probe";

export interface ComparisonOptions {
  /** A control answers too: wait for it, and compare with it. */
  readonly control: boolean;
  readonly templates?: RouteTemplates | undefined;
  /** Where the target and the control are, as their Host field says it: links to themselves differ by that. */
  readonly hosts?: readonly string[];
  /** For the commands that replay one exchange. */
  readonly replay?: ReplayPlace | undefined;
}

/** What only the replaying side knows, for the report. */
export interface RunFacts {
  readonly correlation: CorrelationCounts;
  /** Exchanges that were not compared, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** An exchange whose parts are all there. */
export interface Exchange {
  readonly request: Message;
  /** Place among the requests. */
  readonly index: number;
  readonly session: number;
  readonly touched: readonly string[];
  readonly given: readonly string[];
  readonly hasForeignCredentials: boolean;
  readonly original: Message | undefined;
  readonly replayed: Message;
  readonly control: Message | undefined;
  readonly probe: Message | undefined;
  /** The replaying process was late: its times say nothing. */
  readonly late: boolean;
}
