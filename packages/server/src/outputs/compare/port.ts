/** What passes between the server's thread and the thread that compares. */
import type { ReplayPlace } from "../../core/compare/report/replay-command.ts";
import type { Report } from "../../core/compare/report/report.ts";
import type { RunFacts } from "../../core/compare/types.ts";
import type { BatchParcel } from "../../core/middleware/plugin-wire.ts";

export interface WorkerSettings {
  readonly control: boolean;
  readonly hosts: readonly string[];
  readonly openapi: string | undefined;
  readonly replay: ReplayPlace | undefined;
}

export type ToWorker =
  | { readonly type: "batch"; readonly parcel: BatchParcel; readonly late: boolean }
  /** Asks for a report; `last`: nothing more will come. */
  | { readonly type: "report"; readonly facts: RunFacts; readonly last: boolean };

export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "taken"; readonly count: number }
  | { readonly type: "report"; readonly report: Report };
