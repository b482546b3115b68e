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
import type { Fault, Figures, Hello } from "./control.ts";
import { FRAME_HEADER_BYTES, FrameDecoder, FrameFault, FrameType } from "./frame.ts";
import { PROTOCOL_MINOR, PROTOCOL_VERSION, encodeFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { CREDIT_WINDOW_BYTES, FRAME_PAYLOAD_BYTES_MAX, HANDSHAKE_MS_MAX } from "./limits.ts";
import { HEARTBEAT_DEAD_MS, HEARTBEAT_IDLE_MS } from "./limits.ts";
import { ConsumerProof } from "./proof.ts";

export interface ConsumerOptions {
  /** Shared secret that producers must prove; undefined lets everybody in. */
  readonly token?: string | undefined;
  /** 16 random bytes, new for each connection. */
  readonly nonce: Uint8Array;
  /** Keying material of the TLS channel (see `proof.ts`); undefined when this end sees no TLS. */
  readonly binding?: Uint8Array | undefined;
  /** True when proofs need not be bound to the channel: a proxy ends TLS. */
  readonly unbound?: boolean;
  /** Called with what a producer says of its books. */
  readonly figures?: (figures: Figures) => void;
  /**
   * Called once, when the producer is known (and proven): the sequence number of the last of its frames that is
   * safe here, or undefined when this server does not know it. "later": `welcome` will be called, as when frames of it are
   * on their way to a disk and it must be told for certain which ones are here.
   */
  readonly resume: (hello: Hello) => number | undefined | "later";
  readonly windowBytes?: number;
  /** Who grants credit, when it is not simply given back as frames are taken: then `grant` is called, also within `resume`. */
  readonly credit?: CreditEvents;
}

export interface CreditEvents {
  /** So many bytes that were granted are used and free again. */
  readonly freed: (bytes: number) => void;
  /** The producer needs this much credit, counted from the start of the connection, for its next frame, for two, and so on. */
  readonly wanted: (creditBytes: readonly number[]) => void;
}

export interface DataFrame {
  readonly seq: number;
  /** Not checked, not unpacked: pass it to `checkPayload`, then `unpackRecords`. */
  readonly payload: Uint8Array;
}

const NOTHING: Uint8Array = new Uint8Array(0);
const FIRST_CRITICAL_TYPE = 0x80;

export class ConsumerSession {
  state: "handshake" | "open" | "ended" = "handshake";
  /** Set when the connection must be closed; write `takeOutput()` first, it may hold an ERROR frame. */
  failure: Fault | undefined;
  /** Who the producer is; set when `state` becomes `open`. */
  hello: Hello | undefined;
  /** Frames that came again after they were safe, and were left out. */
  duplicateFrames = 0;

  readonly #options: ConsumerOptions;
  /** Granted, and not free again. */
  #windowBytes: number;
  readonly #decoder: FrameDecoder = new FrameDecoder();
  readonly #startedAtMs: number;
  #unproven: Hello | undefined;
  readonly #proof: ConsumerProof;
  /** Known and proven, and waiting for our `welcome`. */
  #awaited: Hello | undefined;
  #heardAtMs: number;
  #pingedAtMs: number;
  #receivedSeq = 0;
  #ackedSeq = 0;
  #receivedBytes = 0;
  #acceptedBytes = 0;
  #ackDue = false;
  #output: Uint8Array[] = [];

  constructor(options: ConsumerOptions, nowMs: number) {
    this.#options = options;
    this.#proof = new ConsumerProof(options);
    const windowBytes = options.windowBytes ?? CREDIT_WINDOW_BYTES;
    this.#windowBytes = options.credit === undefined ? windowBytes : 0;
    this.#startedAtMs = nowMs;
    this.#heardAtMs = nowMs;
    this.#pingedAtMs = nowMs;
  }

  /** Takes bytes; returns the new DATA frames they complete, in order and without duplicates. */
  receive(chunk: Uint8Array, nowMs: number): DataFrame[] {
    const data: DataFrame[] = [];
    if (this.failure !== undefined || this.state === "ended") return data;
    this.#heardAtMs = nowMs;
    for (const frame of this.#decoder.push(chunk)) {
      this.#handle(frame, data);
      if (this.failure !== undefined) return data;
    }
    if (this.#decoder.fault !== undefined) this.#failFrame(this.#decoder.fault);
    else this.#judgeUnfinished();
    return data;
  }

  /** What no credit covers is not held until it is whole, which may be never. */
  #judgeUnfinished(): void {
    const announced = this.#decoder.announced;
    if (announced === undefined) return;
    if (this.state === "handshake" && !HANDSHAKE_TYPES.has(announced.type)) {
      this.#failEarly(announced.type);
    } else if (announced.type === FrameType.data && !this.#isCovered(announced.bytes)) {
      this.#fail("credit", CREDIT_EXCEEDED);
    }
  }

  #isCovered(bytes: number): boolean {
    return this.#receivedBytes + bytes <= this.#acceptedBytes + this.#windowBytes;
  }

  /** The answer that `resume` said would come later. */
  welcome(ackedSeq: number | undefined): void {
    const hello = this.#awaited;
    if (hello === undefined || this.failure !== undefined) return;
    this.#awaited = undefined;
    this.#welcome(hello, ackedSeq);
  }

  /** All frames up to `seq` are safe; `bytes` is their payloads' sum. Acknowledges and grants new credit. */
  accepted(seq: number, frames: number, bytes: number): void {
    this.#ackedSeq = Math.max(this.#ackedSeq, seq);
    this.#free(bytes + frames * FRAME_HEADER_BYTES);
  }

  /** More credit, from who has it. */
  grant(bytes: number): void {
    this.#windowBytes += bytes;
    this.#ackDue = true;
  }

  /** Bytes of DATA that have come: of all of them it is told when they are free, so a frame that is refused is not counted. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Who has said HELLO and not proven that it knows the token. */
  get unproven(): boolean {
    return this.#unproven !== undefined;
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
    this.#acceptedBytes += bytes;
    this.#ackDue = true;
    const { credit } = this.#options;
    if (credit === undefined) return;
    this.#windowBytes -= bytes;
    credit.freed(bytes);
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
    if (this.state === "open" && this.failure === undefined)
      this.#send(FrameType.lastCall, NOTHING);
  }

  /** Closes the connection. */
  reject(reason: string, code: string): void {
    this.#fail(code, reason);
  }

  /** Call about every 200 ms: ends handshakes that take too long, finds dead producers. */
  tick(nowMs: number): void {
    if (this.failure !== undefined || this.state === "ended") return;
    if (this.state === "handshake") {
      if (this.#awaited === undefined && nowMs - this.#startedAtMs >= HANDSHAKE_MS_MAX) {
        this.failure = {
          code: "handshake-timeout",
          message: `no handshake in ${HANDSHAKE_MS_MAX} ms`,
        };
      }
      return;
    }
    if (nowMs - this.#heardAtMs > HEARTBEAT_DEAD_MS) {
      this.failure = { code: "dead", message: `nothing heard for ${HEARTBEAT_DEAD_MS} ms` };
    } else if (nowMs - Math.max(this.#heardAtMs, this.#pingedAtMs) > HEARTBEAT_IDLE_MS) {
      this.#pingedAtMs = nowMs;
      this.#send(FrameType.ping, NOTHING);
    }
  }

  /** Bytes to write now, in order. Many `accepted` calls give one ACK. */
  takeOutput(): Uint8Array[] {
    if (this.#ackDue && this.state !== "handshake") {
      this.#ackDue = false;
      const creditBytes = this.#acceptedBytes + this.#windowBytes;
      this.#send(FrameType.ack, encodeAck({ ackedSeq: this.#ackedSeq, creditBytes }));
    }
    const output = this.#output;
    if (output.length > 0) this.#output = [];
    return output;
  }

  #handle(frame: Frame, data: DataFrame[]): void {
    if (this.state === "handshake" && !HANDSHAKE_TYPES.has(frame.type)) {
      this.#failEarly(frame.type);
      return;
    }
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
        this.state = "ended";
        break;
      case FrameType.pong:
        break;
      default:
        if (frame.type >= FIRST_CRITICAL_TYPE) {
          this.#fail("unknown-frame", `frame type ${frame.type} is unknown and critical`);
        }
    }
  }

  #greet(payload: Uint8Array): void {
    const hello = decodeHello(payload);
    const known = this.#unproven ?? this.#awaited ?? this.hello;
    if (hello === undefined || known !== undefined) {
      this.#fail("control", "malformed or second HELLO");
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
      this.#unproven = hello;
      this.#send(FrameType.challenge, encodeChallenge(challenge));
    }
  }

  #verify(payload: Uint8Array): void {
    const hello = this.#unproven;
    const proof = decodeAuth(payload);
    if (hello === undefined || proof === undefined) {
      this.#fail("control", "malformed or unasked AUTH");
      return;
    }
    const fault = this.#proof.verify(hello, proof);
    if (fault === undefined) {
      this.#unproven = undefined;
      this.#admit(hello);
    } else this.#fail(fault.code, fault.message);
  }

  #admit(hello: Hello): void {
    const safeSeq = this.#options.resume(hello);
    if (safeSeq === "later") this.#awaited = hello;
    else this.#welcome(hello, safeSeq);
  }

  #welcome(hello: Hello, safeSeq: number | undefined): void {
    // A producer frees what any server acknowledged: frames before its oldest one will not come again.
    const ackedSeq = Math.max(safeSeq ?? 0, hello.firstUnackedSeq - 1);
    this.#receivedSeq = ackedSeq;
    this.#ackedSeq = ackedSeq;
    this.hello = hello;
    this.state = "open";
    const welcome = encodeWelcome({
      version: PROTOCOL_VERSION,
      ackedSeq,
      creditBytes: this.#windowBytes,
      minor: PROTOCOL_MINOR,
      proof: this.#proof.own(hello),
    });
    this.#send(FrameType.welcome, welcome);
  }

  #take(frame: Frame, data: DataFrame[]): void {
    const bytes = FRAME_HEADER_BYTES + frame.payload.length;
    const receivedBytes = this.#receivedBytes + bytes;
    if (!this.#isCovered(bytes)) {
      this.#fail("credit", CREDIT_EXCEEDED);
    } else if (frame.seq > this.#receivedSeq + 1) {
      this.#fail("hole", `frame ${frame.seq} came where ${this.#receivedSeq + 1} was due`);
    } else if (frame.seq <= this.#receivedSeq) {
      this.duplicateFrames += 1;
      this.#receivedBytes = receivedBytes;
      this.#free(bytes);
    } else {
      this.#receivedBytes = receivedBytes;
      this.#receivedSeq = frame.seq;
      data.push({ seq: frame.seq, payload: frame.payload });
    }
  }

  #told(payload: Uint8Array): void {
    const figures = decodeFigures(payload);
    if (figures === undefined) this.#fail("control", "malformed FIGURES");
    else this.#options.figures?.(figures);
  }

  /** Who wants more than the largest frame at a step does not tell of frames. */
  #want(payload: Uint8Array): void {
    const wanted = decodeWant(payload);
    const isFrame = (creditBytes: number, i: number): boolean =>
      creditBytes - (wanted?.[i - 1] ?? this.#receivedBytes) <=
      FRAME_HEADER_BYTES + FRAME_PAYLOAD_BYTES_MAX;
    if (wanted?.every(isFrame) === true) this.#options.credit?.wanted(wanted);
    else this.#fail("control", "malformed WANT");
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
    const message = FAULT_TEXTS[fault];
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

const CREDIT_EXCEEDED = "the producer sent more than it was granted";

const HANDSHAKE_TYPES: ReadonlySet<number> = new Set([FrameType.hello, FrameType.auth]);

const FAULT_TEXTS: Readonly<Record<FrameFault, string>> = {
  [FrameFault.foreign]: "the bytes are not this protocol",
  [FrameFault.version]: `the producer speaks another version; this server speaks ${PROTOCOL_VERSION}`,
  [FrameFault.header]: "a frame header is damaged",
  [FrameFault.length]: "a frame is longer than the limit",
  [FrameFault.payload]: "a payload is damaged",
};
