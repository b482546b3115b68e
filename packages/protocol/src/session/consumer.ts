/**
 * The server's end of one connection, sans-IO: handshake, proof of the token, order and duplicates of DATA
 * frames, acknowledgements, credit, heartbeat.
 *
 * In: received bytes, the time, "these frames are safe now". Out: DATA payloads in order and once, bytes to
 * write, a failure that asks for the connection to be closed. It does not unpack payloads, keeps nothing
 * across connections (the caller's `resume` does) and owns no socket, timer or clock.
 */
import { decodeAuth, decodeFigures, decodeHello, decodeWant, encodeAck } from "./control.ts";
import { encodeChallenge, encodeFault, encodeRefused, encodeWelcome } from "./control.ts";
import type { Fault, Hello } from "./control.ts";
import { CREDIT_EXCEEDED, CreditWindow } from "./credit-window.ts";
import type { ConsumerOptions, DataFrame } from "./consumer-options.ts";
import { FRAME_FAULT_TEXTS, FrameDecoder, FrameFault, FrameType } from "../wire/frame.ts";
import { PROTOCOL_MINOR, PROTOCOL_VERSION, encodeFrame } from "../wire/frame.ts";
import type { Frame } from "../wire/frame.ts";
import { DEAD_TEXT, Heartbeat } from "./heartbeat.ts";
import { FRAME_HEADER_BYTES, HANDSHAKE_MS_MAX } from "../limits.ts";
import { ConsumerProof } from "./proof.ts";
import { CONSUMER_ROWS, isGreeting, nameOf, readerOf } from "./session-table.ts";
import type { ConsumerStep } from "./session-table.ts";

const NOTHING: Uint8Array = new Uint8Array(0);
const readerFor = readerOf(CONSUMER_ROWS);

export class ConsumerSession {
  /** Set when the connection must be closed; write `takeOutput()` first, it may hold an ERROR frame. */
  failure: Fault | undefined;
  /** Who the producer is; set when `state` becomes `open`. */
  hello: Hello | undefined;
  /** Frames that came again after they were safe, and were left out. */
  duplicateFrames = 0;

  readonly #options: ConsumerOptions;
  readonly #window: CreditWindow;
  readonly #decoder: FrameDecoder = new FrameDecoder();
  readonly #startedAtMs: number;
  #step: ConsumerStep = "greeting";
  /** What the producer has said of itself, until it is welcome. */
  #applicant: Hello | undefined;
  readonly #proof: ConsumerProof;
  readonly #heartbeat: Heartbeat;
  #receivedSeq = 0;
  #ackedSeq = 0;
  #ackDue = false;
  #output: Uint8Array[] = [];

  constructor(options: ConsumerOptions, nowMs: number) {
    this.#options = options;
    this.#proof = new ConsumerProof(options);
    this.#window = new CreditWindow(options);
    this.#startedAtMs = nowMs;
    this.#heartbeat = new Heartbeat(nowMs);
  }

  get #hasEnded(): boolean {
    return this.#step === "ended";
  }

  get state(): "handshake" | "open" | "ended" {
    return this.#step === "open" || this.#step === "ended" ? this.#step : "handshake";
  }

  /** Takes bytes; returns the new DATA frames they complete, in order and without duplicates. */
  receive(chunk: Uint8Array, nowMs: number): DataFrame[] {
    const data: DataFrame[] = [];
    if (this.failure !== undefined || this.#hasEnded) return data;
    this.#heartbeat.heard(nowMs);
    for (const frame of this.#decoder.push(chunk)) {
      this.#handle(frame, data);
      if (this.failure !== undefined || this.#hasEnded) return data;
    }
    if (this.#decoder.fault !== undefined) this.#failFrame(this.#decoder.fault);
    else this.#judgeUnfinished();
    return data;
  }

  /** What no credit covers is not held until it is whole, which may be never. */
  #judgeUnfinished(): void {
    const announced = this.#decoder.announced;
    if (announced === undefined) return;
    if (this.state === "handshake" && !isGreeting(announced.type)) {
      this.#failEarly(announced.type);
    } else if (announced.type === FrameType.data && !this.#window.covers(announced.bytes)) {
      this.#fail("credit", CREDIT_EXCEEDED);
    }
  }

  /** The answer that `resume` said would come later. */
  welcome(ackedSeq: number | undefined): void {
    const hello = this.#applicant;
    if (this.#step !== "welcoming" || hello === undefined || this.failure !== undefined) return;
    this.#welcome(hello, ackedSeq);
  }

  /** All frames up to `seq` are safe; `bytes` is their payloads' sum. Acknowledges and grants new credit. */
  accepted(seq: number, frames: number, bytes: number): void {
    this.#ackedSeq = Math.max(this.#ackedSeq, seq);
    this.#free(bytes + frames * FRAME_HEADER_BYTES);
  }

  /** More credit, from who has it. */
  grant(bytes: number): void {
    this.#window.windowBytes += bytes;
    this.#ackDue = true;
  }

  /** Bytes of DATA that have come: of all of them it is told when they are free, so a frame that is refused is not counted. */
  get receivedBytes(): number {
    return this.#window.receivedBytes;
  }

  /** Who has said HELLO and not proven that it knows the token. */
  get unproven(): boolean {
    return this.#step === "proving";
  }

  /** True when the beginning of a frame has come and its end has not. */
  get midFrame(): boolean {
    return this.#decoder.heldBytes > 0;
  }

  /**
   * These frames were taken but are not safe by themselves, as pieces of a message that is not whole: grants credit for
   * them and acknowledges nothing. The next `accepted` covers them.
   */
  taken(frames: number, bytes: number): void {
    this.#free(bytes + frames * FRAME_HEADER_BYTES);
  }

  #free(bytes: number): void {
    this.#window.free(bytes);
    this.#ackDue = true;
  }

  /**
   * This frame is left out for what it holds: `checkPayload`'s or `unpackRecords`'s reason. The producer is told; whoever calls
   * this also calls `accepted` when its turn comes, or it would be sent again for ever.
   */
  refuse(seq: number, reason: string): void {
    this.#send(FrameType.refused, encodeRefused({ seq, reason }));
  }

  /** Asks a producer for what it has; it answers with FIGURES that say so, behind everything it could send. */
  lastCall(): void {
    if (this.#step === "open" && this.failure === undefined)
      this.#send(FrameType.lastCall, NOTHING);
  }

  /** Closes the connection. */
  reject(reason: string, code: string): void {
    this.#fail(code, reason);
  }

  /** Call about every 200 ms: ends handshakes that take too long, finds dead producers. */
  tick(nowMs: number): void {
    if (this.failure !== undefined || this.#step === "ended") return;
    if (this.#step === "open") {
      if (this.#heartbeat.isDead(nowMs)) this.failure = { code: "dead", message: DEAD_TEXT };
      else if (this.#heartbeat.asks(nowMs)) this.#send(FrameType.ping, NOTHING);
    } else if (this.#step !== "welcoming" && nowMs - this.#startedAtMs >= HANDSHAKE_MS_MAX) {
      const message = `no handshake in ${HANDSHAKE_MS_MAX} ms`;
      this.failure = { code: "handshake-timeout", message };
    }
  }

  /** Bytes to write now, in order. Many `accepted` calls give one ACK. */
  takeOutput(): Uint8Array[] {
    if (this.#ackDue && this.state !== "handshake") {
      this.#ackDue = false;
      const { creditBytes } = this.#window;
      this.#send(FrameType.ack, encodeAck({ ackedSeq: this.#ackedSeq, creditBytes }));
    }
    const output = this.#output;
    if (output.length > 0) this.#output = [];
    return output;
  }

  #handle(frame: Frame, data: DataFrame[]): void {
    const { type } = frame;
    const verdict = readerFor(this.#step, type);
    if (verdict === "expected") this.#act(frame, data);
    else if (verdict === "untimely" && isGreeting(type))
      this.#fail("control", `${nameOf(type)} out of turn`);
    else if (this.#step !== "open" && this.#step !== "ended") this.#failEarly(type);
    else if (verdict === "unknown")
      this.#fail("unknown-frame", `frame type ${type} is unknown and critical`);
  }

  /** What an expected frame does. */
  #act(frame: Frame, data: DataFrame[]): void {
    switch (frame.type) {
      case FrameType.hello:
        this.#greet(frame.payload);
        break;
      case FrameType.auth:
        this.#verify(frame.payload);
        break;
      case FrameType.data:
        this.#take(frame, data);
        break;
      case FrameType.want:
        this.#want(frame.payload);
        break;
      case FrameType.figures:
        this.#told(frame.payload);
        break;
      case FrameType.ping:
        this.#send(FrameType.pong, NOTHING);
        break;
      case FrameType.bye:
        this.#step = "ended";
        break;
    }
  }

  #greet(payload: Uint8Array): void {
    const hello = decodeHello(payload);
    if (hello === undefined) {
      this.#fail("control", "malformed HELLO");
      return;
    }
    if (hello.versionMin > PROTOCOL_VERSION || hello.versionMax < PROTOCOL_VERSION) {
      const offered = `${hello.versionMin} to ${hello.versionMax}`;
      this.#fail(
        "version",
        `this server speaks version ${PROTOCOL_VERSION}, the producer ${offered}`,
      );
      return;
    }
    const challenge = this.#proof.challenge(hello);
    if (challenge === undefined) this.#admit(hello);
    else if ("code" in challenge) this.#fail(challenge.code, challenge.message);
    else {
      this.#applicant = hello;
      this.#step = "proving";
      this.#send(FrameType.challenge, encodeChallenge(challenge));
    }
  }

  #verify(payload: Uint8Array): void {
    const hello = this.#applicant;
    const proof = decodeAuth(payload);
    if (hello === undefined || proof === undefined) {
      this.#fail("control", "malformed AUTH");
      return;
    }
    const fault = this.#proof.verify(hello, proof);
    if (fault === undefined) this.#admit(hello);
    else this.#fail(fault.code, fault.message);
  }

  #admit(hello: Hello): void {
    this.#applicant = hello;
    this.#step = "welcoming";
    const safeSeq = this.#options.resume(hello);
    if (safeSeq !== "later") this.#welcome(hello, safeSeq);
  }

  #welcome(hello: Hello, safeSeq: number | undefined): void {
    // A producer frees what any server acknowledged: frames before its oldest one will not come again.
    const ackedSeq = Math.max(safeSeq ?? 0, hello.firstUnackedSeq - 1);
    this.#receivedSeq = ackedSeq;
    this.#ackedSeq = ackedSeq;
    this.hello = hello;
    this.#applicant = undefined;
    this.#step = "open";
    const welcome = encodeWelcome({
      version: PROTOCOL_VERSION,
      ackedSeq,
      creditBytes: this.#window.windowBytes,
      minor: PROTOCOL_MINOR,
      proof: this.#proof.own(hello),
    });
    this.#send(FrameType.welcome, welcome);
  }

  #take(frame: Frame, data: DataFrame[]): void {
    const bytes = FRAME_HEADER_BYTES + frame.payload.length;
    const window = this.#window;
    if (!window.covers(bytes)) {
      this.#fail("credit", CREDIT_EXCEEDED);
    } else if (frame.seq > this.#receivedSeq + 1) {
      this.#fail("hole", `frame ${frame.seq} came where ${this.#receivedSeq + 1} was due`);
    } else if (frame.seq <= this.#receivedSeq) {
      this.duplicateFrames += 1;
      window.receivedBytes += bytes;
      this.#free(bytes);
    } else {
      window.receivedBytes += bytes;
      this.#receivedSeq = frame.seq;
      data.push({ seq: frame.seq, payload: frame.payload });
    }
  }

  #told(payload: Uint8Array): void {
    const figures = decodeFigures(payload);
    if (figures === undefined) this.#fail("control", "malformed FIGURES");
    else this.#options.figures?.(figures);
  }

  #want(payload: Uint8Array): void {
    const wanted = decodeWant(payload);
    if (wanted === undefined || !this.#window.want(wanted)) this.#fail("control", "malformed WANT");
  }

  #send(type: number, payload: Uint8Array): void {
    const [header, body] = encodeFrame(type, 0, payload);
    this.#output.push(header);
    if (body.length > 0) this.#output.push(body);
  }

  #failEarly(type: number): void {
    this.#fail("handshake", `frame type ${type} before the handshake was finished`);
  }

  /** A foreign peer gets no answer: it could not read it, and a scanner should learn nothing. */
  #failFrame(fault: FrameFault): void {
    const message = FRAME_FAULT_TEXTS[fault];
    if (fault === FrameFault.foreign) this.failure = { code: fault, message };
    else this.#fail(fault, message);
  }

  #fail(code: string, message: string): void {
    this.failure = { code, message };
    this.#send(FrameType.error, encodeFault(this.failure));
  }
}

/** What a connection is closed with before it comes to a session. */
export function errorFrame(fault: Fault): Uint8Array {
  return Buffer.concat(encodeFrame(FrameType.error, 0, encodeFault(fault)));
}
