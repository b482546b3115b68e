/**
 * The contract between TCP reassembly and whoever reads the byte streams of a connection (HTTP/1, or a plain
 * recorder). Nothing here knows of packets, files or HTTP.
 *
 * Moments are packet times, never the wall clock, so that a file gives the same output every time. They travel
 * as two numbers, whole seconds since the Unix epoch and nanoseconds within the second: both are small integers
 * to the engine, so passing them costs nothing and no digit is lost. `timestampOf` makes a message's timestamp.
 */
import type { Timestamp } from "@mirrorball/protocol";

/** 0: from the client, the side that opened the connection. 1: from the server, the captured port. */
export type Direction = 0 | 1;

/**
 * How a direction ended. `fin`: orderly, after its last byte. `rst`: broken off. `idle`: nothing for long.
 * `evicted`: the table was full. `port-reuse`: a new connection took the same addresses and ports.
 * `reversed`: client and server were taken for each other; what follows is told as another connection. `capture-end`: the
 * capture ended first.
 */
export type EndReason =
  | "fin"
  | "rst"
  | "idle"
  | "evicted"
  | "port-reuse"
  | "reversed"
  | "capture-end";

export interface Endpoint {
  /** `192.0.2.1` or `2001:db8::1` (RFC 5952), without brackets. */
  readonly address: string;
  readonly port: number;
}

export interface ConnectionInfo {
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** The handshake was not seen: the first byte told may lie in the middle of a message. */
  readonly midstream: boolean;
  /** Connections are numbered from 1 in the order in which they first carried data. */
  readonly number: number;
  readonly seconds: number;
  readonly nanoseconds: number;
}

/**
 * What the reader of one connection is told. Per direction: any number of `data` and `gap` in stream order, then
 * `end` exactly once, then nothing. The directions interleave as they were spoken: what one side said after it had read bytes
 * of the other is told behind those, or behind their gap. Must not throw.
 */
export interface ConnectionHandler {
  /**
   * The next bytes of the stream: `chunk[start..end)`, never empty. THE BYTES ARE VALID ONLY DURING THE CALL: the
   * chunk is the reader's buffer and is overwritten later; copy what is kept. (A chunk and two indices instead of a
   * view: a view a packet costs more than the reassembly.)
   */
  data(
    direction: Direction,
    chunk: Uint8Array,
    start: number,
    end: number,
    seconds: number,
    nanoseconds: number,
  ): void;
  /**
   * Exactly `bytes` bytes of the stream were not captured and never will be. The next `data` lies behind them. Told as
   * soon as it is certain: at the latest with the data behind the hole, or before `end`.
   */
  gap(direction: Direction, bytes: number, seconds: number, nanoseconds: number): void;
  end(direction: Direction, how: EndReason, seconds: number, nanoseconds: number): void;
}

/**
 * Makes the reader of a new connection. Called when the first data (or gap) is about to be told, not at the SYN:
 * connections that never carry a byte are never told, so half-open ones cost the reader nothing.
 */
export type OnConnection = (info: ConnectionInfo) => ConnectionHandler;

const NS_PER_US = 1000;
const US_PER_SECOND = 1_000_000;
const NS_PER_SECOND = 1_000_000_000n;

/** A message's timestamp: a number of microseconds where that is exact, else a bigint of nanoseconds. */
export function timestampOf(seconds: number, nanoseconds: number): Timestamp {
  return nanoseconds % NS_PER_US === 0
    ? seconds * US_PER_SECOND + nanoseconds / NS_PER_US
    : BigInt(seconds) * NS_PER_SECOND + BigInt(nanoseconds);
}
