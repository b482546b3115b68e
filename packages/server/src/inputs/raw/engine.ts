/** What a source of packets is to `--input-raw`: libpcap in this process, tcpdump beside it, or a file. */
import type { PacketSink } from "../../core/packet/types.ts";

/** Packets as the kernel counts them, of one source since it was opened. */
export interface SourceDrops {
  /** No room in the kernel's buffer: we were too slow. */
  readonly kernel: number;
  /** By the interface or its driver. */
  readonly interface: number;
  /** By ourselves, to catch up. */
  readonly overload: number;
}

/** One interface that is being captured: from the moment it is open, the kernel keeps its packets. */
export interface LiveSource {
  /** Hands on packets from here on, those first that came since it was opened. Called once. */
  begin(): void;
  /** Latest figures; may be a few seconds old. */
  drops(): SourceDrops;
  /** Hands on what the kernel still holds, then closes; closes at once what has not begun. */
  close(): Promise<void>;
}

export interface LiveOptions {
  readonly interfaceName: string;
  readonly filter: string;
  readonly snapLengthBytes: number;
  readonly bufferBytes: number;
  /** 0: every packet at once. */
  readonly bufferTimeoutMs: number;
  readonly promiscuous: boolean;
  readonly monitor: boolean;
  /** As gor spells it, or "". */
  readonly timestampType: string;
  /** The user that this process becomes when all is open; undefined when it stays what it is. */
  readonly becomes: string | undefined;
}

export interface LiveEvents {
  readonly sink: PacketSink;
  /** A burst of packets is over. */
  readonly burst: () => void;
  /** The source ended by itself; why, for people. */
  readonly gone: (reason: string) => void;
  /** Microseconds since the Unix epoch. */
  readonly nowUs: () => number;
}

/** Rejects with an `EngineError` when it cannot be opened. */
export type OpenLive = (options: LiveOptions, events: LiveEvents) => Promise<LiveSource>;

/** A message that says what to do. */
export class EngineError extends Error {}

/** From the words of libpcap and tcpdump to words that help. */
export function explain(message: string, { interfaceName, filter }: LiveOptions): EngineError {
  if (/permission|not permitted/i.test(message)) {
    return new EngineError(
      `no permission to capture on ${interfaceName}. Run as root; or give tcpdump the right and use it: ` +
        "setcap cap_net_raw,cap_net_admin=ep $(command -v tcpdump), then --input-raw-engine tcpdump " +
        "(for a group only: chgrp GROUP and chmod 750 on it first); or in a systemd unit AmbientCapabilities=CAP_NET_RAW",
    );
  }
  if (/no such device|does(?:n't| not) exist|no such interface/i.test(message)) {
    return new EngineError(`there is no interface ${interfaceName}`);
  }
  if (/filter|syntax|parse|unknown|expression|illegal|rejects/i.test(message)) {
    return new EngineError(
      `the filter ${JSON.stringify(filter)} is not one (see pcap-filter(7)): ${message.trim()}`,
    );
  }
  return new EngineError(`cannot capture on ${interfaceName}: ${message.trim()}`);
}
