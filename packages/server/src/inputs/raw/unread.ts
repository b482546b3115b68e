/** What a capture did not see or could not read: for the verdict of the run, and for one warning that names it. Pure. */
import type { DecodeCounters } from "../../core/packet/decode-counters.ts";
import type { CaptureBooks } from "./capture-books.ts";
import type { SourceDrops } from "./engine.ts";

/** Each count in a unit of its own; those of 0 are left to whoever reads it. */
export function missingOf(
  { packets, tcp, messages, allowIncomplete, cutBodies }: CaptureBooks,
  drops: SourceDrops,
): Record<string, number> {
  const isNothingTcp = packets.tcpSegments === 0 && packets.packets > 0;
  return {
    "bytes not captured": tcp.lostBytes,
    "bodies cut off": cutBodies,
    // Left out, although nobody but the capture broke them off.
    "messages under way when the capture ended": allowIncomplete
      ? 0
      : (messages.incompleteBy.get("capture-end") ?? 0),
    "packets dropped by the kernel": drops.kernel,
    "packets dropped by the interface": drops.interface,
    "packets dropped by overload": drops.overload,
    "packets of unknown link types": packets.unknownLinkType,
    "packets not opened": packets.unopened,
    "packets cut in their headers": packets.truncatedHeader,
    "packets with too many headers": tooManyHeaders(packets),
    "fragmented datagrams evicted": packets.datagramsEvicted,
    "packets of which none is TCP": isNothingTcp ? packets.packets : 0,
  };
}

/**
 * What a person should know of packets that could not be read; undefined when they all could, as far as they are TCP. Before the
 * capture is over TCP may still come.
 */
export function unreadWarning(packets: DecodeCounters, isOver: boolean): string | undefined {
  const { packets: all, tcpSegments, unknownLinkType, unopened } = packets;
  const names = (counts: ReadonlyMap<string, number>): string[] =>
    [...counts].map(([name, count]) => `${name} ${count}`);
  if (isOver && tcpSegments === 0 && all > 0) {
    const what = [...names(packets.unreadBy), ...names(packets.leftBy)];
    const rest = all - sum(packets.unreadBy) - sum(packets.leftBy);
    if (rest > 0) what.push(`damaged or cut ${rest}`);
    return `nothing could be read: none of ${all} packets is TCP (${what.join(", ")})`;
  }
  const unread = unknownLinkType + unopened;
  if (unread === 0) return undefined;
  return `${unread} of ${all} packets could not be read: ${names(packets.unreadBy).join(", ")}`;
}

function tooManyHeaders(packets: DecodeCounters): number {
  return packets.tooManyHeaders + packets.tooManyVlanTags + packets.tooManyExtensionHeaders;
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}
