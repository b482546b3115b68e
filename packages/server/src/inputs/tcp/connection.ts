/**
 * One accepted socket of `--input-tcp`: moves bytes between the socket and a `ConsumerSession`, and frames from there to the
 * intake, which says when they are safe.
 *
 * Back-pressure is by credit, out of one budget for all connections: while the pipeline is full nothing is acknowledged, so at
 * most what was granted waits here. The socket is always read, because heartbeats must get through. Nothing that a peer
 * sends can throw past this file. Whether a journal is behind the intake, it does not know.
 */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import {
  ConsumerSession,
  NONCE_BYTES,
  WELCOME_MS_MAX,
  checkPayload,
  unpackRecords,
} from "@mirrorball/protocol";
import type { DataFrame, Fault, Figures, Hello, WireRecord } from "@mirrorball/protocol";
import type { FrameIntake, FrameLine, JoinedProducer } from "../../component/intake.ts";
import { channelBinding } from "../../component/net/channel-binding.ts";
import type { InputContext } from "../../component/types.ts";
import type { CreditHolder, CreditPool } from "../../core/credit/credit-pool.ts";
import { Books } from "./books.ts";
import { CreditUse } from "./credit-use.ts";
import { Ending } from "./ending.ts";
import { destroyLater, speechOf, nameOf } from "./peer.ts";
import type { FrameEvents, Peer } from "./peer.ts";

/** Milliseconds that a producer waits to hear which of its frames are here, before it hears why not: less than it waits at all. */
const ANSWER_MS_MAX = WELCOME_MS_MAX / 2;
/** Bytes that a producer may leave unread: thousands of acknowledgements, but a flood of heartbeats is not answered for ever. */
const UNREAD_BYTES_MAX = 256 * 1024;

/** Who must prove what. */
export interface ProofRules {
  readonly token: string | undefined;
  /** A proxy ends TLS: proofs need not be bound to it. */
  readonly unbound: boolean;
}

/** What all connections of an input share. */
export interface ConnectionShared {
  readonly context: Pick<InputContext, "clock" | "log" | "dropped">;
  readonly intake: FrameIntake;
  readonly rules: ProofRules;
  readonly events: FrameEvents;
  readonly credit: CreditPool;
}

export class Connection implements Peer, CreditHolder, FrameLine {
  readonly peer: string;
  readonly #socket: Socket;
  readonly #shared: ConnectionShared;
  readonly #session: ConsumerSession;
  readonly #creditUse: CreditUse = new CreditUse();
  readonly #books: Books = new Books();
  readonly #ending: Ending = new Ending();
  /** Since when it waits for our answer. */
  #askedAtMs: number | undefined;
  readonly #pending: DataFrame[] = [];
  #producer: JoinedProducer | undefined;
  /** The pipeline is full. */
  #busy = false;
  /** Frames that the intake has taken and that are not safe yet. */
  #unsafe = 0;
  #flushing = false;
  #speech = "";
  #reported = false;

  constructor(socket: Socket, shared: ConnectionShared) {
    this.#socket = socket;
    this.#shared = shared;
    this.peer = nameOf(socket);
    const { context, credit, rules } = shared;
    this.#session = new ConsumerSession(
      {
        ...rules,
        binding: channelBinding(socket),
        figures: (figures) => this.#told(figures),
        credit: {
          freed: (bytes) => credit.freed(this, bytes),
          wanted: (bytes) => credit.wants(this, bytes),
        },
        nonce: randomBytes(NONCE_BYTES),
        resume: (hello) => this.#join(hello),
      },
      context.clock.monotonicMs(),
    );
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.receive(chunk));
    socket.on("error", (error) => context.log.debug(2, `${this.peer}: ${error.message}`));
    socket.on("close", () => {
      credit.leave(this, this.#session.receivedBytes);
      this.#ending.handOver();
      this.#leave();
    });
  }

  #join(hello: Hello): number | undefined | "later" {
    const { intake, credit } = this.#shared;
    const producer = intake.join(hello, this);
    this.#producer = producer;
    credit.join(this);
    const { safeSeq } = producer;
    if (!(safeSeq instanceof Promise)) return safeSeq;
    void this.#answerLater(safeSeq);
    return "later";
  }

  async #answerLater(certain: Promise<number | undefined>): Promise<void> {
    this.#askedAtMs = this.#shared.context.clock.monotonicMs();
    const safeSeq = await certain;
    this.#askedAtMs = undefined;
    this.#session.welcome(safeSeq);
    this.#flush();
  }

  granted(bytes: number, asked: boolean): void {
    this.#creditUse.granted(bytes, asked, this.#shared.context.clock.monotonicMs());
    this.#session.grant(bytes);
    this.#flushSoon();
  }

  /** Finds handshakes that take too long and peers that are dead. */
  tick(nowMs: number): void {
    const { credit, intake } = this.#shared;
    this.#session.tick(nowMs);
    if (credit.waiting > 0 && this.#creditUse.isIdle(this.#session.receivedBytes, nowMs)) {
      const reason = "credit that was asked for is not used, and others wait for it";
      this.#session.reject(reason, "credit-unused");
    }
    if (this.#askedAtMs !== undefined && nowMs - this.#askedAtMs > ANSWER_MS_MAX) {
      const trouble = intake.trouble ?? "the disk of its journal is slow";
      const reason = `the receiver cannot tell yet which frames of an earlier run it has: ${trouble}`;
      this.#session.reject(reason, "journal-waits");
    }
    this.#flush();
  }

  /** Takes nothing more; resolves when what has come is safe and acknowledged. */
  async finish(): Promise<void> {
    await this.#lastCall();
    this.#ending.drain();
    const isOver = this.#ending.isAborted && this.#unsafe > 0;
    if (!isOver && (this.#busy || this.#pending.length > 0 || this.#unsafe > 0)) {
      const drained = this.#ending.drained();
      this.#pump();
      await drained;
    }
    this.#flush();
    // The last acknowledgement must arrive. A socket that is closed with bytes unread resets the connection, and what the
    // other side had not read is gone: so what still comes is read, and left out, until the other side has ended too.
    this.#socket.end();
    destroyLater(this.#socket);
  }

  /** Asks a producer that keeps books for what it has in hand, so that it need not keep it for a server that may never come. */
  async #lastCall(): Promise<void> {
    if (!this.#books.areKept || this.#session.state !== "open" || this.#socket.destroyed) return;
    const handedOver = this.#ending.lastCall();
    this.#session.lastCall();
    this.#flush();
    await handedOver;
  }

  #told(figures: Figures): void {
    this.#books.figures = figures;
    if (figures.isLast !== 0) this.#ending.handOver();
  }

  abort(): void {
    this.#ending.abort();
    if (this.#unsafe > 0) this.#ending.settle();
  }

  /** These frames will not be taken: their memory is free. */
  supersede(): void {
    let bytes = 0;
    for (const { payload } of this.#pending) bytes += payload.length;
    this.#session.taken(this.#pending.length, bytes);
    this.#pending.length = 0;
    this.#socket.destroy();
  }

  receive(chunk: Buffer): void {
    if (this.#ending.isDraining) return;
    if (this.#session.state === "handshake" && this.#speech === "") {
      this.#speech = speechOf(chunk);
    }
    const nowMs = this.#shared.context.clock.monotonicMs();
    const frames = this.#session.receive(chunk, nowMs);
    // A frame that comes slowly is on its way all the same.
    if (frames.length > 0 || this.#session.midFrame) this.#creditUse.used(nowMs);
    for (const frame of frames) this.#pending.push(frame);
    if (this.#pending.length > 0) this.#pump();
    else if (this.#session.state === "ended") this.#leave();
    this.#flush();
  }

  /**
   * Hands pending frames to the intake as long as it has room. One at a time: a frame is some 200 small messages already, and
   * with 16 in a batch, as measured, messages grew old in deep queues and the garbage collector cost a third of all CPU.
   */
  #pump(): void {
    while (!this.#busy) {
      const frame = this.#producer === undefined ? undefined : this.#pending.shift();
      if (frame === undefined) break;
      this.#unsafe += 1;
      const { seq, payload } = frame;
      const wait = this.#producer?.take({ seq, payload, records: this.#recordsOf(frame) });
      if (wait !== undefined) this.#wait(wait);
    }
    this.#settle();
  }

  /** Nothing may be under way any more. */
  #settle(): void {
    if (this.#busy || this.#pending.length > 0 || this.#unsafe > 0) return;
    this.#ending.settle();
    if (this.#session.state === "ended" || this.#socket.destroyed) this.#leave();
  }

  #wait(wait: Promise<void>): void {
    this.#busy = true;
    // The engine's promise never rejects: a full queue becomes free or is closed.
    const resume = (): void => {
      this.#busy = false;
      this.#pump();
      this.#flush();
    };
    void wait.then(resume);
  }

  /** Undefined when the frame holds what cannot be taken. */
  #recordsOf({ seq, payload }: DataFrame): readonly WireRecord[] | undefined {
    const records = checkPayload(payload) ?? unpackRecords(payload);
    if (typeof records !== "string") {
      this.#books.took(records);
      return records;
    }
    const { context, events } = this.#shared;
    this.#session.refuse(seq, records);
    events.refused(this, { code: "payload", message: `frame ${seq}: ${records}` });
    // Others tell by themselves how many exchanges that were.
    if (!this.#books.areKept) context.dropped("refused-frame", 1);
    return undefined;
  }

  safe(seq: number, bytes: number): void {
    this.#unsafe -= 1;
    this.#session.accepted(seq, 1, bytes);
    this.#flushSoon();
  }

  held(bytes: number): void {
    this.#unsafe -= 1;
    this.#session.taken(1, bytes);
    this.#flushSoon();
  }

  /** A group that became safe has many frames of ours: one ACK for all of them. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
      this.#settle();
    });
  }

  #flush(): void {
    if (this.#socket.writableLength > UNREAD_BYTES_MAX && this.#session.failure === undefined) {
      const reason = `${UNREAD_BYTES_MAX} bytes wait for it, and it reads nothing`;
      this.#session.reject(reason, "reads-nothing");
    }
    const pieces = this.#session.takeOutput();
    if (pieces.length > 0 && this.#socket.writable) this.#socket.write(Buffer.concat(pieces));
    if (this.#session.failure === undefined || this.#reported) return;
    this.#report(this.#session.failure);
    this.#socket.destroySoon();
    destroyLater(this.#socket);
  }

  #leave(): void {
    const producer = this.#producer;
    if (producer !== undefined) {
      // What has come is still handed on; the last step calls here again.
      if (this.#busy || this.#pending.length > 0) return;
      this.#producer = undefined;
      // When it is we who end the connection, it keeps what it has: it has heard our last call.
      const keepsIt = this.#ending.isDraining && this.#books.isLast;
      const missing = keepsIt ? 0 : this.#books.missing;
      if (this.#session.state === "ended") this.#sayGoodbye(producer, missing);
      else producer.leave(missing);
    }
    this.#report(this.#session.failure);
  }

  #sayGoodbye(producer: JoinedProducer, missing: number | undefined): void {
    producer.bye(missing);
    this.#socket.end();
    destroyLater(this.#socket);
  }

  #report(fault: Fault | undefined): void {
    if (this.#reported) return;
    if (fault === undefined && this.#session.unproven) {
      this.#report({ code: "token-unproven", message: "it was asked for the token and went away" });
      return;
    }
    this.#reported = true;
    this.#shared.events.closed(this, fault, this.#speech);
  }
}
