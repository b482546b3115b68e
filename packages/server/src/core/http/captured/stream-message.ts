/** What the stream parser makes of one HTTP/1 message, request or response: its bytes, its times, and how far it can be trusted. */
import { MethodKind } from "../head/head-scan.ts";

export class StreamMessage {
  /** The message as it was on the wire, framing included, in memory of its own. Set when the message is done. */
  raw: Uint8Array = NOTHING;
  /** Packet time of the first byte and of the last. */
  startSeconds = 0;
  startNanoseconds = 0;
  endSeconds = 0;
  endNanoseconds = 0;
  /** Place of the first byte in its stream, gaps included. */
  streamOffset = 0;
  method: MethodKind = MethodKind.other;
  /** 0 for requests. */
  status = 0;
  /** A request that carries the mark of a replay. */
  isReplay = false;
  /** The first reason why it could be framed in two ways, or "". */
  ambiguity = "";
  /** It ended before it was whole: the peer left, bytes were not captured, or its end could not be found. */
  incomplete = false;
  /** Bytes inside it were not captured. */
  hasHole = false;
  /** It is longer than we keep. */
  truncated = false;
  /** The response switches the connection to another protocol. */
  upgrade = "";
  done = false;

  /** Only the first reason is kept. */
  markAmbiguous(reason: string): void {
    if (this.ambiguity === "") this.ambiguity = reason;
  }

  /** 1xx, which announce and do not answer (RFC 9110 15.2). 101 does answer. */
  get isInterim(): boolean {
    return this.status >= 100 && this.status < 200 && this.status !== 101;
  }

  /** Last byte minus first, as gor's latency of kinds 1 and 2. */
  get latencyNs(): number {
    return (
      (this.endSeconds - this.startSeconds) * NS_PER_SECOND +
      (this.endNanoseconds - this.startNanoseconds)
    );
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);
const NS_PER_SECOND = 1_000_000_000;
