/**
 * One TCP segment as decoded. The decoder has a single one and overwrites it, so that a packet allocates nothing:
 * whoever gets it copies what must last. All fields are small integers; sequence numbers and address words are
 * signed 32-bit, so that `(a - b) | 0` is their distance.
 *
 * More fields than a class should have: one a field of the headers.
 */
export class TcpPacket {
  family: 4 | 6 = 4;
  /** Address words, first to last; IPv4 has one, the others are 0. */
  source0 = 0;
  source1 = 0;
  source2 = 0;
  source3 = 0;
  destination0 = 0;
  destination1 = 0;
  destination2 = 0;
  destination3 = 0;
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  acknowledgment = 0;
  /** The flags byte; see TcpFlag. */
  flags = 0;
  /** As in the header, not scaled. */
  window = 0;
  /** The window scale option of a SYN; -1 when absent. */
  windowScale = -1;
  chunk: Uint8Array = new Uint8Array(0);
  /** The payload: `chunk[start..end)`. */
  start = 0;
  end = 0;
  /** Bytes of payload that were on the wire behind `end` and that the capture cut off. */
  missingBytes = 0;
  seconds = 0;
  nanoseconds = 0;
}

export const TcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;
