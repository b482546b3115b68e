/** What a plan consists of: components with typed values, not made yet. Types only. */
import type {
  InputDeclaration,
  OutputDeclaration,
  RelayDeclaration,
  StageDeclaration,
} from "../../component/define.ts";
import type { OptionSpecs, OptionValues } from "../../component/option.ts";
import type { QueueOptions } from "../../component/queue-options.ts";
import type { Resolved } from "../../component/resolve.ts";
import type { Limit } from "../../core/limit/limiter.ts";
import type { RunOptions } from "./run-options.ts";

export type Values = OptionValues<OptionSpecs>;

export interface PlannedInput {
  readonly declaration: InputDeclaration;
  readonly argument: string;
  readonly limit: Limit | undefined;
  readonly options: Values;
}

export interface PlannedStage {
  readonly declaration: StageDeclaration;
  readonly options: Values;
}

export interface PlannedRelay {
  readonly declaration: RelayDeclaration;
  readonly options: Values;
}

export interface PlannedOutput {
  readonly declaration: OutputDeclaration;
  readonly argument: string;
  readonly limit: Limit | undefined;
  readonly options: Values;
  readonly queue: QueueOptions;
  /** Another output asked for it, not the user. */
  readonly isCompanion?: boolean;
}

export interface Plan {
  readonly inputs: readonly PlannedInput[];
  /** All relays; the first whose options ask for something is the run's. */
  readonly relays: readonly PlannedRelay[];
  /** All stages, in order; one whose options ask for nothing makes no stage. */
  readonly stages: readonly PlannedStage[];
  readonly outputs: readonly PlannedOutput[];
  readonly run: RunOptions;
  /** Options that were given another value than their default, as they were written. */
  readonly changed: Resolved["changed"];
}
