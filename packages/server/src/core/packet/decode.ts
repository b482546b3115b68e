/**
 * From packets to TCP segments: link layer, IPv4, IPv6, fragments, tunnels, TCP header. Sans-IO.
 *
 * In: packets of any link type. Out: one reused TcpPacket a segment, and a count by reason of everything else. Never
 * throws; allocates nothing except for fragments. Lengths come from the IP header (a short Ethernet frame is
 * padded, a cut one lacks bytes); where it has none, for super-packets of offloading, from the capture.
 * Checksums are not looked at: offloading fills them in after the capture.
 */
import { i32be, u16be } from "./bytes.ts";
import { DecodeCounters } from "./decode-counters.ts";
import { Fragments } from "./fragments.ts";
import { HeaderWalk } from "./headers/header-walk.ts";
import type { Reject } from "./headers/header.ts";
import { protocolName } from "./headers/names.ts";
import { isTunnel, Protocol as Carrier } from "./headers/tunnel-headers.ts";
import { tunnelOf } from "./headers/udp-headers.ts";
import { LinkLayer } from "./link-layer.ts";
import { countName } from "./named-counts.ts";
import { TcpFlag, TcpPacket } from "./tcp-packet.ts";
import type { PacketSink } from "./types.ts";

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const TCP_HEADER_BYTES = 20;
const FRAGMENT_HEADER_BYTES = 8;
/** Honest packets have one to three; the walk must end. */
const EXTENSION_HEADERS_MAX = 10;

const Protocol = {
  hopByHop: 0,
  tcp: 6,
  routing: 43,
  fragment: 44,
  authentication: 51,
  destinationOptions: 60,
  mobility: 135,
  hostIdentity: 139,
  shim6: 140,
} as const;

const TCP_OPTION_END = 0;
const TCP_OPTION_NOTHING = 1;
const TCP_OPTION_WINDOW_SCALE = 3;

export interface TcpSink {
  /** The packet is overwritten by the next one. */
  packet(packet: TcpPacket): void;
}

/** Both ports. */
const UDP_PORTS_BYTES = 4;

export class PacketDecoder implements PacketSink {
  readonly counters: DecodeCounters = new DecodeCounters();
  readonly #sink: TcpSink;
  readonly #walk: HeaderWalk = new HeaderWalk(this.counters.openedBy);
  readonly #link: LinkLayer = new LinkLayer(this.#walk);
  readonly #fragments: Fragments = new Fragments(this.counters);
  readonly #tcp: TcpPacket = new TcpPacket();

  constructor(sink: TcpSink) {
    this.#sink = sink;
  }

  /** What fragments held take in memory, by estimate. */
  get heldBytes(): number {
    return this.#fragments.costBytes;
  }

  packet(
    linkType: number,
    chunk: Uint8Array,
    start: number,
    end: number,
    originalBytes: number,
    seconds: number,
    nanoseconds: number,
  ): void {
    this.counters.packets += 1;
    const tcp = this.#tcp;
    tcp.seconds = seconds;
    tcp.nanoseconds = nanoseconds;
    this.#walk.reset();
    const outcome = this.#link.read(linkType, chunk, start, end);
    const wireEnd = start + originalBytes;
    if (outcome === "ipv4") this.#ipv4(chunk, this.#link.at, end, wireEnd);
    else if (outcome === "ipv6") this.#ipv6(chunk, this.#link.at, end, wireEnd);
    else this.#left(outcome, end, wireEnd);
  }

  /** `wireEnd`: where the packet would end in `bytes`, had the capture not cut it. */
  #ipv4(bytes: Uint8Array, at: number, end: number, wireEnd: number): void {
    if (at + IPV4_HEADER_BYTES > end) return this.#cut(end, wireEnd);
    const first = bytes[at] ?? 0;
    const headerBytes = (first & 15) * 4;
    const totalBytes = u16be(bytes, at + 2);
    // 0: a super-packet of more than 64 KiB, whose length only the capture knows.
    const packetEnd = totalBytes === 0 ? wireEnd : at + totalBytes;
    if (
      first >> 4 !== 4 ||
      headerBytes < IPV4_HEADER_BYTES ||
      at + headerBytes > packetEnd ||
      (packetEnd > wireEnd && !this.#walk.isInside)
    ) {
      return this.#reject("malformed");
    }
    const tcp = this.#tcp;
    tcp.family = 4;
    tcp.source0 = i32be(bytes, at + 12);
    tcp.destination0 = i32be(bytes, at + 16);
    tcp.source1 = tcp.source2 = tcp.source3 = 0;
    tcp.destination1 = tcp.destination2 = tcp.destination3 = 0;
    const protocol = bytes[at + 9] ?? 0;
    const fragmentation = u16be(bytes, at + 6) & 0x3fff;
    const payload = at + headerBytes;
    if (fragmentation === 0) {
      if (protocol === Protocol.tcp) {
        return this.#segment(bytes, payload, Math.min(packetEnd, end), packetEnd);
      }
      return this.#inside(protocol, bytes, payload, Math.min(packetEnd, end), packetEnd);
    }
    const identification = u16be(bytes, at + 4);
    this.#fragment(bytes, payload, end, packetEnd, protocol, fragmentation, identification);
  }

  #ipv6(bytes: Uint8Array, at: number, end: number, wireEnd: number): void {
    if (at + IPV6_HEADER_BYTES > end) return this.#cut(end, wireEnd);
    const payloadBytes = u16be(bytes, at + 4);
    // 0: a jumbogram or super-packet, as above.
    const packetEnd = payloadBytes === 0 ? wireEnd : at + IPV6_HEADER_BYTES + payloadBytes;
    const isLonger = packetEnd > wireEnd && !this.#walk.isInside;
    if ((bytes[at] ?? 0) >> 4 !== 6 || isLonger) return this.#reject("malformed");
    const tcp = this.#tcp;
    tcp.family = 6;
    tcp.source0 = i32be(bytes, at + 8);
    tcp.source1 = i32be(bytes, at + 12);
    tcp.source2 = i32be(bytes, at + 16);
    tcp.source3 = i32be(bytes, at + 20);
    tcp.destination0 = i32be(bytes, at + 24);
    tcp.destination1 = i32be(bytes, at + 28);
    tcp.destination2 = i32be(bytes, at + 32);
    tcp.destination3 = i32be(bytes, at + 36);
    this.#extensions(bytes[at + 6] ?? 0, bytes, at + IPV6_HEADER_BYTES, end, packetEnd, true);
  }

  /**
   * Walks the extension headers of IPv6. `packetEnd`: by the headers; `end`: of what was captured. Fragments of fragments
   * are refused: nobody sends them, and they could nest without end.
   */
  #extensions(
    nextHeader: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    packetEnd: number,
    fragmentable: boolean,
  ): void {
    let at = start;
    let header = nextHeader;
    for (let walked = 0; ; walked += 1) {
      if (header === Protocol.tcp) {
        return this.#segment(bytes, at, Math.min(packetEnd, end), packetEnd);
      }
      if (!isExtension(header)) {
        return this.#inside(header, bytes, at, Math.min(packetEnd, end), packetEnd);
      }
      if (walked === EXTENSION_HEADERS_MAX) return this.#reject("tooManyExtensionHeaders");
      if (at + 8 > end) return this.#cut(end, packetEnd);
      const next = bytes[at] ?? 0;
      if (header === Protocol.fragment) {
        // Offset in the upper 13 bits, "more" in the lowest: the same shape as IPv4's after a turn.
        const word = u16be(bytes, at + 2);
        const fragmentation = (word >> 3) | ((word & 1) << 13);
        if (fragmentation !== 0) {
          if (!fragmentable) return this.#reject("malformed");
          const identification = i32be(bytes, at + 4);
          at += FRAGMENT_HEADER_BYTES;
          return this.#fragment(bytes, at, end, packetEnd, next, fragmentation, identification);
        }
        at += FRAGMENT_HEADER_BYTES;
      } else {
        const length = bytes[at + 1] ?? 0;
        at += header === Protocol.authentication ? (length + 2) * 4 : (length + 1) * 8;
      }
      if (at > packetEnd) return this.#reject("malformed");
      header = next;
    }
  }

  /** Neither TCP nor an extension of IPv6: a tunnel, or something else. */
  #inside(protocol: number, bytes: Uint8Array, at: number, end: number, packetEnd: number): void {
    if (protocol === Protocol.tcp) return this.#segment(bytes, at, end, packetEnd);
    if (protocol === Protocol.authentication && this.#tcp.family === 4) {
      return this.#extensions(protocol, bytes, at, end, packetEnd, false);
    }
    const walk = this.#walk;
    walk.type = protocol;
    const outcome = walk.from("protocol", bytes, at, end);
    if (outcome === "ipv4") this.#ipv4(bytes, walk.at, end, packetEnd);
    else if (outcome === "ipv6") this.#ipv6(bytes, walk.at, end, packetEnd);
    else this.#left(outcome, end, packetEnd);
  }

  /** `fragmentation`: "more" in bit 13, the offset in units of 8 bytes below. */
  #fragment(
    bytes: Uint8Array,
    start: number,
    end: number,
    packetEnd: number,
    nextHeader: number,
    fragmentation: number,
    identification: number,
  ): void {
    const offset = (fragmentation & 0x1fff) * 8;
    const tcp = this.#tcp;
    const { family } = tcp;
    // A datagram is one of its protocol to IPv4, and of its addresses alone to IPv6.
    const of = family === 4 ? `4/${nextHeader}` : "6";
    const key = `${of} ${addressesOf(tcp)} ${identification}`;
    if (!this.#isKept(nextHeader, key, offset, bytes, start, end)) {
      this.#walk.left("notTcp", protocolName(nextHeader));
      return this.#left("notTcp", end, packetEnd);
    }
    if (packetEnd > end) {
      // Cut by the capture: the datagram can never be whole.
      this.counters.fragmentsRefused += 1;
      return;
    }
    const whole = this.#fragments.add({
      key,
      family,
      nextHeader,
      offset,
      more: (fragmentation & 0x2000) !== 0,
      bytes,
      start,
      end: packetEnd,
      seconds: tcp.seconds,
    });
    if (whole === undefined) return;
    // The fragment that completed it is counted by what the datagram is.
    this.counters.fragmentsHeld -= 1;
    const length = whole.bytes.length;
    if (family === 4) this.#inside(whole.nextHeader, whole.bytes, 0, length, length);
    else this.#extensions(whole.nextHeader, whole.bytes, 0, length, length, false);
  }

  /** Pieces of other datagrams would only take the place of those that matter. Those of UDP show by the first what they are. */
  #isKept(
    protocol: number,
    key: string,
    offset: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    if (protocol !== Carrier.udp) {
      return protocol === Protocol.tcp || isTunnel(protocol) || isExtension(protocol);
    }
    if (offset !== 0) return this.#fragments.knows(key);
    return start + UDP_PORTS_BYTES <= end && tunnelOf(bytes, start) !== undefined;
  }

  #segment(bytes: Uint8Array, at: number, end: number, packetEnd: number): void {
    if (at + TCP_HEADER_BYTES > end) return this.#cut(end, packetEnd);
    const payload = at + ((bytes[at + 12] ?? 0) >> 4) * 4;
    if (payload < at + TCP_HEADER_BYTES || payload > packetEnd) return this.#reject("malformed");
    const tcp = this.#tcp;
    tcp.sourcePort = u16be(bytes, at);
    tcp.destinationPort = u16be(bytes, at + 2);
    tcp.sequence = i32be(bytes, at + 4);
    tcp.acknowledgment = i32be(bytes, at + 8);
    const flags = bytes[at + 13] ?? 0;
    tcp.flags = flags;
    tcp.window = u16be(bytes, at + 14);
    tcp.chunk = bytes;
    // Where the capture cut the options, the payload begins behind what there is.
    tcp.start = payload < end ? payload : end;
    tcp.end = end;
    tcp.missingBytes = packetEnd - (payload > end ? payload : end);
    tcp.windowScale =
      (flags & TcpFlag.syn) === 0
        ? -1
        : windowScale(bytes, at + TCP_HEADER_BYTES, Math.min(payload, end));
    this.counters.tcpSegments += 1;
    this.#sink.packet(tcp);
  }

  /** It ends within a header: by the capture, or because its sender made it so. */
  #cut(end: number, wireEnd: number): void {
    const isCaptures = end < wireEnd || this.#walk.isInside;
    this.#reject(isCaptures ? "truncatedHeader" : "malformed");
  }

  #left(reason: Reject, end: number, wireEnd: number): void {
    if (reason === "truncatedHeader") return this.#cut(end, wireEnd);
    this.#reject(reason);
    const { counters } = this;
    const { name } = this.#walk;
    if (name === "") return;
    const isElse = reason === "notIp" || reason === "notTcp";
    countName(isElse ? counters.leftBy : counters.unreadBy, name);
  }

  #reject(reason: Reject | "tooManyExtensionHeaders"): void {
    this.counters[reason] += 1;
  }
}

function addressesOf(tcp: TcpPacket): string {
  const source = `${tcp.source0},${tcp.source1},${tcp.source2},${tcp.source3}`;
  return `${source} ${tcp.destination0},${tcp.destination1},${tcp.destination2},${tcp.destination3}`;
}

function isExtension(header: number): boolean {
  switch (header) {
    case Protocol.hopByHop:
    case Protocol.routing:
    case Protocol.fragment:
    case Protocol.authentication:
    case Protocol.destinationOptions:
    case Protocol.mobility:
    case Protocol.hostIdentity:
    case Protocol.shim6:
      return true;
    default:
      return false;
  }
}

function windowScale(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const kind = bytes[at] ?? TCP_OPTION_END;
    if (kind === TCP_OPTION_END) return -1;
    if (kind === TCP_OPTION_NOTHING) {
      at += 1;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > end) return -1;
    if (kind === TCP_OPTION_WINDOW_SCALE && length === 3) return bytes[at + 2] ?? -1;
    at += length;
  }
  return -1;
}
