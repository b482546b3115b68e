/**
 * The figures of a capture, as numbers and as lines for people. For the bytes of all streams, at every moment:
 *
 *     seen = delivered + duplicate + lost + not HTTP + evicted + pending
 *
 * seen: captured, or known to be missing. delivered: in messages. lost: never captured. evicted: in messages that were
 * given up, and bytes that no receiver would have taken. pending: in messages that are not whole yet.
 */
import type { InputStats } from "../../component/types.ts";
import type { DecodeCounters } from "../../core/packet/decode-counters.ts";
import type { CaptureBooks } from "./capture-books.ts";
import type { SourceDrops } from "./engine.ts";
import { missingOf } from "./unread.ts";

export function captureStats(books: CaptureBooks, drops: SourceDrops): InputStats {
  const { packets, tcp, tally, messages } = books;
  const bytes = byteFigures(books);
  const notTcp = packets.packets - packets.tcpSegments;
  const figures: Record<string, number> = {
    packets: packets.packets,
    packetsNotTcp: notTcp,
    ...Object.fromEntries(
      notTcpBy(packets).map(([reason, count]) => [`packetsNotTcp.${reason}`, count]),
    ),
    ...named("packetsLeft", packets.leftBy),
    ...named("packetsLeft", packets.unreadBy),
    ...named("headersOpened", packets.openedBy),
    packetsDroppedByKernel: drops.kernel,
    packetsDroppedByInterface: drops.interface,
    packetsDroppedByOverload: drops.overload,
    connections: tcp.connections,
    connectionsOpen: tcp.flows,
    connectionsEvicted: tcp.evictedOpen + tcp.evictedHandshakes,
    holes: tcp.holes,
    overlapConflicts: tcp.overlapConflicts,
    requests: messages.requests,
    responses: messages.responses,
    interimResponses: messages.interim,
    requestsUnanswered: messages.unanswered,
    responsesUnrequested: messages.unrequested,
    replaysLeftOut: messages.replays,
    bodiesTruncated: tally.truncated,
    ...bytes,
    ...named("notHttpBytes", tally.skippedBytesBy),
    ...named("ambiguous", tally.ambiguousBy),
    ...named("incomplete", messages.incompleteBy),
  };
  return { figures, lines: lines(books, bytes, drops), missing: missingOf(books, drops) };
}

interface ByteFigures {
  readonly bytesSeen: number;
  readonly bytesDelivered: number;
  readonly bytesDuplicate: number;
  readonly bytesLost: number;
  readonly bytesNotHttp: number;
  readonly bytesEvicted: number;
  readonly bytesPending: number;
}

/** Packets that carried nothing to read, by reason; those that occurred. */
function notTcpBy(packets: DecodeCounters): [string, number][] {
  const all: [string, number][] = [
    ["unknown-link-type", packets.unknownLinkType],
    ["not-ip", packets.notIp],
    ["other-protocol", packets.notTcp],
    ["not-opened", packets.unopened],
    ["truncated-header", packets.truncatedHeader],
    ["malformed", packets.malformed],
    ["too-many-vlan-tags", packets.tooManyVlanTags],
    ["too-many-extension-headers", packets.tooManyExtensionHeaders],
    ["too-many-headers", packets.tooManyHeaders],
    ["fragment-held", packets.fragmentsHeld],
    ["fragment-duplicate", packets.fragmentsDuplicate],
    ["fragment-refused", packets.fragmentsRefused],
  ];
  return all.filter(([, count]) => count > 0);
}

function byteFigures({ tcp, tally, allowIncomplete }: CaptureBooks): ByteFigures {
  const refused = tcp.refusedAfterEndBytes + tcp.refusedOutOfWindowBytes + tcp.refusedInResetBytes;
  const { messageBytes, incompleteBytes, skippedBytes } = tally;
  return {
    bytesSeen: tcp.seenBytes + tcp.lostBytes,
    bytesDelivered: messageBytes + (allowIncomplete ? incompleteBytes : 0),
    bytesDuplicate: tcp.duplicateBytes,
    bytesLost: tcp.lostBytes,
    bytesNotHttp: skippedBytes,
    bytesEvicted: refused + (allowIncomplete ? 0 : incompleteBytes),
    // What was handed to the readers and is in none of their counts lies in unfinished messages.
    bytesPending: tcp.heldBytes + tally.pushedBytes - messageBytes - incompleteBytes - skippedBytes,
  };
}

function lines(
  { packets, messages, tally, tcp }: CaptureBooks,
  bytes: ByteFigures,
  drops: SourceDrops,
): string[] {
  const dropped = `dropped by kernel ${drops.kernel}, interface ${drops.interface}, overload ${drops.overload}`;
  const pending = bytes.bytesPending === 0 ? "" : ` + pending ${bytes.bytesPending}`;
  return [
    `packets: ${packets.packets}, ${dropped}; ${tcp.connections} connections${detail([
      ["evicted", tcp.evictedOpen],
      ["handshakes evicted", tcp.evictedHandshakes],
      ["holes", tcp.holes],
      ["overlap conflicts", tcp.overlapConflicts],
      ...notTcpBy(packets).map(([reason, count]): [string, number] => [
        `not TCP: ${reason}`,
        count,
      ]),
    ])}`,
    ...among("packets not read", new Map([...packets.unreadBy, ...packets.leftBy])),
    ...among("headers passed over", packets.openedBy),
    `bytes: seen ${bytes.bytesSeen} = delivered ${bytes.bytesDelivered} + duplicate ${bytes.bytesDuplicate} + lost ${bytes.bytesLost} + not HTTP ${bytes.bytesNotHttp} + evicted ${bytes.bytesEvicted}${pending}`,
    `messages: ${messages.requests} requests, ${messages.responses} responses${detail([
      ["unanswered", messages.unanswered],
      ["responses without request", messages.unrequested],
      ["replays left out", messages.replays],
      ["truncated", tally.truncated],
      ...prefixed("not whole", messages.incompleteBy),
      ...prefixed("ambiguous", tally.ambiguousBy),
      ...prefixed("not HTTP", tally.skippedBytesBy),
    ])}`,
  ];
}

function detail(entries: readonly (readonly [string, number])[]): string {
  return entries
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `; ${name} ${count}`)
    .join("");
}

/** A line of its own, where there is anything to say. */
function among(what: string, counts: ReadonlyMap<string, number>): string[] {
  if (counts.size === 0) return [];
  return [`${what}: ${[...counts].map(([name, count]) => `${name} ${count}`).join(", ")}`];
}

function prefixed(prefix: string, map: ReadonlyMap<string, number>): [string, number][] {
  return [...map].map(([reason, count]) => [`${prefix}: ${reason}`, count]);
}

function named(prefix: string, map: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...map].map(([reason, count]) => [`${prefix}.${reason}`, count]));
}
