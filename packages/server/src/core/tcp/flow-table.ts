/**
 * All connections: finds the one a segment belongs to, opens new ones, and lets go of those that are over, quiet or
 * too many. Sans-IO; all times are packet times.
 *
 * A hash table with chains through the connections, and three lists by state in the order of last use, to the second.
 * A segment in order on a known connection allocates nothing.
 */
import { TcpFlag } from "../packet/tcp-packet.ts";
import type { TcpPacket } from "../packet/tcp-packet.ts";
import { TcpCounters } from "./counters.ts";
import { FlowHash } from "./flow-hash.ts";
import type { HashSeed } from "./flow-hash.ts";
import { FlowList } from "./flow-list.ts";
import { Flow, FlowState } from "./flow.ts";
import type { FlowContext } from "./flow.ts";
import { FLOW_LIMITS } from "./limits.ts";
import type { FlowLimits } from "./limits.ts";
import type { Direction, EndReason, OnConnection } from "./types.ts";

/** A power of two; the table doubles as connections come. */
const FIRST_BUCKETS = 1024;

export interface FlowTableOptions {
  /** The captured ports. Segments that neither come from nor go to one of them are counted and left alone. */
  readonly isServerPort: (port: number) => boolean;
  readonly onConnection: OnConnection;
  /**
   * Which side says what begins with these bytes; -1 when that cannot be told. Asked where both ports are captured and the
   * handshake was not; without it, or without an answer, the lower port is taken for the server's.
   */
  readonly speaker?: (chunk: Uint8Array, start: number, end: number) => Direction | -1;
  /** Random, so that nobody can make connections collide. Does not influence what is told. */
  readonly hashSeed: HashSeed;
  readonly limits?: Partial<FlowLimits>;
  /**
   * Holds bytes back until the peer acknowledged them: what never reached the receiver (forged, lost on the way) is
   * then told last, when the connection ends. Costs a copy of everything and needs both directions, hence off.
   */
  readonly deliverWhenAcknowledged?: boolean;
}

export interface FlowCounters extends Readonly<TcpCounters> {
  readonly heldBytes: number;
  /** Remembered connections, closed ones included. */
  readonly flows: number;
}

export class FlowTable {
  readonly #isServerPort: (port: number) => boolean;
  readonly #speaker: FlowTableOptions["speaker"];
  readonly #context: FlowContext;
  readonly #hash: FlowHash;
  #buckets: (Flow | undefined)[] = emptyBuckets(FIRST_BUCKETS);
  #mask: number = FIRST_BUCKETS - 1;
  readonly #open: FlowList = new FlowList(FlowState.open);
  readonly #handshake: FlowList = new FlowList(FlowState.handshake);
  readonly #closed: FlowList = new FlowList(FlowState.closed);
  /** Connections with holes, in the order in which they came about. */
  readonly #waiting: Set<Flow> = new Set();
  #size = 0;
  /** Segments come in runs of the same connection. */
  #last: Flow | undefined = undefined;
  #sweptSeconds = 0;

  constructor(options: FlowTableOptions) {
    const limits = { ...FLOW_LIMITS, ...options.limits };
    this.#isServerPort = options.isServerPort;
    this.#speaker = options.speaker;
    this.#hash = new FlowHash(options.hashSeed);
    this.#context = {
      counters: new TcpCounters(),
      limits,
      deliverWhenAcknowledged: options.deliverWhenAcknowledged ?? false,
      onConnection: options.onConnection,
      numbered: 0,
      heldCostBytes: 0,
      heldBytes: 0,
    };
  }

  packet(packet: TcpPacket): void {
    this.#context.counters.segments += 1;
    if (packet.seconds !== this.#sweptSeconds) this.tick(packet.seconds);
    let flow = this.#last;
    let direction: Direction | -1 = flow === undefined ? -1 : flow.directionOf(packet);
    let hash = 0;
    if (direction < 0) {
      hash = this.#hash.of(packet);
      flow = this.#buckets[hash & this.#mask];
      while (flow !== undefined) {
        direction = flow.directionOf(packet);
        if (direction >= 0) break;
        flow = flow.nextInBucket;
      }
    }
    if (flow !== undefined && direction >= 0) {
      if ((packet.flags & TcpFlag.syn) !== 0 || flow.isUnsure) {
        const how = this.#isOver(flow, packet, direction as Direction);
        if (how !== undefined) {
          hash = flow.hash;
          this.#remove(flow, how);
          flow = undefined;
        }
      }
    }
    if (flow === undefined || direction < 0) {
      flow = this.#create(packet, hash);
      if (flow === undefined) return;
      direction = flow.directionOf(packet);
      if (direction < 0) return;
    } else if (packet.seconds !== flow.seconds) this.#touch(flow);
    this.#last = flow;
    flow.packet(packet, direction as Direction);
    if (flow.waiting) this.#waiting.add(flow);
    if (flow.state !== flow.list) this.#move(flow);
  }

  /** Something came of it: it is the last of its list to be swept. */
  #touch(flow: Flow): void {
    const list = this.#listOf(flow);
    list.remove(flow);
    list.add(flow);
    flow.refresh();
  }

  /** Packet time has come to `seconds`: ends what has been quiet for too long. Live captures call it without packets too. */
  tick(seconds: number): void {
    const { limits } = this.#context;
    // Clocks are set back; then nothing is quiet for long, and the next second counts from there.
    if (seconds > this.#sweptSeconds) {
      this.#review(seconds);
      this.#sweep(this.#closed, seconds - limits.closedSeconds);
      this.#sweep(this.#handshake, seconds - limits.idleSeconds);
      this.#sweep(this.#open, seconds - limits.idleSeconds);
    }
    this.#sweptSeconds = seconds;
  }

  /** The capture is over: tells what is held and ends every connection, those quiet for longest first. */
  flush(): void {
    for (const list of [this.#closed, this.#handshake, this.#open]) {
      for (let flow = list.oldest; flow !== undefined; flow = list.oldest) {
        this.#remove(flow, "capture-end");
      }
    }
  }

  counters(): FlowCounters {
    const { counters, heldBytes } = this.#context;
    return Object.assign({ heldBytes, flows: this.#size }, counters);
  }

  /** Whether this packet is none of the connection's, and why. */
  #isOver(flow: Flow, packet: TcpPacket, direction: Direction): EndReason | undefined {
    const hasSyn = (packet.flags & TcpFlag.syn) !== 0;
    if (hasSyn && flow.isReusedBy(packet, direction)) return "port-reuse";
    if (!hasSyn && flow.isFollowedBy(packet, direction)) return "port-reuse";
    if (!flow.isGuess) return undefined;
    const speaker = hasSyn ? -1 : this.#speakerOf(packet);
    if (speaker < 0) return undefined;
    flow.confirm();
    return speaker === direction ? undefined : "reversed";
  }

  #speakerOf({ chunk, start, end }: TcpPacket): Direction | -1 {
    return start === end ? -1 : (this.#speaker?.(chunk, start, end) ?? -1);
  }

  #create(packet: TcpPacket, hash: number): Flow | undefined {
    const { counters, limits } = this.#context;
    const { flags } = packet;
    const toServer = this.#isServerPort(packet.destinationPort);
    const toClient = this.#isServerPort(packet.sourcePort);
    if (!toServer && !toClient) {
      counters.segmentsOfOtherPorts += 1;
      return undefined;
    }
    const hasSyn = (flags & TcpFlag.syn) !== 0;
    const hasPayload = packet.end !== packet.start || packet.missingBytes !== 0;
    if ((flags & TcpFlag.rst) !== 0 || (!hasSyn && !hasPayload)) {
      counters.segmentsOfUnknownConnections += 1;
      counters.seenBytes += packet.end - packet.start;
      counters.refusedInResetBytes += packet.end - packet.start;
      return undefined;
    }
    // Where both ports are captured, the opener is the client; without handshake, who speaks like one, or has the higher port.
    const isAnswer = (flags & TcpFlag.ack) !== 0;
    const isOpen = toServer && toClient;
    const speaker = isOpen && !hasSyn ? this.#speakerOf(packet) : -1;
    const byPort = packet.sourcePort >= packet.destinationPort;
    const likely = hasSyn ? !isAnswer : speaker < 0 ? byPort : speaker === 0;
    const fromClient = isOpen ? likely : toServer;
    const isGuess = isOpen && !hasSyn && speaker < 0;
    while (this.#size >= limits.flowsMax) this.#evict();
    if (this.#size > this.#mask) this.#grow();
    const flow = new Flow(packet, fromClient, isGuess, hash, this.#context);
    flow.nextInBucket = this.#buckets[hash & this.#mask];
    this.#buckets[hash & this.#mask] = flow;
    this.#size += 1;
    this.#handshake.add(flow);
    return flow;
  }

  /** Doubles the table, so that a chain holds one connection on average. */
  #grow(): void {
    const before = this.#buckets;
    this.#buckets = emptyBuckets(before.length * 2);
    this.#mask = this.#buckets.length - 1;
    for (const first of before) {
      for (let flow = first; flow !== undefined;) {
        const next: Flow | undefined = flow.nextInBucket;
        const index = flow.hash & this.#mask;
        flow.nextInBucket = this.#buckets[index];
        this.#buckets[index] = flow;
        flow = next;
      }
    }
  }

  #evict(): void {
    const flow = this.#closed.oldest ?? this.#handshake.oldest ?? this.#open.oldest;
    if (flow === undefined) return;
    this.#remove(flow, flow.list === FlowState.closed ? "idle" : "evicted");
  }

  #sweep(list: FlowList, before: number): void {
    for (let flow = list.oldest; flow !== undefined; flow = list.oldest) {
      if (flow.seconds >= before) return;
      this.#remove(flow, "idle");
    }
  }

  /** A connection may have no packet left that would notice that its hole is too old. */
  #review(seconds: number): void {
    for (const flow of this.#waiting) {
      flow.review(seconds);
      if (!flow.waiting) this.#waiting.delete(flow);
      if (flow.state !== flow.list) this.#move(flow);
    }
  }

  #move(flow: Flow): void {
    this.#listOf(flow).remove(flow);
    this.#listFor(flow.state).add(flow);
  }

  #remove(flow: Flow, how: EndReason): void {
    this.#listOf(flow).remove(flow);
    const index = flow.hash & this.#mask;
    let before = this.#buckets[index];
    if (before === flow) this.#buckets[index] = flow.nextInBucket;
    else {
      while (before !== undefined && before.nextInBucket !== flow) before = before.nextInBucket;
      if (before !== undefined) before.nextInBucket = flow.nextInBucket;
    }
    flow.nextInBucket = undefined;
    this.#waiting.delete(flow);
    if (this.#last === flow) this.#last = undefined;
    this.#size -= 1;
    flow.close(how);
  }

  #listOf(flow: Flow): FlowList {
    return this.#listFor(flow.list);
  }

  #listFor(state: FlowState): FlowList {
    if (state === FlowState.handshake) return this.#handshake;
    return state === FlowState.closed ? this.#closed : this.#open;
  }
}

function emptyBuckets(count: number): (Flow | undefined)[] {
  // Several times as fast as Array.from, which counts when ten thousand connections open at once.
  const buckets: (Flow | undefined)[] = [];
  buckets.length = count;
  return buckets.fill(undefined);
}
