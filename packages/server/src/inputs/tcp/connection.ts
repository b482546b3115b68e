/**
 * One accepted socket of `--input-tcp`: moves bytes between the socket and a `ConsumerSession`, payloads from
 * there to the producer's assembler, and messages from there to the pipeline.
 *
 * Back-pressure is by credit, out of one budget for all connections: while the pipeline is full nothing is acknowledged, so at
 * most what was granted waits here. The socket is always read, because heartbeats must get through. Nothing that a peer
 * sends can throw past this file.
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
import type { DataFrame, Fault, Figures, Message, WireRecord } from "@mirrorball/protocol";
import { channelBinding } from "../../component/net/channel-binding.ts";
import type { InputContext, InputJournal } from "../../component/types.ts";
import type { CreditHolder, CreditPool } from "../../core/credit/credit-pool.ts";
import { Books } from "./books.ts";
import { speechOf, nameOf } from "./peer.ts";
import type { FrameEvents, Peer } from "./peer.ts";
import type { Producer, Producers } from "./producers.ts";

/**
 * Frames handed to the pipeline in one batch. One frame is some 200 small messages already; with 16, as measured, the
 * outputs' queues were so deep that messages grew old in them, and the garbage collector cost a third of all CPU.
 */
const FRAMES_PER_BATCH_MAX = 1;
/** Milliseconds that the other side has to end its half of a connection that we end. */
const LINGER_MS = 1000;
/** Milliseconds without a byte of a frame in which a producer may hold credit that it asked for and others wait for. */
const CREDIT_UNUSED_MS_MAX = 15_000;
/** Milliseconds that a producer waits to hear which of its frames are here, before it hears why not: less than it waits at all. */
const ANSWER_MS_MAX = WELCOME_MS_MAX / 2;
/** Bytes that a producer may leave unread: thousands of acknowledgements, but a flood of heartbeats is not answered for ever. */
const UNREAD_BYTES_MAX = 256 * 1024;

/** Milliseconds that a producer has to hand over what it holds when this server ends. */
const LAST_CALL_MS_MAX = 1000;
/** What is stored in the place of a frame that was refused: a list of no records. */
const NO_RECORDS: Uint8Array = Uint8Array.of(0x90);

/** Who must prove what. */
export interface ProofRules {
  readonly token: string | undefined;
  /** A proxy ends TLS: proofs need not be bound to it. */
  readonly unbound: boolean;
}

export class Connection implements Peer, CreditHolder {
  readonly peer: string;
  readonly #socket: Socket;
  readonly #context: InputContext;
  readonly #session: ConsumerSession;
  readonly #events: FrameEvents;
  readonly #credit: CreditPool;
  readonly #producers: Producers;
  /** DATA bytes that were asked for and granted, counted from the start of the connection. */
  #askedBytes = 0;
  #grantedBytes = 0;
  #usedAtMs = 0;
  /** Since when it waits for our answer. */
  #askedAtMs: number | undefined;
  readonly #pending: DataFrame[] = [];
  #producer: Producer | undefined;
  #busy = false;
  /** Frames that are on their way to disk. */
  #storing = 0;
  #flushing = false;
  #draining = false;
  #settled: (() => void) | undefined;
  readonly #books: Books = new Books();
  #handedOver: (() => void) | undefined;
  #givenUp = false;
  #speech = "";
  #reported = false;

  constructor(
    socket: Socket,
    context: InputContext,
    producers: Producers,
    rules: ProofRules,
    events: FrameEvents,
    credit: CreditPool,
  ) {
    this.#socket = socket;
    this.#context = context;
    this.#events = events;
    this.#credit = credit;
    this.#producers = producers;
    this.peer = nameOf(socket);
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
        resume: (hello) => {
          const producer = producers.of(hello);
          // A half-open older connection of the same producer must not go on beside this one.
          if (producer.connection instanceof Connection) producer.connection.supersede();
          producer.connection = this;
          producer.assembler.resumed();
          this.#producer = producer;
          credit.join(this);
          const { journal } = context;
          if (journal === undefined) return producer.ackedSeq;
          journal.present(producer.key, true);
          if (hello.epoch === 0) return journal.ackedSeq(producer.key);
          // It has forgotten what is in the frames that are on their way to disk: none may turn up after our answer.
          void this.#answerLater(journal, producer);
          return "later";
        },
      },
      context.clock.monotonicMs(),
    );
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.receive(chunk));
    socket.on("error", (error) => context.log.debug(2, `${this.peer}: ${error.message}`));
    socket.on("close", () => {
      credit.leave(this, this.#session.receivedBytes);
      this.#handedOver?.();
      this.#leave();
    });
  }

  async #answerLater(journal: InputJournal, producer: Producer): Promise<void> {
    this.#askedAtMs = this.#context.clock.monotonicMs();
    const safeSeq = await journal.settledSeq(producer.key);
    this.#askedAtMs = undefined;
    this.#session.welcome(safeSeq);
    this.#flush();
  }

  granted(bytes: number, asked: boolean): void {
    this.#grantedBytes += bytes;
    if (asked) {
      this.#askedBytes = this.#grantedBytes;
      this.#usedAtMs = this.#context.clock.monotonicMs();
    }
    this.#session.grant(bytes);
    this.#flushSoon();
  }

  /** Finds handshakes that take too long and peers that are dead. */
  tick(nowMs: number): void {
    this.#session.tick(nowMs);
    const isIdle = nowMs - this.#usedAtMs > CREDIT_UNUSED_MS_MAX;
    if (isIdle && this.#session.receivedBytes < this.#askedBytes && this.#credit.waiting > 0) {
      const reason = "credit that was asked for is not used, and others wait for it";
      this.#session.reject(reason, "credit-unused");
    }
    if (this.#askedAtMs !== undefined && nowMs - this.#askedAtMs > ANSWER_MS_MAX) {
      const trouble = this.#context.journal?.trouble ?? "the disk of its journal is slow";
      const reason = `the receiver cannot tell yet which frames of an earlier run it has: ${trouble}`;
      this.#session.reject(reason, "journal-waits");
    }
    this.#flush();
  }

  /** Takes nothing more; resolves when what has come is in the pipeline and acknowledged. */
  async finish(): Promise<void> {
    await this.#lastCall();
    this.#draining = true;
    const isGivenUp = this.#givenUp && this.#storing > 0;
    if (isGivenUp) {
      this.#end();
      return;
    }
    if (this.#busy || this.#pending.length > 0 || this.#storing > 0) {
      await new Promise<void>((resolve) => {
        this.#settled = resolve;
        this.#pump();
      });
    }
    this.#end();
  }

  #end(): void {
    this.#flush();
    // The last acknowledgement must arrive. A socket that is closed with bytes unread resets the connection, and what the
    // other side had not read is gone: so what still comes is read, and left out, until the other side has ended too.
    this.#socket.end();
    this.#destroyLater();
  }

  /** Asks a producer that keeps books for what it has in hand, so that it need not keep it for a server that may never come. */
  async #lastCall(): Promise<void> {
    if (!this.#books.areKept || this.#session.state !== "open" || this.#socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const impatience = setTimeout(resolve, LAST_CALL_MS_MAX);
      this.#handedOver = () => {
        clearTimeout(impatience);
        resolve();
      };
      this.#session.lastCall();
      this.#flush();
    });
  }

  #told(figures: Figures): void {
    this.#books.figures = figures;
    if (figures.isLast !== 0) this.#handedOver?.();
  }

  giveUp(): void {
    this.#givenUp = true;
    this.#handedOver?.();
    if (this.#storing > 0) this.#settled?.();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** A newer connection of the same producer takes over: what waits here will be sent there again. */
  supersede(): void {
    this.#forget(this.#pending);
    this.#socket.destroy();
  }

  /** These frames will not be taken: their memory is free. */
  #forget(frames: readonly DataFrame[]): void {
    let bytes = 0;
    for (const { payload } of frames) bytes += payload.length;
    this.#session.taken(frames.length, bytes);
    this.#pending.length = 0;
  }

  receive(chunk: Buffer): void {
    if (this.#draining) return;
    if (this.#session.state === "handshake" && this.#speech === "") {
      this.#speech = speechOf(chunk);
    }
    const frames = this.#session.receive(chunk, this.#context.clock.monotonicMs());
    // A frame that comes slowly is on its way all the same.
    if (frames.length > 0 || this.#session.midFrame) {
      this.#usedAtMs = this.#context.clock.monotonicMs();
    }
    for (const frame of frames) this.#pending.push(frame);
    if (this.#pending.length > 0) this.#pump();
    else if (this.#session.state === "ended") this.#leave();
    this.#flush();
  }

  /** Moves pending frames into the pipeline as long as it has room. */
  #pump(): void {
    const producer = this.#producer;
    if (producer === undefined) return;
    while (!this.#busy && this.#pending.length > 0) {
      const messages: Message[] = [];
      const frames = this.#pending.splice(0, FRAMES_PER_BATCH_MAX);
      if (this.#context.journal !== undefined) {
        this.#store(this.#context.journal, producer, frames);
        continue;
      }
      this.#unpack(producer, frames, messages);
      const wait = messages.length === 0 ? undefined : this.#context.emit(messages);
      this.#accept(producer, frames);
      if (wait !== undefined) this.#wait(wait);
    }
    if (this.#busy || this.#pending.length > 0 || this.#storing > 0) return;
    this.#settled?.();
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

  #unpack(producer: Producer, frames: readonly DataFrame[], messages: Message[]): void {
    for (const frame of frames) producer.assembler.take(this.#recordsOf(frame, producer), messages);
  }

  /** None when the frame holds what cannot be taken: it keeps its number, so that what is behind it comes too. */
  #recordsOf({ seq, payload }: DataFrame, producer: Producer): readonly WireRecord[] {
    const records = checkPayload(payload) ?? unpackRecords(payload);
    if (typeof records !== "string") {
      this.#books.took(records);
      return records;
    }
    this.#session.refuse(seq, records);
    producer.assembler.refused();
    this.#events.refused(this, { code: "payload", message: `frame ${seq}: ${records}` });
    // Others tell by themselves how many exchanges that were.
    if (!this.#books.areKept) this.#context.dropped("refused-frame", 1);
    return [];
  }

  /** Acknowledged when it is on disk; as many as the credit allows are under way at once. */
  #store(journal: InputJournal, producer: Producer, frames: readonly DataFrame[]): void {
    for (const frame of frames) {
      const { seq, payload } = frame;
      const records = this.#recordsOf(frame, producer);
      const stored = records.length === 0 ? NO_RECORDS : payload;
      this.#storing += 1;
      const safe = (): void => {
        this.#storing -= 1;
        this.#session.accepted(seq, 1, payload.length);
        this.#flushSoon();
        if (this.#storing === 0) this.#pump();
      };
      const { key, service } = producer;
      void journal.append(key, service, { seq, payload: stored, records }).then(safe);
    }
  }

  /** A group that became safe has many frames of ours: one ACK for all of them. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #accept(producer: Producer, frames: readonly DataFrame[]): void {
    const seq = frames.at(-1)?.seq ?? 0;
    let bytes = 0;
    for (const frame of frames) bytes += frame.payload.length;
    if (producer.assembler.midMessage) {
      this.#session.taken(frames.length, bytes);
      return;
    }
    producer.ackedSeq = seq;
    this.#session.accepted(seq, frames.length, bytes);
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
    this.#destroyLater();
  }

  /** Whoever does not read our last words holds nothing for that. */
  #destroyLater(): void {
    const impatience = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once("close", () => clearTimeout(impatience));
  }

  #leave(): void {
    const producer = this.#producer;
    if (producer !== undefined && producer.connection === this) {
      // What has come is still moved into the pipeline; the last step calls here again.
      if (this.#busy || this.#pending.length > 0) return;
      producer.connection = undefined;
      producer.leftAtMs = this.#context.clock.monotonicMs();
      const { missing } = this.#books;
      // When it is we who end the connection, it keeps what it has: it has heard our last call.
      if (missing !== undefined)
        producer.missing = this.#draining && this.#books.isLast ? 0 : missing;
      this.#context.journal?.present(producer.key, false);
      if (this.#session.state === "ended") this.#sayGoodbye(producer);
    }
    this.#report(this.#session.failure);
  }

  /** After a BYE nothing more comes: what is unfinished was aborted with its process. */
  #sayGoodbye(producer: Producer): void {
    const messages: Message[] = [];
    producer.assembler.end(messages);
    this.#producers.giveUp(producer);
    if (messages.length > 0) void this.#context.emit(messages);
    this.#context.journal?.farewell(producer.key, producer.service);
    this.#socket.end();
    this.#destroyLater();
  }

  #report(fault: Fault | undefined): void {
    if (this.#reported) return;
    if (fault === undefined && this.#session.unproven) {
      this.#report({ code: "token-unproven", message: "it was asked for the token and went away" });
      return;
    }
    this.#reported = true;
    this.#events.closed(this, fault, this.#speech);
  }
}
