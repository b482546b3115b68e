/**
 * One incarnation of a connection: two assemblers, the handshake, resets, and the reader that is told. Sans-IO.
 * Knows nothing of other connections; where it is kept is the table's business.
 */
import { TcpFlag } from "../packet/tcp-packet.ts";
import type { TcpPacket } from "../packet/tcp-packet.ts";
import { addressText } from "./address.ts";
import { Assembler } from "./assembler.ts";
import type { AssemblerContext, AssemblerOwner } from "./assembler.ts";
import { AHEAD_BYTES_MAX } from "./limits.ts";
import { advance, distance } from "./sequence.ts";
import type { ConnectionHandler, Direction, EndReason, OnConnection } from "./types.ts";

/** Which list of the table a connection belongs to, least valuable last. */
export const FlowState = { open: 0, handshake: 1, closed: 2 } as const;
export type FlowState = (typeof FlowState)[keyof typeof FlowState];

export interface FlowContext extends AssemblerContext {
  readonly onConnection: OnConnection;
  /** Connections that have a reader. */
  numbered: number;
}

const { fin, syn, rst, ack, urg } = TcpFlag;
const SPECIAL = fin | syn | rst | urg;

/** A SYN that comes this close behind the data it opened is late, not new: packets of two queues change places. */
const LATE_SYN_BYTES = 1024 * 1024;
/** The largest window without scaling: an RST within it is in the window of any receiver. */
const WINDOW_BYTES = 65_535;
const WINDOW_SCALE_MAX = 14;

export class Flow implements AssemblerOwner {
  // Identity; see TcpPacket.
  readonly #family: 4 | 6;
  readonly #client0: number;
  readonly #client1: number;
  readonly #client2: number;
  readonly #client3: number;
  readonly #server0: number;
  readonly #server1: number;
  readonly #server2: number;
  readonly #server3: number;
  readonly #clientPort: number;
  readonly #serverPort: number;

  // The table's: place in its bucket and in its list.
  readonly hash: number;
  nextInBucket: Flow | undefined = undefined;
  newer: Flow | undefined = undefined;
  older: Flow | undefined = undefined;
  list: FlowState = FlowState.handshake;

  state: FlowState = FlowState.handshake;
  /** Time of the last packet. */
  seconds = 0;
  nanoseconds = 0;
  readonly #toServer: Assembler;
  readonly #toClient: Assembler;
  readonly #context: FlowContext;
  readonly #midstream: boolean;
  #handler: ConnectionHandler | undefined = undefined;
  /** Directions that ended before there was anything to tell, by the reader that comes later. */
  #toServerEnd: EndReason | undefined = undefined;
  #toClientEnd: EndReason | undefined = undefined;
  #clientIsn = 0;
  #clientIsnKnown = false;
  #serverIsn = 0;
  #serverIsnKnown = false;
  #clientWindow = 0;
  #serverWindow = 0;
  #clientScale = 0;
  #serverScale = 0;

  /** `fromClient`: the side that sent this first packet opened the connection. */
  constructor(first: TcpPacket, fromClient: boolean, hash: number, context: FlowContext) {
    this.#family = first.family;
    this.#client0 = fromClient ? first.source0 : first.destination0;
    this.#client1 = fromClient ? first.source1 : first.destination1;
    this.#client2 = fromClient ? first.source2 : first.destination2;
    this.#client3 = fromClient ? first.source3 : first.destination3;
    this.#server0 = fromClient ? first.destination0 : first.source0;
    this.#server1 = fromClient ? first.destination1 : first.source1;
    this.#server2 = fromClient ? first.destination2 : first.source2;
    this.#server3 = fromClient ? first.destination3 : first.source3;
    this.#clientPort = fromClient ? first.sourcePort : first.destinationPort;
    this.#serverPort = fromClient ? first.destinationPort : first.sourcePort;
    this.hash = hash;
    this.#context = context;
    this.#midstream = (first.flags & syn) === 0;
    this.#toServer = new Assembler(0, this, context);
    this.#toClient = new Assembler(1, this, context);
    context.counters.connections += 1;
    if (this.#midstream) context.counters.connectionsMidstream += 1;
  }

  /** 0 or 1 when the packet has this connection's addresses and ports, else -1. */
  directionOf(packet: TcpPacket): Direction | -1 {
    if (packet.sourcePort === this.#clientPort && packet.destinationPort === this.#serverPort) {
      if (
        packet.source0 === this.#client0 &&
        packet.destination0 === this.#server0 &&
        packet.family === this.#family &&
        (packet.family === 4 || this.#isFromClient6(packet))
      ) {
        return 0;
      }
    }
    if (packet.sourcePort === this.#serverPort && packet.destinationPort === this.#clientPort) {
      if (
        packet.source0 === this.#server0 &&
        packet.destination0 === this.#client0 &&
        packet.family === this.#family &&
        (packet.family === 4 || this.#isFromServer6(packet))
      ) {
        return 1;
      }
    }
    return -1;
  }

  #isFromClient6(packet: TcpPacket): boolean {
    return (
      packet.source1 === this.#client1 &&
      packet.source2 === this.#client2 &&
      packet.source3 === this.#client3 &&
      packet.destination1 === this.#server1 &&
      packet.destination2 === this.#server2 &&
      packet.destination3 === this.#server3
    );
  }

  #isFromServer6(packet: TcpPacket): boolean {
    return (
      packet.source1 === this.#server1 &&
      packet.source2 === this.#server2 &&
      packet.source3 === this.#server3 &&
      packet.destination1 === this.#client1 &&
      packet.destination2 === this.#client2 &&
      packet.destination3 === this.#client3
    );
  }

  /** Whether this SYN opens another connection between the same two endpoints. */
  isReusedBy(packet: TcpPacket, direction: Direction): boolean {
    const { sequence } = packet;
    const known = direction === 0 ? this.#clientIsnKnown : this.#serverIsnKnown;
    const isn = direction === 0 ? this.#clientIsn : this.#serverIsn;
    if ((packet.flags & ack) === 0) {
      if (known) return sequence !== isn;
      // Both opened at once.
      if (this.state === FlowState.handshake) return false;
      const from = direction === 0 ? this.#toServer : this.#toClient;
      const behind = distance(from.position, advance(sequence, 1));
      return this.state === FlowState.closed || behind < 0 || behind > LATE_SYN_BYTES;
    }
    if (this.state === FlowState.closed) return !known || sequence !== isn;
    // The answer to a SYN that was not captured.
    const opener = advance(packet.acknowledgment, -1);
    return direction === 1 && this.#clientIsnKnown && opener !== this.#clientIsn;
  }

  packet(packet: TcpPacket, direction: Direction): void {
    this.seconds = packet.seconds;
    this.nanoseconds = packet.nanoseconds;
    const { flags } = packet;
    const from = direction === 0 ? this.#toServer : this.#toClient;
    const to = direction === 0 ? this.#toClient : this.#toServer;
    if ((flags & rst) !== 0) {
      this.#reset(packet, from, to, direction);
      return;
    }
    if (!from.seen) this.#first(packet, from);
    if (direction === 0) this.#clientWindow = packet.window;
    else this.#serverWindow = packet.window;
    if ((flags & ack) !== 0) {
      if (!to.started) to.start(packet.acknowledgment);
      to.acknowledge(packet.acknowledgment);
    }
    const hasPayload = packet.end !== packet.start || packet.missingBytes !== 0;
    if (hasPayload && to.waiting && to.unseenBytes > 0) {
      this.#handler?.unseen?.(direction === 0 ? 1 : 0, to.unseenBytes);
    }
    if ((flags & SPECIAL) !== 0) this.#special(packet, from, direction);
    else if (hasPayload) from.segment(packet, packet.sequence);
    if (this.state !== FlowState.open) this.#updateState(packet, direction, hasPayload);
    if (from.waiting || to.waiting) this.review(packet.seconds);
  }

  /** Something waits for packets that may never come. */
  get waiting(): boolean {
    return this.#toServer.waiting || this.#toClient.waiting;
  }

  /** Gives up what has waited for too long. */
  review(seconds: number): void {
    this.#toServer.review(seconds, this.#toClient.seen);
    this.#toClient.review(seconds, this.#toServer.seen);
  }

  /** Once a second of packet time, when it has packets. */
  refresh(): void {
    this.#toServer.forgetStale();
    this.#toClient.forgetStale();
  }

  /** Tells what is held and ends both directions. */
  close(how: EndReason): void {
    this.#toServer.close(how);
    this.#toClient.close(how);
    this.state = FlowState.closed;
  }

  handler(): ConnectionHandler {
    return this.#handler ?? this.#open();
  }

  ended(direction: Direction, how: EndReason): void {
    if (this.#handler !== undefined) {
      this.#handler.end(direction, how, this.seconds, this.nanoseconds);
    } else if (direction === 0) {
      this.#toServerEnd = how;
    } else {
      this.#toClientEnd = how;
    }
    const from = direction === 0 ? this.#toServer : this.#toClient;
    const to = direction === 0 ? this.#toClient : this.#toServer;
    if (to.ended) {
      this.#handler = undefined;
      this.#count(how);
      this.state = FlowState.closed;
    } else if (from.seen && !to.seen) {
      // The other direction is not captured: most likely nothing more comes.
      this.state = FlowState.closed;
    }
  }

  #count(how: EndReason): void {
    const { counters } = this.#context;
    switch (how) {
      case "fin":
        counters.closedByFin += 1;
        return;
      case "rst":
        counters.closedByReset += 1;
        return;
      case "idle":
        counters.closedByIdle += 1;
        return;
      case "port-reuse":
        counters.closedByPortReuse += 1;
        return;
      case "capture-end":
        counters.closedByCaptureEnd += 1;
        return;
      case "evicted":
        if (this.list === FlowState.handshake) counters.evictedHandshakes += 1;
        else counters.evictedOpen += 1;
    }
  }

  #open(): ConnectionHandler {
    const context = this.#context;
    context.numbered += 1;
    this.#handler = context.onConnection({
      client: {
        address: addressText(
          this.#family,
          this.#client0,
          this.#client1,
          this.#client2,
          this.#client3,
        ),
        port: this.#clientPort,
      },
      server: {
        address: addressText(
          this.#family,
          this.#server0,
          this.#server1,
          this.#server2,
          this.#server3,
        ),
        port: this.#serverPort,
      },
      midstream: this.#midstream,
      number: context.numbered,
      seconds: this.seconds,
      nanoseconds: this.nanoseconds,
    });
    const { seconds, nanoseconds } = this;
    if (this.#toServerEnd !== undefined) {
      this.#handler.end(0, this.#toServerEnd, seconds, nanoseconds);
    }
    if (this.#toClientEnd !== undefined) {
      this.#handler.end(1, this.#toClientEnd, seconds, nanoseconds);
    }
    return this.#handler;
  }

  /** The first captured packet of a direction says where it begins, unless the peer's packets did. */
  #first(packet: TcpPacket, from: Assembler): void {
    from.seen = true;
    const begin = advance(packet.sequence, (packet.flags & syn) === 0 ? 0 : 1);
    const apart = distance(begin, from.position);
    const astray = apart > AHEAD_BYTES_MAX || apart + AHEAD_BYTES_MAX < 0;
    if (!from.started || astray) from.start(begin);
  }

  /** SYN, FIN or URG. */
  #special(packet: TcpPacket, from: Assembler, direction: Direction): void {
    const { flags } = packet;
    let { sequence } = packet;
    if ((flags & urg) !== 0) this.#context.counters.urgentSegments += 1;
    if ((flags & syn) !== 0) {
      const scale = Math.min(Math.max(packet.windowScale, 0), WINDOW_SCALE_MAX);
      if (direction === 0) {
        this.#clientIsn = sequence;
        this.#clientIsnKnown = true;
        this.#clientScale = scale;
      } else {
        this.#serverIsn = sequence;
        this.#serverIsnKnown = true;
        this.#serverScale = scale;
      }
      sequence = advance(sequence, 1);
    }
    const length = packet.end - packet.start + packet.missingBytes;
    if (length > 0) from.segment(packet, sequence);
    if ((flags & fin) !== 0) from.fin(advance(sequence, length));
  }

  /** Half-open connections are the first to go when the table is full; closed ones are only remembered. */
  #updateState(packet: TcpPacket, direction: Direction, hasPayload: boolean): void {
    const bothEnded = this.#toServer.ended && this.#toClient.ended;
    if (bothEnded) return;
    if (this.state === FlowState.closed) {
      const from = direction === 0 ? this.#toServer : this.#toClient;
      if (!from.ended) this.state = FlowState.open;
    } else if (hasPayload || (direction === 0 && (packet.flags & syn) === 0)) {
      this.state = FlowState.open;
    }
  }

  #reset(packet: TcpPacket, from: Assembler, to: Assembler, direction: Direction): void {
    const { counters } = this.#context;
    const length = packet.end - packet.start;
    counters.seenBytes += length;
    counters.refusedInResetBytes += length;
    if (from.ended && to.ended) return;
    if (!this.#isResetValid(packet, from, to, direction)) {
      counters.resetsIgnored += 1;
      return;
    }
    from.seen = true;
    this.close("rst");
  }

  /** Within the receiver's window; or the refusal of a SYN, which has no place in the stream yet. */
  #isResetValid(packet: TcpPacket, from: Assembler, to: Assembler, direction: Direction): boolean {
    if (!from.started) {
      if ((packet.flags & ack) === 0 || !to.started) return true;
      // Short of the position where the refused SYN carried data.
      const short = distance(to.position, packet.acknowledgment);
      return short >= 0 && short <= WINDOW_BYTES;
    }
    const window =
      direction === 0
        ? this.#serverWindow * 2 ** this.#serverScale
        : this.#clientWindow * 2 ** this.#clientScale;
    const lowest = from.isAcknowledged ? from.acknowledged : from.position;
    const ahead = distance(packet.sequence, from.position);
    return distance(packet.sequence, lowest) >= 0 && ahead <= Math.max(window, WINDOW_BYTES);
  }
}
