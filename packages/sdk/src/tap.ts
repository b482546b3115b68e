/**
 * Where the SDK touches Node: two diagnostics channels and four methods, shared by all mirrors of the process.
 *
 * `http.server.request.start` makes an exchange and hangs it on request and response under one hidden symbol;
 * `push` of requests and `write` and `end` of responses copy the bytes that pass; `http.server.response.finish` ends
 * it. The methods are replaced once on the prototypes (not on each object, which costs four times as much) by the first
 * mirror, and given back by the last. They call the original with what they got and return what it returns; an
 * object without the symbol costs one look-up. Nothing here throws into the host: a fault of ours ends the exchange,
 * many of them end the SDK.
 */
import { channel } from "node:diagnostics_channel";
import { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { Exchange } from "./exchange.ts";
import type { ConnectionInfo } from "./exchange.ts";
import { Ownership } from "./ownership.ts";
import { nowUs } from "./time.ts";

const EXCHANGE: unique symbol = Symbol.for("mirrorball.exchange");
const CONNECTION: unique symbol = Symbol.for("mirrorball.connection");

/** Faults of our own after which the SDK stops touching anything. */
const FAULTS_MAX = 10;
/** The field that a replayed request carries; teeing it again would make a loop. */
const REPLAY_FIELD = "x-mirrorball-replay";

interface Marked {
  [EXCHANGE]?: Exchange;
}

interface MarkedSocket {
  [CONNECTION]?: ConnectionInfo;
}

interface StartMessage {
  readonly request: IncomingMessage & Marked;
  readonly response: ServerResponse & Marked;
  readonly socket: Socket & MarkedSocket;
  readonly server: Server;
}

type Push = IncomingMessage["push"];
type Write = (this: ServerResponse & Marked, ...args: unknown[]) => boolean;
type End = (this: ServerResponse & Marked, ...args: unknown[]) => ServerResponse;

export class Tap {
  readonly ownership: Ownership = new Ownership();
  #mirrors = 0;
  #connections = 0;
  #faults = 0;
  #restore: (() => void) | undefined;
  readonly #onStart = (message: unknown): void => this.#guard(() => this.#start(message as StartMessage));
  readonly #onFinish = (message: unknown): void => {
    const exchange = (message as StartMessage).response[EXCHANGE];
    if (exchange !== undefined) this.#guard(() => this.ownership.finished(exchange));
  };

  /** One more mirror is alive. */
  acquire(): void {
    this.#mirrors += 1;
    if (this.#mirrors > 1 || this.#faults >= FAULTS_MAX) return;
    channel("http.server.request.start").subscribe(this.#onStart);
    channel("http.server.response.finish").subscribe(this.#onFinish);
    this.#restore = this.#patch();
  }

  /** One mirror less; the last one gives everything back. */
  release(): void {
    this.#mirrors -= 1;
    if (this.#mirrors === 0) this.#uninstall();
  }

  /** The exchange of a request, if it is being recorded. */
  exchangeOf(req: IncomingMessage & Marked): Exchange | undefined {
    return req[EXCHANGE];
  }

  #uninstall(): void {
    channel("http.server.request.start").unsubscribe(this.#onStart);
    channel("http.server.response.finish").unsubscribe(this.#onFinish);
    this.#restore?.();
    this.#restore = undefined;
  }

  #start({ request, response, socket, server }: StartMessage): void {
    if (isReplay(request)) {
      this.ownership.skipReplay(server);
      return;
    }
    const wanted = this.ownership.wants(server, request);
    const connection = this.#connectionOf(socket);
    if (wanted) {
      const exchange = new Exchange(request, response, socket, connection, nowUs());
      request[EXCHANGE] = exchange;
      response[EXCHANGE] = exchange;
      this.ownership.begin(server, exchange);
    }
    connection.nextSeq += 1;
  }

  #connectionOf(socket: Socket & MarkedSocket): ConnectionInfo {
    const known = socket[CONNECTION];
    if (known !== undefined) return known;
    this.#connections += 1;
    // Read once a connection: the socket forgets it when it is closed.
    const peer = socket.remoteAddress === undefined ? null : `${socket.remoteAddress}:${socket.remotePort}`;
    const made = { id: this.#connections, nextSeq: 0, peer };
    socket[CONNECTION] = made;
    return made;
  }

  /** Runs a step of ours; what it throws is counted and goes no further. */
  #guard(step: () => void): void {
    try {
      step();
    } catch {
      this.#fault();
    }
  }

  #fault(): void {
    this.#faults += 1;
    if (this.#faults !== FAULTS_MAX) return;
    this.#uninstall();
    console.warn("mirrorball: too many internal errors; nothing more is recorded in this process");
  }

  #requestBytes(exchange: Exchange, chunk: unknown): void {
    if (exchange.closed) return;
    try {
      if (chunk === null) {
        exchange.request.ended = true;
        if (exchange.request.seenBytes > 0) exchange.requestEndedUs = nowUs();
        exchange.recorder?.requestEnded(exchange);
      } else if (chunk instanceof Uint8Array) {
        this.ownership.requestChunk(exchange, copyOf(chunk));
      }
    } catch {
      this.#fault();
      exchange.recorder?.drop(exchange, "internal");
    }
  }

  #responseBytes(exchange: Exchange, res: ServerResponse, chunk: unknown, encoding: unknown): void {
    if (exchange.closed) return;
    try {
      if (exchange.responseStartedUs === 0) exchange.responseStartedUs = nowUs();
      if (chunk === undefined || chunk === null || typeof chunk === "function") return;
      // Set once the head is rendered: HEAD, 204 and 304 have no body, whatever was written.
      if ((res as { readonly _hasBody?: unknown })._hasBody === false) return;
      const bytes =
        typeof chunk === "string"
          ? Buffer.from(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8")
          : chunk instanceof Uint8Array
            ? copyOf(chunk)
            : undefined;
      if (bytes !== undefined && bytes.length > 0) this.ownership.responseChunk(exchange, bytes);
    } catch {
      this.#fault();
      exchange.recorder?.drop(exchange, "internal");
    }
  }

  /** Replaces the methods; returns how to give them back. */
  #patch(): () => void {
    const tap = this;
    const originalPush: Push = IncomingMessage.prototype.push;
    const push: Push = function mirrorballPush(this: IncomingMessage & Marked, chunk, encoding) {
      const exchange = this[EXCHANGE];
      if (exchange !== undefined) tap.#requestBytes(exchange, chunk);
      return originalPush.call(this, chunk, encoding);
    };
    // `apply` with the arguments as they came: the overloads are the original's business.
    const originalWrite = ServerResponse.prototype.write as Write;
    const write: Write = function mirrorballWrite(...args) {
      const exchange = this[EXCHANGE];
      if (exchange === undefined || this.writableEnded) return originalWrite.apply(this, args);
      const more = originalWrite.apply(this, args);
      tap.#responseBytes(exchange, this, args[0], args[1]);
      return more;
    };
    const originalEnd = ServerResponse.prototype.end as End;
    const end: End = function mirrorballEnd(...args) {
      const exchange = this[EXCHANGE];
      if (exchange === undefined || this.writableEnded) return originalEnd.apply(this, args);
      const self = originalEnd.apply(this, args);
      tap.#responseBytes(exchange, this, args[0], args[1]);
      return self;
    };
    const undo = [
      replace(IncomingMessage.prototype, "push", push),
      replace(ServerResponse.prototype, "write", write),
      replace(ServerResponse.prototype, "end", end),
    ];
    return () => {
      for (const step of undo) step();
    };
  }
}

/** Whether a request is a replay, sent by a mirrorball server. */
export function isReplay({ rawHeaders }: IncomingMessage): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === REPLAY_FIELD.length && name.toLowerCase() === REPLAY_FIELD) return true;
  }
  return false;
}

/**
 * Bytes of our own: the host may reuse its buffer, and a small view would pin a large one. Small copies come from Node's
 * pool, which is shared with the host's own small buffers.
 */
function copyOf(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk);
}

/** Sets `name` on `target`; the returned function puts back what was there, unless somebody replaced it after us. */
function replace(target: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: before?.enumerable ?? false });
  return () => {
    const now = Object.getOwnPropertyDescriptor(target, name);
    // Left in place below another library's replacement: without exchanges it only passes calls on.
    if (now?.value !== value) return;
    if (before === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, before);
  };
}
