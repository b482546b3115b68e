/** Everything TCP reassembly holds has a bound; what happens at each stands in counters.ts. */
export interface FlowLimits {
  readonly heldBytesMax: number;
  readonly heldFlowBytesMax: number;
  readonly heldFlowSegmentsMax: number;
  readonly flowsMax: number;
  readonly idleSeconds: number;
  readonly closedSeconds: number;
  readonly holeSeconds: number;
  readonly acknowledgedHoleSeconds: number;
}

const MIB = 1024 * 1024;

export const FLOW_LIMITS: FlowLimits = {
  /** Everything that waits behind holes, with its overhead: what a server can spare beside its work. */
  heldBytesMax: 64 * MIB,
  /** The same for one direction of one connection: usual receive windows are below it. */
  heldFlowBytesMax: MIB,
  /** 1 MiB of small segments. */
  heldFlowSegmentsMax: 16_384,
  /** About 700 bytes each. */
  flowsMax: 100_000,
  /** Longest quiet time of a connection, by packet time: longer than keep-alive of the usual servers. */
  idleSeconds: 300,
  /** How long a closed one is remembered, so that late segments of it do not look like a new one. */
  closedSeconds: 60,
  /** Where no acknowledgements can be seen: longer than three retransmissions take. */
  holeSeconds: 10,
  /**
   * A hole that was acknowledged but has nothing behind it yet may be a packet that another interface's batch brings
   * in a moment; after this it is lost.
   */
  acknowledgedHoleSeconds: 2,
};

/**
 * The largest window that TCP can scale to, 1 GiB: nothing further ahead can be honest. Also less than half of the
 * sequence space, so that ahead and behind stay apart.
 */
export const AHEAD_BYTES_MAX: number = 2 ** 30;
