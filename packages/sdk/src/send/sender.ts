/**
 * The connection to the replay server: the only file of the SDK that owns a socket. Connects, reconnects with jittered
 * back-off through the list of addresses, and moves bytes between socket and `ProducerSession`.
 *
 * Nothing here keeps the process alive, and no failure leaves this file except as a count and a rare line of log.
 */
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { TLSSocket, connect as connectTls } from "node:tls";
import {
  Backoff,
  CHANNEL_BINDING_BYTES,
  CHANNEL_BINDING_LABEL,
  NONCE_BYTES,
  PRODUCER_ID_BYTES,
  ProducerSession,
  printable,
} from "@mirrorball/protocol";
import type { FrameSink } from "./batch.ts";
import { contained } from "../guard/callbacks.ts";
import type { ServerAddress, Settings } from "../options.ts";
import { RareLog } from "../stats/rare-log.ts";

/** Back-off between attempts: full jitter between nothing and a ceiling that doubles. */
const BACKOFF = { firstMs: 100, longestMs: 30_000 };
/** A connection that lived this long was good: the next trouble starts at the shortest back-off. */
const HEALTHY_MS = 60_000;
const TICK_MS = 1000;
/** Bytes the socket may hold unsent; what waits behind them stays in the session, which is counted. */
const SOCKET_BYTES_MAX = 1024 * 1024;
/** Different troubles that are told apart; more of them are one. */
const TROUBLES_MAX = 32;
const NO_CONTEXT = Buffer.alloc(0);

export interface SenderOptions extends Pick<
  Settings,
  "servers" | "tls" | "service" | "token" | "log"
> {
  /** Exchanges that were offered since the beginning: the server is told, so that it knows what it never got. */
  readonly offered: () => number;
  /** The server is about to end: what waits is to be enqueued now. */
  readonly lastCall: () => void;
  /** The server would not have what a frame held: so many exchanges, and so many that it told of as lost. */
  readonly refused: (weight: number, told: number, reason: string) => void;
  /** Called when the server acknowledged or refused something. */
  readonly acknowledged: () => void;
  /** Called when everything that was enqueued is written. */
  readonly idle: () => void;
  /** Called with each frame that is acknowledged: its memory is free. */
  readonly released: (frame: Uint8Array) => void;
  /** Called with what was thrown in here; the connection is given up then. */
  readonly fault: (error: unknown) => void;
}

export class Sender implements FrameSink {
  readonly session: ProducerSession;
  readonly #options: SenderOptions;
  #socket: Socket | undefined;
  #address = 0;
  readonly #backoff: Backoff = new Backoff(BACKOFF);
  #connectedAtMs = 0;
  #retry: NodeJS.Timeout | undefined;
  #ticker: NodeJS.Timeout | undefined;
  /** By the cause of trouble: a new one is told whatever was told just before. */
  readonly #rareLogs: Map<string, RareLog> = new Map();
  #refusedWeight = 0;
  /** What the server was last told on this connection, and what it had when the connection began. */
  #toldOffered = 0;
  #accounted = 0;
  #troubled = false;
  #closed = false;
  readonly #onFault = (error: unknown): void => {
    this.#options.fault(error);
    this.#socket?.destroy();
  };
  /** Writes what may be written now. Call it after `enqueue`. */
  readonly pump: () => void = contained(() => this.#pump(), this.#onFault);

  constructor(options: SenderOptions) {
    this.#options = options;
    this.session = new ProducerSession({
      producerId: randomBytes(PRODUCER_ID_BYTES),
      service: options.service,
      agent: `mirrorball-sdk node/${process.versions.node}`,
      token: options.token,
      released: options.released,
      lastCall: () => this.#handOver(),
      settled: (weight, told, refusal) => {
        if (refusal === undefined) return;
        this.#refusedWeight += weight;
        options.refused(weight, told, refusal);
      },
    });
  }

  get settledWeight(): number {
    return this.session.ackedWeight + this.#refusedWeight;
  }

  get ackedWeight(): number {
    return this.session.ackedWeight;
  }

  enqueue(frame: Uint8Array, weight: number, told: number): void {
    this.session.enqueueFrame(frame, weight, told);
  }

  get connected(): boolean {
    return this.session.state === "open";
  }

  /** The address in use or tried next. */
  get server(): string {
    return this.#options.servers[this.#address]?.text ?? "";
  }

  /** An attempt is under way, and may succeed any moment. */
  get connecting(): boolean {
    return this.#socket !== undefined && !this.connected;
  }

  /** Connected, and everything that was enqueued is written. */
  get idle(): boolean {
    const socket = this.#socket;
    return (
      this.connected &&
      this.session.unsentFrames === 0 &&
      socket !== undefined &&
      socket.writableLength <= SOCKET_BYTES_MAX
    );
  }

  start(): void {
    this.#ticker = setInterval(
      contained(() => this.#tick(), this.#onFault),
      TICK_MS,
    );
    this.#ticker.unref();
    this.#connect();
  }

  #pump(): void {
    const socket = this.#socket;
    if (socket === undefined || socket.connecting || socket.writableLength > SOCKET_BYTES_MAX)
      return;
    const pieces = this.session.takeOutput();
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined) socket.write(only);
    else if (pieces.length > 1) {
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
    }
    const { failure } = this.session;
    if (failure !== undefined) this.#drop(failure.code, failure.message);
  }

  /** Says goodbye if it can, and lets go of everything. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#ticker);
    clearTimeout(this.#retry);
    this.pump();
    this.#sayGoodbye();
    this.#socket?.end();
    // The last bytes may still be on their way; nobody waits for them.
    this.#socket?.unref();
    this.#socket = undefined;
  }

  /**
   * The process ends in this moment: what the kernel takes without waiting is written, then the goodbye. A plain socket's
   * `write` asks it at once; through TLS, bytes are on their way only when the event loop goes on.
   */
  leave(): void {
    if (this.#closed) return;
    this.pump();
    this.#sayGoodbye();
  }

  /** With the last figures in front, by which the server knows what it never got. */
  #sayGoodbye(): void {
    if (this.connected) this.#tellFigures(false);
    this.session.bye();
    this.pump();
  }

  #connect(): void {
    const address = this.#options.servers[this.#address];
    if (this.#closed || address === undefined) return;
    try {
      this.#socket = this.#dial(address);
    } catch (error) {
      // A certificate that cannot be read, for one.
      const why = error instanceof Error ? error.message : String(error);
      this.#say(why, `cannot reach ${address.text}: ${why}`);
      this.#retryNext();
    }
  }

  #dial(address: ServerAddress): Socket {
    const where =
      "path" in address ? { path: address.path } : { host: address.host, port: address.port };
    const { tls } = this.#options;
    const socket = tls === undefined ? connect(where) : connectTls({ ...tls, ...where });
    const onOpen = contained(() => this.#opened(socket), this.#onFault);
    const onData = contained((chunk: Buffer) => this.#receive(socket, chunk), this.#onFault);
    const onDrain = contained(() => this.#drained(), this.#onFault);
    const onClose = contained(() => this.#lost(socket), this.#onFault);
    socket.unref();
    socket.once(tls === undefined ? "connect" : "secureConnect", onOpen);
    socket.on("data", onData).on("drain", onDrain).once("close", onClose);
    socket.on("error", (error: NodeJS.ErrnoException) =>
      this.#say(
        `${error.code ?? error.message} ${address.text}`,
        `cannot reach ${address.text}: ${error.message}`,
      ),
    );
    return socket;
  }

  #opened(socket: Socket): void {
    if (socket !== this.#socket) return;
    socket.setNoDelay(true);
    this.#connectedAtMs = performance.now();
    const binding =
      socket instanceof TLSSocket
        ? socket.exportKeyingMaterial(CHANNEL_BINDING_BYTES, CHANNEL_BINDING_LABEL, NO_CONTEXT)
        : undefined;
    this.session.connect(randomBytes(NONCE_BYTES), this.#connectedAtMs, binding);
    this.pump();
  }

  #receive(socket: Socket, chunk: Buffer): void {
    if (socket !== this.#socket) return;
    const before = this.settledWeight;
    const wasOpen = this.connected;
    this.session.receive(chunk, performance.now());
    if (!wasOpen && this.connected) {
      this.#accounted = this.session.ackedWeight + this.session.ackedTold;
      this.#tellFigures(false);
    }
    if (!wasOpen && this.connected && this.#troubled) {
      this.#troubled = false;
      this.#options.log(`mirrorball: connected to ${this.server} again`);
    }
    this.pump();
    if (this.settledWeight !== before) this.#options.acknowledged();
    if (this.idle) this.#options.idle();
  }

  #drained(): void {
    this.pump();
    if (this.idle) this.#options.idle();
  }

  /** The server is about to end: it gets what there is, and is told that this is all. */
  #handOver(): void {
    this.#options.lastCall();
    this.pump();
    this.#tellFigures(true);
  }

  #tellFigures(isLast: boolean): void {
    const offered = this.#options.offered();
    this.#toldOffered = offered;
    this.session.figures({ offered, accounted: this.#accounted, isLast: isLast ? 1 : 0 });
  }

  #tick(): void {
    this.session.tick(performance.now());
    if (this.connected && this.#options.offered() !== this.#toldOffered) this.#tellFigures(false);
    this.pump();
  }

  #drop(code: string, message: string): void {
    this.#say(code, `${this.server}: ${code}: ${message}`);
    this.#socket?.destroy();
  }

  #lost(socket: Socket): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    const lived = this.connected ? performance.now() - this.#connectedAtMs : 0;
    if (lived > HEALTHY_MS) {
      this.#backoff.reset();
      this.#rareLogs.clear();
    }
    if (!this.#closed) this.#retryNext();
    this.session.disconnect();
  }

  #retryNext(): void {
    this.#address = (this.#address + 1) % this.#options.servers.length;
    this.#retry = setTimeout(() => this.#connect(), this.#backoff.next(Math.random()));
    this.#retry.unref();
  }

  /** `trouble` names the cause: each is told at once when it is new, and then ever rarer. */
  #say(trouble: string, line: string): void {
    if (this.#closed) return;
    const logs = this.#rareLogs;
    const key = logs.has(trouble) || logs.size < TROUBLES_MAX ? trouble : "";
    const rareLog = logs.get(key) ?? new RareLog(this.#options.log);
    logs.set(key, rareLog);
    // What a server says must not forge lines in the log of the service, nor reach a terminal as commands.
    const told = `mirrorball: ${printable(line)}; the service goes on, what cannot be sent is counted`;
    if (rareLog.say(told, performance.now())) this.#troubled = true;
  }
}
