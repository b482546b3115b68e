/**
 * `--output-tcp` in mirrorball's acknowledged frames: one connection, kept order, and a message counts as delivered only when the
 * other server has acknowledged it. What is not acknowledged is kept over any number of connections and sent again;
 * the other server leaves out what it has. With a journal the next run goes on where this one was killed: the other server says
 * which frames it has, and the journal which messages those are.
 */
import { randomBytes } from "node:crypto";
import {
  Backoff,
  MINOR_MESSAGES,
  MINOR_RESUME,
  NONCE_BYTES,
  PRODUCER_ID_BYTES,
  ProducerSession,
} from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { channelBinding } from "../../component/net/channel-binding.ts";
import type { Output, OutputContext, OutputStats, OutputStream } from "../../component/types.ts";
import { FramePacker } from "./frame-packer.ts";
import { Link } from "./link.ts";
import type { LinkOptions } from "./link.ts";
import { Outbox } from "./outbox.ts";
import { Waiters } from "../../core/waiters.ts";

/** Back-off between attempts: full jitter between nothing and a ceiling that doubles; the queue waits meanwhile. */
const BACKOFF = { firstMs: 100, longestMs: 5000 };
const TICK_MS = 1000;
/** Bytes that may be unacknowledged: twice the credit of one connection, so that the next frames are ready. */
const UNACKED_BYTES_MAX = 8 * 1024 * 1024;
/** Bytes the socket may hold unsent; what waits behind them stays in the session. */
const SOCKET_BYTES_MAX = 1024 * 1024;
const TAKE_STEP = 64;
/** A gor waits for more, says nothing and closes nothing. */
const GOR_HINT = " (if it is a gor: --output-tcp-format gor)";
const HINTS: Readonly<Record<string, string>> = {
  "client-certificate": " (see --output-tcp-certificate)",
  "token-required": " (see --output-tcp-token)",
  "token-unbound": " (see --input-tcp-token-unbound of the other server)",
};

export interface FrameSenderOptions {
  readonly reload: (() => void) | undefined;
  readonly link: Pick<LinkOptions, "address" | "tls" | "name">;
  readonly token: string | undefined;
}

/** More fields than a class should have: it joins packer, outbox, session and link, and counts for the summary what only it sees. */
export class FrameSender implements Output {
  readonly reload: (() => void) | undefined;
  readonly #context: OutputContext;
  readonly #token: string | undefined;
  readonly #stream: OutputStream | undefined;
  #session: ProducerSession;
  readonly #packer: FramePacker;
  readonly #outbox: Outbox;
  readonly #link: Link;
  /** Taken, packed, not acknowledged: oldest first, in the order of the frames. */
  #flying: Message[] = [];
  /** A piece of a large message was refused: it cannot be whole on the other side. */
  #isBroken = false;
  /** Messages that the receiver had from an earlier run. */
  #alreadyThere = 0;
  /** Messages that an earlier run may have sent, and that it does not have. */
  #sentAgain = 0;
  /** Messages that it may have had from one, under a name that it does not know us by any more. */
  #uncertain = 0;
  readonly #backoff: Backoff = new Backoff(BACKOFF);
  #ticker: NodeJS.Timeout | undefined;
  #waking = false;
  /** The receiver has shown that it understands frames. */
  #answered = false;
  readonly #idle: Waiters = new Waiters();

  constructor(context: OutputContext, { link, token, reload }: FrameSenderOptions) {
    this.reload = reload;
    this.#context = context;
    this.#token = token;
    this.#stream = context.stream?.();
    this.#session = this.#makeSession();
    this.#outbox = new Outbox(this.#stream, {
      ready: ({ payload, messages }) => this.#session.enqueue(payload, messages),
      woken: () => this.#wake(),
    });
    this.#packer = new FramePacker({
      packed: (message) => {
        this.#flying.push(message);
        this.#outbox.packed(message);
      },
      frame: (packed) => this.#outbox.frame(packed),
      unfit: (reason, message) => context.ledger.failed(reason, [message]),
    });
    this.#link = new Link({
      ...link,
      log: context.log,
      pauseMs: () => this.#backoff.next(Math.random()),
      opened: () => this.#opened(),
      received: (chunk) => this.#received(chunk),
      drained: () => this.#pump(),
      lost: () => this.#session.disconnect(),
    });
    context.queue.onReadable = () => this.#wake();
  }

  async start(): Promise<void> {
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#link.start();
  }

  async drain(): Promise<void> {
    if (this.#quiet) return;
    const idle = this.#idle.wait();
    this.#pump();
    await idle;
  }

  async close(): Promise<void> {
    clearInterval(this.#ticker);
    if (this.#quiet) {
      // A goodbye with frames outstanding would tell the other side that they will not come.
      this.#session.bye();
      this.#write();
    }
    this.#link.close();
    this.#idle.release();
  }

  stats(): OutputStats {
    if (this.#stream === undefined) return {};
    return {
      counts: {
        alreadyThere: this.#alreadyThere,
        sentAgain: this.#sentAgain,
        uncertain: this.#uncertain,
      },
    };
  }

  trouble(): string | undefined {
    return this.#link.trouble;
  }

  #makeSession(): ProducerSession {
    const stream = this.#stream;
    return new ProducerSession({
      producerId: stream?.producerId ?? randomBytes(PRODUCER_ID_BYTES),
      epoch: stream?.epoch ?? 0,
      service: "mirrorball",
      agent: `mirrorball node/${process.versions.node}`,
      token: this.#token,
      settled: (messages, _told, refusal) => this.#settled(messages, refusal),
      minorNeeded: stream === undefined ? MINOR_MESSAGES : MINOR_RESUME,
      ...(stream === undefined
        ? {}
        : { resume: { firstUnackedSeq: stream.firstUnackedSeq, lastSeq: stream.lastSeq } }),
    });
  }

  get #quiet(): boolean {
    return this.#context.queue.length === 0 && this.#flying.length === 0;
  }

  /** Messages that arrive in the same turn of the event loop go into the same frames. */
  #wake(): void {
    if (this.#waking) return;
    this.#waking = true;
    queueMicrotask(() => {
      this.#waking = false;
      this.#pump();
    });
  }

  /** Fills the session as far as its bound, and the socket as far as its own. */
  #pump(): void {
    const { queue } = this.#context;
    if (this.#session.state === "open") {
      while (queue.length > 0 && this.#heldBytes < UNACKED_BYTES_MAX) {
        this.#take(queue.takeBatch(TAKE_STEP));
      }
      this.#packer.flush();
    }
    this.#write();
    if (this.#quiet) this.#idle.release();
  }

  get #heldBytes(): number {
    return this.#session.unackedBytes + this.#outbox.waitingBytes;
  }

  #take(messages: readonly Message[]): void {
    const there: Message[] = [];
    for (const message of messages) {
      if (this.#stream?.received(message) === true) there.push(message);
      else this.#packer.push(message);
    }
    if (there.length === 0) return;
    this.#alreadyThere += there.length;
    this.#context.ledger.delivered(there);
  }

  #write(): void {
    const { socket } = this.#link;
    if (socket === undefined || socket.writableLength > SOCKET_BYTES_MAX) return;
    const pieces = this.#session.takeOutput();
    if (pieces.length > 0) {
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
    }
    const { failure } = this.#session;
    if (failure === undefined) return;
    if (failure.code === "ack-ahead") this.#renew();
    this.#link.drop(`${failure.code}: ${failure.message}${this.#hintFor(failure.code)}`);
  }

  #hintFor(code: string): string {
    if (code !== "handshake-timeout") return HINTS[code] ?? "";
    // One that has answered is none, in this run or in the one that made frames for it.
    return this.#answered || (this.#stream?.lastSeq ?? 0) > 0 ? "" : GOR_HINT;
  }

  /** The receiver has frames of ours that the journal knows nothing of, as when the journal is an old copy of itself. */
  #renew(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#session.resumedSeq !== undefined) return;
    this.#uncertain = stream.renew();
    this.#session = this.#makeSession();
    this.#context.log.warn(
      `the other server has more of this journal than the journal knows: it is an old state or a copy; ${this.#uncertain} messages may arrive twice`,
    );
  }

  #opened(): void {
    const binding = channelBinding(this.#link.socket);
    const nonce = randomBytes(NONCE_BYTES);
    this.#session.connect(nonce, this.#context.clock.monotonicMs(), binding);
    this.#pump();
  }

  #received(chunk: Buffer): void {
    this.#session.receive(chunk, this.#context.clock.monotonicMs());
    const { resumedSeq } = this.#session;
    if (resumedSeq !== undefined) this.#sentAgain += this.#stream?.resolve(resumedSeq) ?? 0;
    if (this.#session.state === "open") {
      this.#answered = true;
      this.#link.works();
    }
    if (this.#session.state === "open") this.#stream?.acked(this.#session.ackedSeq);
    this.#pump();
  }

  /** A frame is off our hands, with so many messages that end in it; `refusal` says why the other side would not have them. */
  #settled(messages: number, refusal: string | undefined): void {
    this.#backoff.reset();
    if (refusal !== undefined) {
      this.#isBroken = messages === 0;
      this.#context.log.warn(`the other server refuses what a frame holds: ${refusal}`);
    }
    if (messages === 0) return;
    const settled = this.#flying.splice(0, messages);
    if (refusal === undefined && !this.#isBroken) this.#context.ledger.delivered(settled);
    else this.#context.ledger.failed("refused", settled);
    this.#isBroken = false;
  }

  #tick(): void {
    this.#session.tick(this.#context.clock.monotonicMs());
    this.#write();
  }
}
