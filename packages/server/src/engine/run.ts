/** What a run consists of, as `build-run.ts` makes it, and what its parts are made with. Types only. */
import type { Message } from "@mirrorball/protocol";
import type { Accepted, ByteSink, Clock, LineSink } from "../component/types.ts";
import type { InFlightEntries } from "../core/journal/in-flight-entries.ts";
import type {
  RunningInput,
  RunningJournal,
  RunningOutput,
  RunningRelay,
  RunningStage,
} from "./accounting/counters.ts";
import type { LogSink } from "./accounting/log.ts";
import type { RunningQueueStats } from "./accounting/stats-lines.ts";
import type { StatusComparer } from "./accounting/status-comparer.ts";
import type { OutputBranch } from "./flow/output-branch.ts";
import type { Pipeline } from "./flow/pipeline.ts";
import type { Identity } from "./privileges.ts";

/** Where components write what is no traffic. */
export interface Streams {
  readonly stdout: ByteSink;
  readonly stderr: LineSink;
}

/** What every part is made with. */
export interface Surroundings {
  readonly log: LogSink;
  readonly clock: Clock;
  readonly streams: Streams;
  /** The journal's disk has failed in a way that only a new process gets over. */
  readonly onFatalDiskError: (reason: string) => void;
  /** Is shown what passes behind the stages; undefined when nobody wants to see. */
  readonly tap?: ((batch: readonly Message[]) => void) | undefined;
}

/** The pipeline, as parts see it that hand messages on. */
export type Way = Pick<Pipeline, "reenter" | "forward"> & {
  emit(batch: Parameters<Pipeline["emit"]>[0], entry?: number): Accepted;
};

export interface BuiltOutput extends RunningOutput {
  readonly branch: OutputBranch;
  readonly queueStats: RunningQueueStats | undefined;
}

export interface Run {
  readonly inputs: readonly RunningInput[];
  readonly relay: RunningRelay | undefined;
  /** With a journal and a relay: which entries are inside. */
  readonly inFlight: InFlightEntries | undefined;
  readonly stages: readonly RunningStage[];
  readonly outputs: readonly BuiltOutput[];
  readonly comparer: StatusComparer | undefined;
  readonly journal: RunningJournal | undefined;
  readonly queueStats: readonly RunningQueueStats[];
  /** Who this process is to become. */
  readonly identity: Identity | undefined;
}
