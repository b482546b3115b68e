/**
 * The producer's end of a connection, sans-IO: an SDK or a forwarding server uses it to send payloads that
 * are kept until the other side acknowledges them, across any number of transports.
 *
 * In: payloads, received bytes, the time, "a transport is up", "it is gone". Out: bytes to write, the state,
 * a failure that asks for the transport to be closed. It owns no socket, no timer and no clock, and it
 * does not know what a payload holds. Memory: the caller bounds `unackedBytes` by not calling `enqueue`.
 */
import {
  decodeAck,
  decodeChallenge,
  decodeFault,
  decodeRefused,
  decodeWelcome,
} from "./control.ts";
import { HANDSHAKE, encodeAuth, encodeFigures, encodeHello, encodeWant } from "./control.ts";
import type { Fault, Figures } from "./control.ts";
import { FrameDecoder, FrameType, PROTOCOL_VERSION } from "./frame.ts";
import { encodeFrame, sealFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { PAYLOAD_REFUSED, takeOut } from "./held-frame.ts";
import type { HeldFrame } from "./held-frame.ts";
import { CREDIT_WINDOW_BYTES, HEARTBEAT_DEAD_MS, HEARTBEAT_IDLE_MS } from "./limits.ts";
import { WANT_FRAMES_MAX, WELCOME_MS_MAX } from "./limits.ts";
import { ProducerProof } from "./proof.ts";

export interface ProducerOptions {
  /** 16 random bytes; the same as long as unacknowledged frames live. */
  readonly producerId: Uint8Array;
  readonly epoch?: number;
  readonly service: string;
  /** Name and version of this program, for the server's log. */
  readonly agent: string;
  /** Shared secret; when given, the server must prove that it knows it too. */
  readonly token?: string | undefined;
  /** The minor version a receiver must have at least, for what this producer sends; see `PROTOCOL_MINOR`. */
  readonly minorNeeded?: number;
  /** What an earlier run of a producer that keeps its id has left. Enqueue nothing before `resumedSeq` is known. */
  readonly resume?: EarlierFrames;
  /** Called with each frame of `enqueueFrame` that is acknowledged: its memory is free. */
  readonly released?: (frame: Uint8Array) => void;
  /** Called for each settled frame, in order; `refusal` says why the receiver would not have what it held. */
  readonly settled?: (weight: number, told: number, refusal: string | undefined) => void;
  /** The receiver is about to end: send what there is, then FIGURES. */
  readonly lastCall?: () => void;
}

/** Frames that a run before this one may have sent: the receiver says in WELCOME which of them it has. */
export interface EarlierFrames {
  /** The first one of which it is not known here that the receiver has it. */
  readonly firstUnackedSeq: number;
  /** The last one that was made; one less than the first when there is none. */
  readonly lastSeq: number;
}

export type ProducerState = "closed" | "handshake" | "open";

const NOTHING: Uint8Array = new Uint8Array(0);
const FIRST_CRITICAL_TYPE = 0x80;

export class ProducerSession {
  state: ProducerState = "closed";
  failure: Fault | undefined;
  /** Sums of the weights of all acknowledged payloads, and of what they told as lost. */
  ackedWeight = 0;
  ackedTold = 0;
  /** Bytes of frames that are held because they are not acknowledged. */
  unackedBytes = 0;
  /** Frames sent again after a reconnect. */
  resentFrames = 0;
  /** With `resume`, set by the first WELCOME: the receiver has all earlier frames up to this one, and no other. */
  resumedSeq: number | undefined;

  readonly #options: ProducerOptions;
  /** Unacknowledged frames, oldest first; the oldest has sequence number `#firstSeq`. */
  #frames: HeldFrame[] = [];
  #firstSeq = 1;
  /** How many of the held frames were written to the present transport. */
  #sent = 0;
  #highestSentSeq = 0;
  #sentBytes = 0;
  #creditBytes = 0;
  /** Credit that was asked for; while it is more than there is, more is on its way. */
  #wantedBytes = 0;
  #output: Uint8Array[] = [];
  #decoder: FrameDecoder = new FrameDecoder();
  #connectedAtMs = 0;
  #heardAtMs = 0;
  #pingedAtMs = 0;
  #proof: ProducerProof;
  /**
   * A receiver refused one of the frames up to this one and did not say which: they are sent one at a time, each when the
   * one before it is settled. `#steps` is how many may be under way: a piece of a large message is settled with its last one.
   */
  #stepUntilSeq = 0;
  #steps = 1;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#proof = new ProducerProof(options);
    this.#firstSeq = options.resume?.firstUnackedSeq ?? 1;
  }

  /** All frames up to this one are acknowledged. */
  get ackedSeq(): number {
    return this.#firstSeq - 1;
  }

  /** Frames that wait for their acknowledgement. */
  get unackedFrames(): number {
    return this.#frames.length;
  }

  /** Frames that wait for credit, or for a transport. */
  get unsentFrames(): number {
    return this.#frames.length - this.#sent;
  }

  /** Takes one payload (at most FRAME_PAYLOAD_BYTES_MAX) and keeps it until it is acknowledged. */
  enqueue(payload: Uint8Array, weight: number): void {
    const seq = this.#firstSeq + this.unackedFrames;
    this.#hold(encodeFrame(FrameType.data, seq, payload), weight, 0);
  }

  /** The same for a payload that has `FRAME_HEADER_BYTES` blank bytes in front, as `PayloadWriter` makes it. */
  enqueueFrame(frame: Uint8Array, weight: number, told = 0): void {
    sealFrame(frame, FrameType.data, this.#firstSeq + this.unackedFrames);
    this.#hold([frame], weight, told);
  }

  #hold(pieces: readonly Uint8Array[], weight: number, told: number): void {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#frames.push({ pieces, bytes, weight, told, refusal: undefined });
    this.unackedBytes += bytes;
  }

  /**
   * A fresh transport is connected. `nonce`: 16 random bytes, new each time. `binding`: the TLS channel's keying material (see
   * `proof.ts`); undefined when this end sees no TLS.
   */
  connect(nonce: Uint8Array, nowMs: number, binding?: Uint8Array): void {
    this.disconnect();
    const { producerId, epoch = 0, service, agent, token } = this.#options;
    this.#proof = new ProducerProof({ token, producerId, producerNonce: nonce, binding });
    this.failure = undefined;
    this.state = "handshake";
    this.#connectedAtMs = nowMs;
    this.#heardAtMs = nowMs;
    this.#pingedAtMs = nowMs;
    const hello = encodeHello({
      versionMin: PROTOCOL_VERSION,
      versionMax: PROTOCOL_VERSION,
      producerId,
      epoch,
      firstUnackedSeq: this.#firstSeq,
      service,
      agent,
      nonce,
      handshake: HANDSHAKE,
      hasToken: token === undefined ? 0 : 1,
      seesTls: binding === undefined ? 0 : 1,
    });
    this.#send(FrameType.hello, hello);
  }

  /** The transport is gone. What is not acknowledged stays and is sent again on the next one. */
  disconnect(): void {
    this.state = "closed";
    this.#output = [];
    this.#decoder = new FrameDecoder();
    this.#sent = 0;
    this.#sentBytes = 0;
    this.#creditBytes = 0;
    this.#wantedBytes = 0;
    this.#steps = 1;
  }

  /** Bytes from the server. */
  receive(chunk: Uint8Array, nowMs: number): void {
    if (this.state === "closed" || this.failure !== undefined) return;
    this.#heardAtMs = nowMs;
    for (const frame of this.#decoder.push(chunk)) {
      this.#handle(frame);
      if (this.failure !== undefined) return;
    }
    const fault = this.#decoder.fault;
    if (fault !== undefined) this.#fail(fault, "the server's bytes are not this protocol");
  }

  /** Call about once a second: finds dead servers and shows that we live. */
  tick(nowMs: number): void {
    if (this.state === "closed" || this.failure !== undefined) return;
    if (this.state === "handshake" && nowMs - this.#connectedAtMs > WELCOME_MS_MAX) {
      this.#fail("handshake-timeout", "the server did not answer the handshake");
    } else if (nowMs - this.#heardAtMs > HEARTBEAT_DEAD_MS) {
      this.#fail("dead", `nothing heard for ${HEARTBEAT_DEAD_MS} ms`);
    } else if (
      this.state === "open" &&
      nowMs - Math.max(this.#heardAtMs, this.#pingedAtMs) > HEARTBEAT_IDLE_MS
    ) {
      this.#pingedAtMs = nowMs;
      this.#send(FrameType.ping, NOTHING);
    }
    if (this.#stepping && this.#sent === this.#steps) this.#steps += 1;
  }

  /** What the producer's books say, in exchanges. Call it when `state` has become `open`, before anything else is sent. */
  figures(figures: Figures): void {
    if (this.state === "open") this.#send(FrameType.figures, encodeFigures(figures));
  }

  /** Says that nothing more will come. Send it when `unackedFrames` is 0, then close the transport. */
  bye(): void {
    if (this.state === "open") this.#send(FrameType.bye, NOTHING);
  }

  /** Bytes to write now, in order. Call it after every other call. */
  takeOutput(): Uint8Array[] {
    if (this.state === "open") this.#fillFromFrames();
    const output = this.#output;
    if (output.length > 0) this.#output = [];
    return output;
  }

  #fillFromFrames(): void {
    for (let i = this.#sent; i < this.#frames.length; i += 1) {
      const frame = this.#frames[i];
      if (frame === undefined || (this.#stepping && i >= this.#steps)) return;
      const { bytes } = frame;
      if (this.#sentBytes + bytes > this.#creditBytes) {
        this.#want();
        return;
      }
      this.#output.push(...frame.pieces);
      this.#sentBytes += bytes;
      this.#sent += 1;
      const seq = this.#firstSeq + this.#sent - 1;
      if (seq <= this.#highestSentSeq) this.resentFrames += 1;
      else this.#highestSentSeq = seq;
    }
  }

  get #stepping(): boolean {
    return this.#firstSeq <= this.#stepUntilSeq;
  }

  /**
   * Tells of the frames that wait for credit, each of them, so that what is granted is used to the last byte. Credit of
   * several producers comes out of one budget, and what one holds and cannot use is nobody's.
   */
  #want(): void {
    if (this.#wantedBytes > this.#creditBytes) return;
    const wanted: number[] = [];
    let bytes = this.#sentBytes;
    const last = Math.min(this.#frames.length, this.#sent + WANT_FRAMES_MAX);
    for (let i = this.#sent; i < last; i += 1) {
      bytes += this.#frames[i]?.bytes ?? 0;
      if (wanted.length > 0 && bytes > this.#sentBytes + CREDIT_WINDOW_BYTES) break;
      wanted.push(bytes);
    }
    this.#wantedBytes = wanted.at(-1) ?? 0;
    this.#send(FrameType.want, encodeWant(wanted));
  }

  #handle(frame: Frame): void {
    switch (frame.type) {
      case FrameType.challenge:
        this.#answer(frame.payload);
        break;
      case FrameType.welcome:
        this.#open(frame.payload);
        break;
      case FrameType.ack: {
        const ack = decodeAck(frame.payload);
        if (ack === undefined || this.state !== "open") this.#fail("control", "malformed ACK");
        else this.#settle(ack.ackedSeq, ack.creditBytes);
        break;
      }
      case FrameType.ping:
        this.#send(FrameType.pong, NOTHING);
        break;
      case FrameType.error: {
        const fault = decodeFault(frame.payload);
        this.failure = fault ?? { code: "error", message: "the server sent a malformed ERROR" };
        if (this.failure.code === PAYLOAD_REFUSED) this.#findRefused(this.failure.message);
        break;
      }
      case FrameType.refused: {
        const refused = decodeRefused(frame.payload);
        const held = this.#frames[(refused?.seq ?? 0) - this.#firstSeq];
        if (held !== undefined) held.refusal = refused?.reason;
        break;
      }
      case FrameType.lastCall:
        this.#options.lastCall?.();
        break;
      case FrameType.pong:
        break;
      default:
        if (frame.type >= FIRST_CRITICAL_TYPE) {
          this.#fail("unknown-frame", `frame type ${frame.type} is unknown and critical`);
        }
    }
  }

  /**
   * A receiver before minor version 3 closed the connection because of what some frame holds. It would be sent again, and refused
   * again, for ever: with one frame under way it is known which, and its place is kept by one without records.
   */
  #findRefused(reason: string): void {
    const seq = this.#firstSeq + this.#sent - 1;
    const frame = this.#frames[this.#sent - 1];
    if (frame === undefined || (this.#sent > 1 && !this.#stepping)) {
      this.#stepUntilSeq = Math.max(this.#stepUntilSeq, seq);
      return;
    }
    this.unackedBytes -= frame.bytes;
    takeOut(frame, seq, reason);
    this.unackedBytes += frame.bytes;
  }

  #answer(payload: Uint8Array): void {
    const challenge = decodeChallenge(payload);
    if (challenge === undefined || this.state !== "handshake") {
      this.#fail("control", "malformed CHALLENGE");
      return;
    }
    const proof = this.#proof.answer(challenge);
    if (proof instanceof Uint8Array) this.#send(FrameType.auth, encodeAuth(proof));
    else this.failure = proof;
  }

  #open(payload: Uint8Array): void {
    const welcome = decodeWelcome(payload);
    const { minorNeeded = 0 } = this.#options;
    if (welcome === undefined || this.state !== "handshake") {
      this.#fail("control", "malformed WELCOME");
    } else if (!this.#proof.isProven(welcome.proof)) {
      this.#fail(
        "server-not-proven",
        "a token is set, but the server did not prove that it knows it",
      );
    } else if (welcome.version !== PROTOCOL_VERSION) {
      this.#fail("version", `the server chose protocol version ${welcome.version}`);
    } else if (welcome.minor < minorNeeded) {
      this.#fail(
        "version",
        `the server speaks version ${PROTOCOL_VERSION}.${welcome.minor}, ${PROTOCOL_VERSION}.${minorNeeded} is needed: update it`,
      );
    } else {
      this.#goOn(welcome.ackedSeq);
      if (this.failure !== undefined) return;
      this.state = "open";
      this.#settle(welcome.ackedSeq, welcome.creditBytes);
    }
  }

  /** The first answer to a run that goes on with an earlier one's numbers. */
  #goOn(ackedSeq: number): void {
    const { resume } = this.#options;
    if (resume === undefined || this.resumedSeq !== undefined) return;
    if (ackedSeq > resume.lastSeq) {
      this.#fail("ack-ahead", `frame ${ackedSeq} was acknowledged before it was made`);
      return;
    }
    this.resumedSeq = Math.max(ackedSeq, resume.firstUnackedSeq - 1);
    this.#firstSeq = this.resumedSeq + 1;
  }

  #settle(ackedSeq: number, creditBytes: number): void {
    if (ackedSeq >= this.#firstSeq + this.unackedFrames) {
      this.#fail("ack-ahead", `frame ${ackedSeq} was acknowledged before it was made`);
      return;
    }
    // Credit only grows; an older, smaller figure is late news.
    this.#creditBytes = Math.max(this.#creditBytes, creditBytes);
    const acked = this.#frames.splice(0, Math.max(0, ackedSeq - this.#firstSeq + 1));
    this.#firstSeq += acked.length;
    this.#sent = Math.max(0, this.#sent - acked.length);
    if (acked.length > 0) this.#steps = 1;
    for (const frame of acked) {
      this.ackedWeight += frame.refusal === undefined ? frame.weight : 0;
      this.ackedTold += frame.refusal === undefined ? frame.told : 0;
      this.#options.settled?.(frame.weight, frame.told, frame.refusal);
      this.unackedBytes -= frame.bytes;
      const [whole] = frame.pieces;
      if (frame.pieces.length === 1 && whole !== undefined) this.#options.released?.(whole);
    }
  }

  #send(type: number, payload: Uint8Array): void {
    const [header, body] = encodeFrame(type, 0, payload);
    this.#output.push(header);
    if (body.length > 0) this.#output.push(body);
  }

  #fail(code: string, message: string): void {
    this.failure = { code, message };
  }
}
