/**
 * What became of every byte of TCP payload, at any moment and exactly:
 *
 *     seenBytes = deliveredBytes + duplicateBytes + heldBytes + the sum of refusedBytes
 *
 * - seen: captured payload of segments of connections to a captured port.
 * - delivered: told to the reader, once each, in order.
 * - duplicate: its position had been settled or was held already when it came (retransmissions, probes, a packet
 *   captured twice, and what came after its hole had been given up).
 * - held: waits behind a hole. 0 after `flush`.
 * - refused: by reason, see below.
 *
 * Holes are not in the equation, because their bytes were never seen. They are `lostBytes`, and for every
 * direction: bytes told by `data` + bytes told by `gap` = how far the stream moved.
 *
 * More fields than a class should have: one a count.
 */
export class TcpCounters {
  segments = 0;
  seenBytes = 0;
  deliveredBytes = 0;
  duplicateBytes = 0;
  /** Holes and what they lacked: told to the reader by `gap`. */
  holes = 0;
  lostBytes = 0;
  /** Of the lost bytes, those that the snapshot length cut off. */
  truncatedBytes = 0;

  /** Bytes behind a FIN, or of a connection that is over. */
  refusedAfterEndBytes = 0;
  /** Positions that no receiver's window can cover. */
  refusedOutOfWindowBytes = 0;
  /** Text in a RST. */
  refusedInResetBytes = 0;

  // Segments.
  /** Overlaps with other bytes than those that came first, where the first are still held. */
  overlapConflicts = 0;
  /** Resets that no receiver would have believed. */
  resetsIgnored = 0;
  /** FINs that contradict an earlier one or lie before what was delivered. */
  finsIgnored = 0;
  urgentSegments = 0;
  /** Neither port is captured. */
  segmentsOfOtherPorts = 0;
  /** No payload and no SYN, of connections that are not known. */
  segmentsOfUnknownConnections = 0;

  // Holes given up before anybody acknowledged what lies behind, by what ran out.
  forcedByFlowBytes = 0;
  forcedByFlowSegments = 0;
  forcedByTotalBytes = 0;
  forcedByTime = 0;

  // Connections. All = open now + the sum of those below that begin with `closed`, or `evicted`.
  connections = 0;
  connectionsMidstream = 0;
  closedByFin = 0;
  closedByReset = 0;
  closedByIdle = 0;
  closedByPortReuse = 0;
  closedByCaptureEnd = 0;
  /** The table was full, and this was a handshake that never ended. */
  evictedHandshakes = 0;
  /** The table was full of open connections, and this one had been quiet for longest. */
  evictedOpen = 0;
}
