/** The figures of a mirror, as users see them. */

/** `open`: the process is in trouble and nothing is recorded. `off`: there is no breaker. */
export type BreakerState = "off" | "closed" | "open";
/** The functions that users give. */
export type CallbackName = "filter" | "tags";

export type DropReason =
  | "buffer-full"
  | "head-too-large"
  | "filter-threw"
  | "tags-threw"
  | "breaker"
  | "suspended"
  | "late"
  | "internal"
  | "refused"
  | "shutdown";

export interface MirrorStats {
  /** Exchanges this mirror set out to tee. */
  readonly offered: number;
  /** Acknowledged by the replay server. */
  readonly acked: number;
  /** Being recorded, waiting, or sent and not acknowledged. */
  readonly buffered: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  /** Left out on purpose: by sampling, by the filter, or because they are replays themselves. */
  readonly skipped: number;
  /** Bytes held for all of the above. */
  readonly bufferedBytes: number;
  readonly connected: boolean;
  readonly server: string;
  /** `open`: the process is in trouble, nothing is recorded, all is counted as dropped. */
  readonly breaker: BreakerState;
  /** Errors of mirrorball's own came too fast: for a minute nothing is recorded, all is counted as dropped. */
  readonly suspended: boolean;
  /** Calls of the user's functions that threw or answered what they must not. */
  readonly callbackErrors: Readonly<Record<CallbackName, number>>;
  /** Errors of mirrorball's own code that were contained. An exchange that one of them cost is `dropped` as `internal`. */
  readonly internalErrors: number;
  /** Requests of HTTP/2 that reached the middleware: they are served, and not recorded. */
  readonly http2: number;
  /** Bodies left out because they could not be redacted: too long, broken, or in an unknown encoding. */
  readonly withheld: number;
}
