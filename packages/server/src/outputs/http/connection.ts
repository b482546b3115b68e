/**
 * One connection to a target that is kept alive: opens it when there is something to send, writes one request at a
 * time, and reads its answer. A `Dialer` opens it; from there on bytes go to the socket as `RequestWriter` made them, and what
 * comes back goes to a `ResponseParser`. Knows nothing of messages, redirects and counters.
 *
 * Why not undici's `dispatch`: it writes Host and Connection itself, first and in lower case, refuses `OPTIONS *`, and
 * costs 4 to 5 µs more a request; see ARCHITECTURE.md.
 */
import type { Socket } from "node:net";
import type { RequestWriter } from "../../core/http/replayed/request-writer.ts";
import { ResponseParser } from "../../core/http/replayed/response-parser.ts";
import type { Dialer, GiveUp, ReadBuffer } from "./dialer.ts";
import { BadResponse, ClosedByTarget, TlsExpected } from "./failure.ts";
import type { Origin } from "./origin.ts";

/** What one read takes in; the buffer is the connection's own and used for every read. Most answers are smaller. */
const READ_BYTES = 16 * 1024;
/** How long a connection may be idle and still be used, unless the target says less: servers close after 5 s. */
const IDLE_MS_MAX = 4000;
/** A connection is given up this long before the time its target named: a request on its way must not meet a close. */
const IDLE_MARGIN_MS = 1000;

/** The share of its age that a connection may end earlier: those that were opened together are not renewed together. */
const AGE_SPREAD = 0.1;
/** What a TLS server answers to somebody who does not speak TLS begins so: an alert of version 3. */
const TLS_ALERT = 0x15;
const TLS_MAJOR = 0x03;

export interface ConnectionSettings {
  readonly dialer: Dialer;
  /** Milliseconds after which a connection is not used again, so that changes of addresses are followed; 0 for never. */
  readonly ageMsMax: number;
}

export interface ConnectionEvents {
  /** The connection that was asked for is there. */
  opened(): void;
  /** The answer is whole; `connection.parser` has it. */
  answered(): void;
  /** There will be no answer, or no connection. */
  broke(error: Error): void;
}

type Phase = "closed" | "connecting" | "idle" | "awaiting";

export class Connection {
  readonly parser: ResponseParser = new ResponseParser();
  /** True when an exchange was answered on the present socket: the target may have closed it meanwhile. */
  reused = false;
  readonly origin: Origin;
  readonly #settings: ConnectionSettings;
  readonly #events: ConnectionEvents;
  readonly #read: ReadBuffer;
  #phase: Phase = "closed";
  #socket: Socket | undefined;
  #giveUp: GiveUp | undefined;
  /** Counts sockets: what an old one still has to say is nobody's business. */
  #generation = 0;
  #staleAtMs = 0;
  #retiresAtMs = 0;

  constructor(origin: Origin, settings: ConnectionSettings, events: ConnectionEvents) {
    this.origin = origin;
    this.#settings = settings;
    this.#events = events;
    this.#read = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (bytesRead, buffer) => this.#received(buffer, bytesRead),
    };
  }

  get connecting(): boolean {
    return this.#phase === "connecting";
  }

  /** True when `send` may be called; closes a connection that was idle for too long, or is too old. */
  isOpen(nowMs: number): boolean {
    if (this.#phase !== "idle") return false;
    if (nowMs < this.#staleAtMs && nowMs < this.#retiresAtMs) return true;
    this.close();
    return false;
  }

  /** Opens a connection; ends in `opened` or `broke`, never before this returns. */
  open(nowMs: number): void {
    this.close();
    const generation = this.#generation;
    const { dialer, ageMsMax } = this.#settings;
    const ageMs = ageMsMax === 0 ? Number.POSITIVE_INFINITY : ageMsMax;
    this.#phase = "connecting";
    this.reused = false;
    this.#retiresAtMs = nowMs + ageMs * (1 - AGE_SPREAD * Math.random());
    this.#giveUp = dialer.dial(this.origin, this.#read, (error, socket) => {
      if (generation !== this.#generation) socket?.destroy();
      else if (socket === undefined) this.#broke(error ?? new Error("no connection"));
      else this.#opened(socket, generation);
    });
  }

  #opened(socket: Socket, generation: number): void {
    this.#socket = socket;
    this.#giveUp = undefined;
    socket.on("error", (error: Error) => this.#ended(generation, error));
    socket.on("end", () => this.#ended(generation, undefined));
    socket.on("close", () => this.#ended(generation, undefined));
    this.#phase = "idle";
    this.#staleAtMs = Number.POSITIVE_INFINITY;
    this.#events.opened();
  }

  /** Writes what `writer` holds. `bodyless`: it is a HEAD request. */
  send(writer: RequestWriter, bodyless: boolean, keepsHead: boolean): void {
    const socket = this.#socket;
    if (socket === undefined) throw new Error("the connection is not open");
    this.parser.reset(bodyless, keepsHead);
    this.#phase = "awaiting";
    const head = writer.bytes.subarray(0, writer.length);
    if (writer.rest.length === 0) {
      socket.write(head);
    } else {
      socket.cork();
      socket.write(head);
      for (const piece of writer.rest) socket.write(piece);
      socket.uncork();
    }
    // Nearly always the kernel has taken everything by now, and the buffer may be used again.
    if (socket.writableLength > 0) writer.abandonBuffer();
  }

  /** Marks the time from which the connection counts as idle. */
  idleSince(nowMs: number): void {
    const named = this.parser.facts.keepAliveSeconds;
    const idleMs = named < 0 ? IDLE_MS_MAX : Math.min(IDLE_MS_MAX, named * 1000 - IDLE_MARGIN_MS);
    this.#staleAtMs = nowMs + idleMs;
  }

  /** Closes at once and says nothing. */
  close(): void {
    this.#generation += 1;
    this.#phase = "closed";
    this.#giveUp?.();
    this.#giveUp = undefined;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /** True to go on reading. */
  #received(buffer: Uint8Array, bytesRead: number): boolean {
    if (this.#phase !== "awaiting") {
      // Nothing was asked: a farewell such as 408, or nonsense.
      this.close();
      return true;
    }
    const { parser } = this;
    if (buffer[0] === TLS_ALERT && buffer[1] === TLS_MAJOR && !parser.begun) {
      this.#broke(new TlsExpected("the target speaks TLS"));
      return true;
    }
    parser.push(buffer, bytesRead);
    if (parser.done) this.#answered();
    else if (parser.fault !== undefined) this.#broke(new BadResponse(parser.fault));
    return true;
  }

  #answered(): void {
    this.#phase = "idle";
    // An answer that came before the request was out: the rest of it must not meet the next one.
    if (!this.parser.reusable || (this.#socket?.writableLength ?? 0) > 0) this.close();
    this.reused = true;
    this.#events.answered();
  }

  #ended(generation: number, error: Error | undefined): void {
    if (generation !== this.#generation) return;
    if (this.#phase === "awaiting" && error === undefined) {
      // Some answers end with the connection.
      this.parser.end();
      if (this.parser.done) {
        this.#answered();
        return;
      }
    }
    if (this.#phase === "idle") this.close();
    else this.#broke(error ?? new ClosedByTarget("the target closed the connection"));
  }

  #broke(error: Error): void {
    this.close();
    this.#events.broke(error);
  }
}
