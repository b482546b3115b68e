/** What a journal is given. */
import type { Message } from "@mirrorball/protocol";
import type { Accepted, Clock, Logger } from "../component/types.ts";
import type { InFlightEntries } from "../core/journal/in-flight-entries.ts";

export interface JournalOptions {
  readonly directory: string;
  readonly limitBytes: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** `entry`: where the batch comes from; outputs settle entries. */
  readonly emit: (batch: Message[], entry: number) => Accepted;
  readonly dropped: (reason: string, count: number) => void;
  readonly onFatalDiskError: (reason: string) => void;
  /** `--split-output`: each message is one output's. */
  readonly split: boolean;
  /** With a middleware: what is inside it. */
  readonly inFlight?: InFlightEntries | undefined;
}
