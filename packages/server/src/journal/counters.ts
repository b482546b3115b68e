/** What a journal counts, for the counters page and the summary. */
export interface JournalCounters {
  /** `full`: at its limit. `degraded`: the disk fails. */
  readonly state: "ok" | "full" | "degraded";
  readonly bytes: number;
  readonly entries: number;
  readonly writes: number;
  readonly failedWrites: number;
  /** Messages that outputs have settled and that are not on disk yet: a crash of now may send them again, or count them as uncertain. */
  readonly unwritten: number;
  /** Frames that came again although they were here. */
  readonly duplicateFrames: number;
  /** Messages with side effects, of all runs, that a crash left open: they may have been sent, and were not sent again. */
  readonly uncertain: number;
}
