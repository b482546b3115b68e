/**
 * One connection to a target that is kept alive: opens it when there is something to send, writes one request at a
 * time, and reads its answer. undici's connector opens it (names, both address families, TLS with resumption, the
 * connect timeout); from there on bytes go to the socket as `RequestWriter` made them, and what comes back goes to a
 * `ResponseParser`. Knows nothing of messages, redirects and counters.
 *
 * Why not undici's `dispatch`: it writes Host and Connection itself, first and in lower case, refuses `OPTIONS *`, and
 * costs 4 to 5 µs more a request; see ARCHITECTURE.md.
 */
import { Socket, isIP } from "node:net";
import { buildConnector } from "undici";
import type { RequestWriter } from "../../core/http/request-writer.ts";
import { ResponseParser } from "../../core/http/response-parser.ts";
import { BadResponse, ClosedByTarget } from "./failure.ts";

/** A target that does not accept in this time is not going to. */
const CONNECT_MS_MAX = 5000;
/** What one read takes in; the buffer is the connection's own and used for every read. Most answers are smaller. */
const READ_BYTES = 16 * 1024;
/** How long a connection may be idle and still be used, unless the target says less: servers close after 5 s. */
const IDLE_MS_MAX = 4000;
/** A connection is given up this long before the time its target named: a request on its way must not meet a close. */
const IDLE_MARGIN_MS = 1000;

export interface Origin {
  readonly protocol: "http:" | "https:";
  readonly hostname: string;
  readonly port: string;
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
  readonly #origin: Origin;
  readonly #events: ConnectionEvents;
  readonly #connect: buildConnector.connector;
  #phase: Phase = "closed";
  #socket: Socket | undefined;
  /** Counts sockets: what an old one still has to say is nobody's business. */
  #generation = 0;
  #staleAtMs = 0;

  constructor(origin: Origin, skipVerify: boolean, events: ConnectionEvents) {
    this.#origin = origin;
    this.#events = events;
    this.#connect = buildConnector({
      timeout: CONNECT_MS_MAX,
      rejectUnauthorized: !skipVerify,
      // Without it every read makes a new buffer and passes a stream: 1.2 µs a request.
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (bytesRead: number, buffer: Uint8Array) => this.#read(buffer, bytesRead),
      },
    });
  }

  get connecting(): boolean {
    return this.#phase === "connecting";
  }

  /** True when `send` may be called; closes a connection that was idle for too long. */
  isOpen(nowMs: number): boolean {
    if (this.#phase !== "idle") return false;
    if (nowMs < this.#staleAtMs) return true;
    this.close();
    return false;
  }

  /** Opens a connection; ends in `opened` or `broke`, never before this returns. */
  open(): void {
    this.close();
    const generation = this.#generation;
    this.#phase = "connecting";
    this.reused = false;
    const { protocol, hostname, port } = this.#origin;
    const servername = isIP(hostname) === 0 ? hostname : "";
    // It returns the socket, which its types do not say: needed to give up while connecting.
    const socket: unknown = this.#connect(
      { protocol, hostname, port, servername },
      (error, connected) => {
        if (generation !== this.#generation) {
          connected?.destroy();
        } else if (connected === null) {
          this.#broke(error);
        } else {
          this.#phase = "idle";
          this.#staleAtMs = Number.POSITIVE_INFINITY;
          this.#events.opened();
        }
      },
    );
    if (!(socket instanceof Socket)) throw new Error("the connector gave no socket");
    this.#socket = socket;
    socket.on("error", (error: Error) => this.#ended(generation, error));
    socket.on("end", () => this.#ended(generation, undefined));
    socket.on("close", () => this.#ended(generation, undefined));
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
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /** True to go on reading. */
  #read(buffer: Uint8Array, bytesRead: number): boolean {
    if (this.#phase !== "awaiting") {
      // Nothing was asked: a farewell such as 408, or nonsense.
      this.close();
      return true;
    }
    const { parser } = this;
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
