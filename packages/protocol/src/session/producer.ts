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
import { FrameDecoder, FrameType, PROTOCOL_VERSION } from "../wire/frame.ts";
import { encodeFrame, sealFrame } from "../wire/frame.ts";
import type { Frame } from "../wire/frame.ts";
import { DEAD_TEXT, Heartbeat } from "./heartbeat.ts";
import { PAYLOAD_REFUSED } from "./held-frame.ts";
import { WELCOME_MS_MAX } from "../limits.ts";
import { ProducerProof } from "./proof.ts";
import { PRODUCER_ROWS, nameOf, readerOf } from "./session-table.ts";
import type { ProducerStep } from "./session-table.ts";
import { UnackedFrames, dataFrame } from "./unacked-frames.ts";
import type { SettleEvents } from "./unacked-frames.ts";

export interface ProducerOptions extends SettleEvents {
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
const readerFor = readerOf(PRODUCER_ROWS);

export class ProducerSession {
  /** Set when the transport must be closed. */
  failure: Fault | undefined;
  /** With `resume`, set by the first WELCOME: the receiver has all earlier frames up to this one, and no other. */
  resumedSeq: number | undefined;

  readonly #options: ProducerOptions;
  readonly #frames: UnackedFrames;
  #step: ProducerStep = "closed";
  #output: Uint8Array[] = [];
  #decoder: FrameDecoder = new FrameDecoder();
  #connectedAtMs = 0;
  #heartbeat: Heartbeat = new Heartbeat(0);
  #proof: ProducerProof;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#proof = new ProducerProof(options);
    this.#frames = new UnackedFrames(options, options.resume?.firstUnackedSeq ?? 1);
  }

  get state(): ProducerState {
    return this.#step === "closed" || this.#step === "open" ? this.#step : "handshake";
  }

  /** Sums of the weights of all acknowledged payloads, and of what they told as lost. */
  get ackedWeight(): number {
    return this.#frames.ackedWeight;
  }

  get ackedTold(): number {
    return this.#frames.ackedTold;
  }

  /** Bytes of frames that are held because they are not acknowledged. */
  get unackedBytes(): number {
    return this.#frames.bytes;
  }

  /** Frames sent again after a reconnect. */
  get resentFrames(): number {
    return this.#frames.resent;
  }

  /** All frames up to this one are acknowledged. */
  get ackedSeq(): number {
    return this.#frames.firstSeq - 1;
  }

  /** Frames that wait for their acknowledgement. */
  get unackedFrames(): number {
    return this.#frames.count;
  }

  /** Frames that wait for credit, or for a transport. */
  get unsentFrames(): number {
    return this.#frames.unsent;
  }

  /** Takes one payload (at most FRAME_PAYLOAD_BYTES_MAX) and keeps it until it is acknowledged. */
  enqueue(payload: Uint8Array, weight: number): void {
    this.#frames.hold(dataFrame(this.#frames.nextSeq, payload), weight, 0);
  }

  /** The same for a payload that has `FRAME_HEADER_BYTES` blank bytes in front, as `PayloadWriter` makes it. */
  enqueueFrame(frame: Uint8Array, weight: number, told = 0): void {
    sealFrame(frame, FrameType.data, this.#frames.nextSeq);
    this.#frames.hold([frame], weight, told);
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
    this.#step = "greeting";
    this.#connectedAtMs = nowMs;
    this.#heartbeat = new Heartbeat(nowMs);
    const hello = encodeHello({
      versionMin: PROTOCOL_VERSION,
      versionMax: PROTOCOL_VERSION,
      producerId,
      epoch,
      firstUnackedSeq: this.#frames.firstSeq,
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
    this.#step = "closed";
    this.#output = [];
    this.#decoder = new FrameDecoder();
    this.#frames.restart();
  }

  /** Bytes from the server. */
  receive(chunk: Uint8Array, nowMs: number): void {
    if (this.#step === "closed" || this.failure !== undefined) return;
    this.#heartbeat.heard(nowMs);
    for (const frame of this.#decoder.push(chunk)) {
      this.#handle(frame);
      if (this.failure !== undefined) return;
    }
    const fault = this.#decoder.fault;
    if (fault !== undefined) this.#fail(fault, "the server's bytes are not this protocol");
  }

  /** Call about once a second: finds dead servers and shows that we live. */
  tick(nowMs: number): void {
    if (this.#step === "closed" || this.failure !== undefined) return;
    if (this.state === "handshake" && nowMs - this.#connectedAtMs > WELCOME_MS_MAX) {
      this.#fail("handshake-timeout", "the server did not answer the handshake");
    } else if (this.#heartbeat.isDead(nowMs)) this.#fail("dead", DEAD_TEXT);
    else if (this.#step === "open" && this.#heartbeat.asks(nowMs))
      this.#send(FrameType.ping, NOTHING);
    this.#frames.stepOn();
  }

  /** What the producer's books say, in exchanges. Call it when `state` has become `open`, before anything else is sent. */
  figures(figures: Figures): void {
    if (this.#step === "open") this.#send(FrameType.figures, encodeFigures(figures));
  }

  /** Says that nothing more will come. Send it when `unackedFrames` is 0, then close the transport. */
  bye(): void {
    if (this.#step === "open") this.#send(FrameType.bye, NOTHING);
  }

  /** Bytes to write now, in order. Call it after every other call. */
  takeOutput(): Uint8Array[] {
    if (this.#step === "open") {
      const wanted = this.#frames.fill(this.#output);
      if (wanted !== undefined) this.#send(FrameType.want, encodeWant(wanted));
    }
    const output = this.#output;
    if (output.length > 0) this.#output = [];
    return output;
  }

  #handle({ type, payload }: Frame): void {
    const verdict = readerFor(this.#step, type);
    if (verdict === "untimely") this.#fail("control", `${nameOf(type)} out of turn`);
    else if (verdict === "unknown")
      this.#fail("unknown-frame", `frame type ${type} is unknown and critical`);
    else if (verdict === "expected") this.#act(type, payload);
  }

  /** What an expected frame does. */
  #act(type: number, payload: Uint8Array): void {
    switch (type) {
      case FrameType.challenge:
        this.#answer(payload);
        break;
      case FrameType.welcome:
        this.#open(payload);
        break;
      case FrameType.ack: {
        const ack = decodeAck(payload);
        if (ack === undefined) this.#fail("control", "malformed ACK");
        else this.#settle(ack.ackedSeq, ack.creditBytes);
        break;
      }
      case FrameType.ping:
        this.#send(FrameType.pong, NOTHING);
        break;
      case FrameType.error: {
        const fault = decodeFault(payload);
        this.failure = fault ?? { code: "error", message: "the server sent a malformed ERROR" };
        const { code, message } = this.failure;
        if (code === PAYLOAD_REFUSED) this.#frames.findRefused(message);
        break;
      }
      case FrameType.refused: {
        const refused = decodeRefused(payload);
        if (refused !== undefined) this.#frames.refused(refused.seq, refused.reason);
        break;
      }
      case FrameType.lastCall:
        this.#options.lastCall?.();
        break;
    }
  }

  #answer(payload: Uint8Array): void {
    const challenge = decodeChallenge(payload);
    if (challenge === undefined) {
      this.#fail("control", "malformed CHALLENGE");
      return;
    }
    this.#step = "proving";
    const proof = this.#proof.answer(challenge);
    if (proof instanceof Uint8Array) this.#send(FrameType.auth, encodeAuth(proof));
    else this.failure = proof;
  }

  #open(payload: Uint8Array): void {
    const welcome = decodeWelcome(payload);
    const { minorNeeded = 0 } = this.#options;
    if (welcome === undefined) {
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
      this.#step = "open";
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
    this.#frames.goOnFrom(this.resumedSeq + 1);
  }

  #settle(ackedSeq: number, creditBytes: number): void {
    if (!this.#frames.settle(ackedSeq, creditBytes))
      this.#fail("ack-ahead", `frame ${ackedSeq} was acknowledged before it was made`);
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
