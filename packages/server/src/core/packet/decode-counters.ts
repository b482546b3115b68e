/**
 * Every packet of the input ends in exactly one of these counts, except where said otherwise.
 *
 * More fields than a class should have: one a count.
 */
export class DecodeCounters {
  /** All packets: the sum of those below. */
  packets = 0;
  tcpSegments = 0;
  /** A link type this decoder does not know. */
  unknownLinkType = 0;
  /** ARP, LLC, encrypted frames, … */
  notIp = 0;
  /** UDP, ICMP, encrypted payloads, … */
  notTcp = 0;
  /** Tunnels and frames that can carry TCP, and that this decoder does not open. */
  unopened = 0;
  /** The capture cut the packet within its headers. */
  truncatedHeader = 0;
  /** Lengths or versions that contradict each other; the sender cut the packet within its headers. */
  malformed = 0;
  tooManyVlanTags = 0;
  tooManyExtensionHeaders = 0;
  /** Tunnels within tunnels. */
  tooManyHeaders = 0;
  /** Fragments that wait for others, or completed a datagram that is counted by what was in it. */
  fragmentsHeld = 0;
  /** Fragments that brought nothing new. */
  fragmentsDuplicate = 0;
  /** Fragments that cannot be used: cut by the capture, beyond 64 KiB, of a datagram that was discarded. */
  fragmentsRefused = 0;

  /** Packets that are not IP or not TCP, by what they are. */
  readonly leftBy: Map<string, number> = new Map();
  /** Packets of an unknown link type, or not opened, by what they are: nobody knows what was in them. */
  readonly unreadBy: Map<string, number> = new Map();
  /** Not packets: headers of tunnels and the like that were passed over, by name. */
  readonly openedBy: Map<string, number> = new Map();

  // Not packets either: what became of datagrams.
  datagramsReassembled = 0;
  /** IPv4: fragments that overlapped with other bytes; the first ones stayed. */
  fragmentOverlaps = 0;
  /** IPv6: datagrams discarded because fragments overlapped (RFC 5722). */
  datagramsOverlapping = 0;
  datagramsTimedOut = 0;
  datagramsEvicted = 0;
}
