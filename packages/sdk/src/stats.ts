/** The figures of a mirror, as users see them. */

export type DropReason =
  | "buffer-full"
  | "head-too-large"
  | "filter-threw"
  | "late"
  | "internal"
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
}
