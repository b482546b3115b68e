/** The counters of a capture, put side by side for its figures. Types only: who tells them and who judges them need not know each other. */
import type { StreamTally } from "../../core/http/captured/stream-limits.ts";
import type { DecodeCounters } from "../../core/packet/decode-counters.ts";
import type { CaptureCounters } from "../../core/pair/capture-counters.ts";
import type { FlowCounters } from "../../core/tcp/flow-table.ts";

export interface CaptureBooks {
  readonly packets: DecodeCounters;
  readonly tcp: FlowCounters;
  readonly tally: StreamTally;
  readonly messages: CaptureCounters;
  readonly allowIncomplete: boolean;
  /** Messages that were handed on without the rest of their bodies, which was too large to hold. */
  readonly cutBodies: number;
}
