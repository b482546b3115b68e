/**
 * One incarnation of a connection: two assemblers, the handshake, resets, and the reader that is told. Sans-IO.
 * Knows nothing of other connections; where it is kept is the table's business.
 */
import { TcpFlag } from "../packet/tcp-packet.ts";
import type { TcpPacket } from "../packet/tcp-packet.ts";
import { SegmentAssembler } from "./segment-assembler.ts";
import { Handshake } from "./handshake.ts";
import { AHEAD_BYTES_MAX } from "./limits.ts";
import { Belief, beliefIn } from "./reset.ts";
import { advance, distance } from "./sequence.ts";
import type { ConnectionHandler, Direction, EndReason, OnConnection } from "./types.ts";
import type { AssemblerContext, AssemblerOwner } from "./waiting.ts";

/**
 * Which list of the table a connection belongs to, least valuable last. `reset`: open as far as anybody can tell, but one side
 * broke it off, and the other has not shown yet that it did not care.
 */
export const FlowState = { open: 0, handshake: 1, closed: 2, reset: 3 } as const;
export type FlowState = (typeof FlowState)[keyof typeof FlowState];

export interface FlowContext extends AssemblerContext {
  readonly onConnection: OnConnection;
  /** Connections that have a reader. */
  numbered: number;
}

interface UntoldEnd {
  readonly direction: Direction;
  readonly how: EndReason;
}

const { fin, syn, rst, ack, urg } = TcpFlag;
const SPECIAL = fin | syn | rst | urg;

export class Flow extends Handshake implements AssemblerOwner {
  // The table's: place in its bucket and in its list.
  readonly hash: number;
  nextInBucket: Flow | undefined = undefined;
  newer: Flow | undefined = undefined;
  older: Flow | undefined = undefined;
  list: FlowState = FlowState.handshake;

  state: FlowState = FlowState.handshake;
  /** The next packet may show that this is another connection, or that the sides are the other way round. */
  isUnsure: boolean;
  /** Time of the last packet. */
  seconds = 0;
  nanoseconds = 0;
  readonly #toServer: SegmentAssembler;
  readonly #toClient: SegmentAssembler;
  readonly context: FlowContext;
  readonly #midstream: boolean;
  #handler: ConnectionHandler | undefined = undefined;
  /** A direction that ended before there was anything to tell: the reader may come later. */
  #untold: UntoldEnd | undefined = undefined;
  #resetSeconds = 0;

  /** `fromClient`: the side that sent this first packet opened the connection; `isGuess`: as far as its port tells. */
  constructor(
    first: TcpPacket,
    fromClient: boolean,
    isGuess: boolean,
    hash: number,
    context: FlowContext,
  ) {
    super(first, fromClient);
    this.hash = hash;
    this.isUnsure = isGuess;
    this.context = context;
    this.#midstream = (first.flags & syn) === 0;
    this.#toServer = new SegmentAssembler(0, this);
    this.#toClient = new SegmentAssembler(1, this);
    this.#toServer.peer = this.#toClient;
    this.#toClient.peer = this.#toServer;
    context.counters.connections += 1;
    if (this.#midstream) context.counters.connectionsMidstream += 1;
  }

  /** Whether this SYN opens another connection between the same two endpoints. */
  isReusedBy(packet: TcpPacket, direction: Direction): boolean {
    const { state } = this;
    const from = direction === 0 ? this.#toServer : this.#toClient;
    const isReused = this.isReplacedBy(packet, direction, {
      isClosed: state === FlowState.closed || state === FlowState.reset,
      isOpening: state === FlowState.handshake,
      isTwoSided: this.#toServer.seen && this.#toClient.seen,
      position: from.position,
    });
    if (this.hasRival) this.isUnsure = true;
    return isReused;
  }

  /** Whether this packet is the first of a connection whose SYN came on this one, and whose answer was not captured. */
  isFollowedBy(packet: TcpPacket, direction: Direction): boolean {
    return this.isOfRival(packet, direction);
  }

  /** The sides are guessed, because the connection was not captured from its beginning. */
  get isGuess(): boolean {
    return this.isUnsure && this.#midstream && !this.hasRival;
  }

  /** They are known now. */
  confirm(): void {
    this.isUnsure = this.hasRival;
  }

  packet(packet: TcpPacket, direction: Direction): void {
    this.seconds = packet.seconds;
    this.nanoseconds = packet.nanoseconds;
    const { flags } = packet;
    const from = direction === 0 ? this.#toServer : this.#toClient;
    const to = direction === 0 ? this.#toClient : this.#toServer;
    if ((flags & rst) !== 0) {
      this.#reset(packet, from, to);
      return;
    }
    if ((flags & syn) !== 0 && this.isStray(packet, direction)) return;
    if (!from.seen) this.#first(packet, from);
    to.window = packet.window;
    if ((flags & ack) !== 0) {
      if (!to.started) to.start(packet.acknowledgment);
      to.acknowledge(packet.acknowledgment);
    }
    const hasPayload = packet.end !== packet.start || packet.missingBytes !== 0;
    if ((flags & SPECIAL) !== 0) this.#special(packet, from, to, direction);
    else if (hasPayload) from.segment(packet, packet.sequence);
    if (this.state !== FlowState.open) this.#updateState(packet, direction, hasPayload);
    if (from.waiting || to.waiting) this.review(packet.seconds);
  }

  /** Something waits for packets that may never come. */
  get waiting(): boolean {
    return this.#toServer.waiting || this.#toClient.waiting || this.state === FlowState.reset;
  }

  /** Tells what can be told, and gives up what has waited for too long. */
  review(seconds: number): void {
    const { acknowledgedHoleSeconds } = this.context.limits;
    const silent = Math.abs(seconds - this.#resetSeconds);
    if (this.state === FlowState.reset && silent >= acknowledgedHoleSeconds) {
      this.close("rst");
      return;
    }
    do this.tellReady();
    while (this.#toServer.giveUp(seconds) || this.#toClient.giveUp(seconds));
  }

  tellReady(): void {
    const [a, b] = [this.#toServer, this.#toClient];
    for (;;) {
      while (a.drain() || b.drain());
      // Each waits for the other: one is a repetition, which carries a later acknowledgement. Requests come first.
      if (!a.isReadyButBlocked || !b.isReadyButBlocked) return;
      a.force();
    }
  }

  /** Once a second of packet time, when it has packets. */
  refresh(): void {
    this.#toServer.forgetStale();
    this.#toClient.forgetStale();
  }

  /** Tells what is held and ends both directions. */
  close(how: EndReason): void {
    const reason = this.state === FlowState.reset ? "rst" : how;
    const [a, b] = [this.#toServer, this.#toClient];
    this.tellReady();
    while (a.hasHeld || b.hasHeld) {
      // Answers come behind what they answer.
      const isFirst = a.hasHeld && (!a.isBlocked || !b.hasHeld || b.isBlocked);
      if (isFirst) a.force();
      else b.force();
      this.tellReady();
    }
    a.close(reason);
    b.close(reason);
    this.state = FlowState.closed;
  }

  handler(): ConnectionHandler {
    return this.#handler ?? this.#open();
  }

  ended(direction: Direction, how: EndReason): void {
    if (this.#handler === undefined) this.#untold = { direction, how };
    else this.#handler.end(direction, how, this.seconds, this.nanoseconds);
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
    const { counters } = this.context;
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
      case "reversed":
        // It goes on as another.
        counters.connections -= 1;
        counters.connectionsMidstream -= 1;
        return;
      case "evicted":
        if (this.list === FlowState.handshake) counters.evictedHandshakes += 1;
        else counters.evictedOpen += 1;
    }
  }

  #open(): ConnectionHandler {
    const context = this.context;
    context.numbered += 1;
    this.#handler = context.onConnection({
      client: this.client,
      server: this.server,
      midstream: this.#midstream,
      number: context.numbered,
      seconds: this.seconds,
      nanoseconds: this.nanoseconds,
    });
    const untold = this.#untold;
    this.#untold = undefined;
    if (untold !== undefined) {
      this.#handler.end(untold.direction, untold.how, this.seconds, this.nanoseconds);
    }
    return this.#handler;
  }

  /** The first captured packet of a direction says where it begins, unless the peer's packets did and can be right. */
  #first(packet: TcpPacket, from: SegmentAssembler): void {
    const hasSyn = (packet.flags & syn) !== 0;
    const begin = advance(packet.sequence, hasSyn ? 1 : 0);
    if (!from.started) from.start(begin);
    else if (hasSyn || isElsewhere(packet, distance(begin, from.position), from)) {
      from.restart(begin);
    }
    from.seen = true;
  }

  /** SYN, FIN or URG. */
  #special(
    packet: TcpPacket,
    from: SegmentAssembler,
    to: SegmentAssembler,
    direction: Direction,
  ): void {
    const { flags } = packet;
    let { sequence } = packet;
    if ((flags & urg) !== 0) this.context.counters.urgentSegments += 1;
    if ((flags & syn) !== 0) {
      this.noteSyn(packet, direction);
      to.setScale(packet.windowScale);
      sequence = advance(sequence, 1);
      if (sequence !== from.position) from.restart(sequence);
    }
    const length = packet.end - packet.start + packet.missingBytes;
    if (length > 0) from.segment(packet, sequence);
    if ((flags & fin) !== 0) from.fin(advance(sequence, length));
  }

  /** Half-open connections are the first to go when the table is full; closed ones are only remembered. */
  #updateState(packet: TcpPacket, direction: Direction, hasPayload: boolean): void {
    const bothEnded = this.#toServer.ended && this.#toClient.ended;
    if (bothEnded) return;
    if (this.state === FlowState.reset) {
      // Somebody goes on: the reset was not for him, or came out of his window and was challenged (RFC 5961 3).
      this.context.counters.resetsIgnored += 1;
      this.state = FlowState.open;
    } else if (this.state === FlowState.closed) {
      const from = direction === 0 ? this.#toServer : this.#toClient;
      if (!from.ended) this.state = FlowState.open;
    } else if (hasPayload || (direction === 0 && (packet.flags & syn) === 0)) {
      this.state = FlowState.open;
    }
  }

  #reset(packet: TcpPacket, from: SegmentAssembler, to: SegmentAssembler): void {
    const { counters } = this.context;
    const length = packet.end - packet.start;
    counters.seenBytes += length;
    counters.refusedInResetBytes += length;
    if (from.ended && to.ended) return;
    const belief = beliefIn(packet, from, to);
    if (belief === Belief.none) {
      counters.resetsIgnored += 1;
      return;
    }
    from.seen = true;
    if (belief === Belief.certain) {
      this.close("rst");
      return;
    }
    this.state = FlowState.reset;
    this.#resetSeconds = packet.seconds;
  }
}

/** `apart` from where the peer's packets say that its direction begins: further than they can be right, or data before it. */
function isElsewhere({ start, end }: TcpPacket, apart: number, from: SegmentAssembler): boolean {
  return apart > from.windowBytes || apart < -AHEAD_BYTES_MAX || (apart < 0 && end !== start);
}
