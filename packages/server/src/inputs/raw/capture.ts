/**
 * From packets to batches of messages: decoder, connections, HTTP readers, and the books of what became of every byte.
 * Knows nothing of where packets come from.
 */
import { randomBytes } from "node:crypto";
import { BodyState, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { scaledBytes } from "../../core/memory/process-memory.ts";
import type { Accepted, InputContext, InputStats } from "../../component/types.ts";
import { speakerOf } from "../../core/http/captured/speaker.ts";
import { HELD_BYTES_MAX, StreamTally } from "../../core/http/captured/stream-limits.ts";
import { withField } from "../../core/http/edit/with-field.ts";
import { PacketDecoder } from "../../core/packet/decode.ts";
import type { PacketSink } from "../../core/packet/types.ts";
import { CaptureCounters } from "../../core/pair/capture-counters.ts";
import { HttpConnection } from "../../core/pair/http-connection.ts";
import { FLOW_LIMITS } from "../../core/tcp/limits.ts";
import { FlowTable } from "../../core/tcp/flow-table.ts";
import { captureStats } from "./stats.ts";
import type { SourceDrops } from "./engine.ts";
import { unreadWarning } from "./unread.ts";

/** Messages that are handed on together. */
const BATCH_MAX = 256;
/** Bytes of them: who writes a batch should not hold everything else up for long. */
const BATCH_BYTES_MAX: number = 2 * 1024 * 1024;
/** Bytes of messages that wait here while the pipeline is full; live traffic does not wait. */
const WAITING_BYTES_MAX: number = scaledBytes(64 * 1024 * 1024);
/** The same in messages. */
const HELD_MESSAGES_MAX = 100_000;

/** What whoever captures it may have expected to be read. */
const PROTOCOLS: ReadonlyMap<string, string> = new Map([
  ["unsupported:http0.9", "HTTP/0.9"],
  ["unsupported:socks", "SOCKS"],
  ["unsupported:tls", "TLS"],
  ["unsupported:http2", "HTTP/2"],
]);

export interface CaptureSettings {
  readonly ports: readonly number[];
  readonly trackResponses: boolean;
  readonly allowIncomplete: boolean;
  readonly realIpHeader: string;
  readonly idleSeconds: number;
  /** The packets' source waits when it is asked to: then nothing is dropped, and what there is at once is bounded where it is read. */
  readonly canWait: boolean;
}

export class Capture {
  readonly sink: PacketSink;
  readonly #context: InputContext;
  readonly #table: FlowTable;
  readonly #decoder: PacketDecoder;
  readonly #tally: StreamTally;
  readonly #counters: CaptureCounters = new CaptureCounters();
  readonly #allowIncomplete: boolean;
  readonly #canWait: boolean;
  #batch: Message[] = [];
  #heldBytes = 0;
  #cutBodies = 0;
  /** At the last tick. */
  #segments = 0;
  #waiting: Promise<void> | undefined;
  #isHeld = false;
  /** Reasons that were said. */
  readonly #warned: Set<string> = new Set();

  constructor(context: InputContext, settings: CaptureSettings) {
    this.#context = context;
    this.#allowIncomplete = settings.allowIncomplete;
    this.#canWait = settings.canWait;
    const { trackResponses, allowIncomplete, realIpHeader } = settings;
    this.#tally = new StreamTally(scaledBytes(HELD_BYTES_MAX), allowIncomplete);
    const shared = {
      trackResponses,
      allowIncomplete,
      skipReplays: context.loopGuard,
      tally: this.#tally,
      counters: this.#counters,
      emit: (message: Message, client: string) => {
        const isTold = realIpHeader !== "" && message.kind === MessageKind.request;
        this.#keep(isTold ? withRealIp(message, realIpHeader, client) : message);
      },
      lost: (reason: string) => context.dropped(reason, 1),
    };
    const ports = new Set(settings.ports);
    const seed = randomBytes(16);
    this.#table = new FlowTable({
      isServerPort: (port) => ports.size === 0 || ports.has(port),
      speaker: speakerOf,
      onConnection: (info) => new HttpConnection(info, shared),
      hashSeed: [
        seed.readInt32LE(0),
        seed.readInt32LE(4),
        seed.readInt32LE(8),
        seed.readInt32LE(12),
      ],
      limits: {
        idleSeconds: settings.idleSeconds,
        heldBytesMax: scaledBytes(FLOW_LIMITS.heldBytesMax),
      },
    });
    this.#decoder = new PacketDecoder(this.#table);
    this.sink = this.#decoder;
  }

  /** Nothing is handed on until `begin`: the capture is open, and nobody is there yet to take it. */
  hold(): void {
    this.#isHeld = true;
  }

  begin(): void {
    this.#isHeld = false;
    void this.flush();
  }

  /** Hands on what is complete. A promise asks sources that can wait to do so. */
  flush(): Accepted {
    if (this.#waiting !== undefined || this.#isHeld) return this.#waiting;
    if (this.#batch.length === 0) return undefined;
    const batch = this.#batch;
    this.#batch = [];
    this.#heldBytes = 0;
    const wait = this.#context.emit(batch);
    if (wait !== undefined) this.#waiting = this.#resume(wait);
    return this.#waiting;
  }

  /** Live captures, once a second: packet time goes on without packets. While they come they tell it, however late they are. */
  tick(seconds: number): void {
    const { segments } = this.#table.counters();
    if (segments === this.#segments) this.#table.tick(seconds);
    this.#segments = segments;
    this.#warnOfProtocols();
  }

  /** The capture is over. */
  async end(): Promise<void> {
    this.#table.flush();
    this.#warnOfProtocols();
    this.begin();
    while (this.#batch.length > 0) await this.flush();
  }

  stats(drops: SourceDrops): InputStats {
    return captureStats(
      {
        packets: this.#decoder.counters,
        tcp: this.#table.counters(),
        tally: this.#tally,
        messages: this.#counters,
        allowIncomplete: this.#allowIncomplete,
        cutBodies: this.#cutBodies,
      },
      drops,
    );
  }

  /** What a person should know of packets that could not be read. */
  unread(isOver: boolean): string | undefined {
    return unreadWarning(this.#decoder.counters, isOver);
  }

  /** All packets so far. */
  get packets(): number {
    return this.#decoder.counters.packets;
  }

  async #resume(wait: Promise<void>): Promise<void> {
    await wait;
    this.#waiting = undefined;
    await this.flush();
  }

  /** What is no HTTP/1 is said once, by name; how much of it there is, the figures tell. */
  #warnOfProtocols(): void {
    for (const reason of this.#tally.skippedBytesBy.keys()) {
      const name = PROTOCOLS.get(reason);
      if (name === undefined || this.#warned.has(reason)) continue;
      this.#warned.add(reason);
      this.#context.log.warn(`${name} was captured, which is not read: counted as ${reason}`);
    }
  }

  #keep(message: Message): void {
    const isFull = this.#batch.length >= HELD_MESSAGES_MAX || this.#heldBytes >= WAITING_BYTES_MAX;
    if (isFull && !this.#canWait && (this.#waiting !== undefined || this.#isHeld)) {
      this.#context.dropped("queue-full", 1);
      return;
    }
    if (message.context?.bodyState === BodyState.truncated) this.#cutBodies += 1;
    this.#batch.push(message);
    this.#heldBytes += message.http.byteLength;
    if (this.#batch.length >= BATCH_MAX || this.#heldBytes >= BATCH_BYTES_MAX) void this.flush();
  }
}

function withRealIp(message: Message, name: string, client: string): Message {
  return { ...message, http: withField(message.http, name, client) };
}
