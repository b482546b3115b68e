/**
 * Where the SDK touches Node: two diagnostics channels and four methods, shared by all mirrors of the process.
 *
 * `http.server.request.start` makes an exchange and hangs it on its connection; `push` of requests and `write`, `end` and
 * `addTrailers` of responses copy what passes; `end` or, when something is left to be sent, `http.server.response.finish`
 * ends it. Nothing is put on requests and responses, and little is read from them (`exchange.ts` says why): a connection has
 * few exchanges at a time, mostly one, and most calls are about the one that began last; an object of an unknown connection
 * costs one look-up. The methods are replaced by the first mirror (`methods.ts`) and given back by the last. Nothing here throws
 * into the host: a fault of ours ends the exchange; many in a short time suspend the SDK (`suspension.ts`): the methods are
 * given back, and requests are only counted.
 */
import { channel } from "node:diagnostics_channel";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Exchange, ResponsePhase, hasResponseBody } from "../exchange/exchange.ts";
import type { ConnectionInfo, ExchangeOwner } from "../exchange/exchange.ts";
import { isReplay, headerSummaryOf } from "../exchange/header-summary.ts";
import { PrivateFieldHost } from "../node/private-field.ts";
import { replaceMethods } from "./methods.ts";
import { isInTurn, peerOf } from "../node/node-internals.ts";
import { Ownership } from "./ownership.ts";
import { Suspension } from "../guard/suspension.ts";
import { Sweeper } from "../record/sweeper.ts";
import { nowUs } from "../exchange/clock.ts";

/** On the sockets of clients. */
class ConnectionOf extends PrivateFieldHost {
  #connection: ConnectionInfo;

  constructor(socket: Socket, connection: ConnectionInfo) {
    super(socket);
    this.#connection = connection;
  }

  static get(socket: object): ConnectionInfo | undefined {
    return #connection in socket ? socket.#connection : undefined;
  }
}

interface StartMessage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly server: Server;
}

export class Tap {
  readonly ownership: Ownership = new Ownership();
  /** The exchange that began last, while it is not finished: found by comparing, without reading from Node's objects. */
  #latest: Exchange | undefined;
  /** Begun and not over. Nothing of an exchange that is over is held: its request, response and socket are the host's. */
  readonly #inFlight: Set<Exchange> = new Set();
  readonly #sweeper: Sweeper = new Sweeper(
    this.#inFlight,
    (exchange) => this.#look(exchange),
    (error, exchange) => {
      if (exchange !== undefined) this.#leave(exchange);
      this.#fault(error, exchange);
    },
  );
  readonly #owners: Set<ExchangeOwner> = new Set();
  #connections = 0;
  readonly #suspension: Suspension = new Suspension({
    begin: () => this.#suspend(),
    end: () => this.#resume(),
    fault: (error) => this.#fault(error),
  });
  #restore: (() => void) | undefined;
  readonly #onStart = (message: unknown): void => {
    try {
      this.#start(message as StartMessage);
    } catch (error) {
      // What is published here may be anything.
      const { request, server } = Object(message) as Partial<StartMessage>;
      this.ownership.faultAtStart(error, this.exchangeOf(request), server);
      this.#countFault();
    }
  };
  readonly #onFinish = (message: unknown): void => {
    const { response, socket } = Object(message) as Partial<StartMessage>;
    const exchange = onConnection(socket, response);
    if (exchange !== undefined) this.#over(exchange, nowUs(), true);
  };

  /** One more mirror is alive. */
  acquire(owner: ExchangeOwner): void {
    this.#owners.add(owner);
    if (this.ownership.suspended) owner.suspend();
    if (this.#owners.size > 1) return;
    if (this.#install()) channel("http.server.request.start").subscribe(this.#onStart);
  }

  /** One mirror less; the last one gives everything back. */
  release(owner: ExchangeOwner): void {
    this.#owners.delete(owner);
    if (this.#owners.size > 0) return;
    channel("http.server.request.start").unsubscribe(this.#onStart);
    this.#uninstall();
    this.#suspension.stop();
    this.#sweeper.stop();
    for (const exchange of this.#inFlight) this.#leave(exchange);
    if (this.ownership.suspended) this.ownership.resume(nowUs());
  }

  /** A request that began the moment before there was anybody to be told. Never throws. */
  saw(message: unknown): void {
    this.#onStart(message);
  }

  /** Looks for exchanges that are over without anybody having told. */
  sweep(): void {
    this.#sweeper.sweep();
  }

  /** The exchange of a request, if it is being recorded. */
  exchangeOf(req: IncomingMessage | undefined): Exchange | undefined {
    const latest = this.#latest;
    if (latest !== undefined && latest.req === req) return latest;
    let exchange = newestOn(req);
    while (exchange !== undefined && exchange.req !== req) exchange = exchange.earlier;
    return exchange;
  }

  #exchangeOfResponse(res: ServerResponse): Exchange | undefined {
    const latest = this.#latest;
    if (latest !== undefined && latest.res === res) return latest;
    try {
      return onConnection(res.req.socket, res);
    } catch {
      return undefined;
    }
  }

  /** False, with a line of log, when the methods cannot be replaced. */
  #install(): boolean {
    this.#restore = replaceMethods({
      exchangeOfRequest: this.exchangeOf.bind(this),
      exchangeOfResponse: this.#exchangeOfResponse.bind(this),
      requestBytes: this.#requestBytes.bind(this),
      responseBytes: this.#responseBytes.bind(this),
      ended: this.#ended.bind(this),
    });
    if (this.#restore === undefined) {
      console.warn("mirrorball: Node's HTTP prototypes are frozen; nothing is recorded");
      return false;
    }
    channel("http.server.response.finish").subscribe(this.#onFinish);
    return true;
  }

  #uninstall(): void {
    channel("http.server.response.finish").unsubscribe(this.#onFinish);
    this.#restore?.();
    this.#restore = undefined;
  }

  /** Requests are seen to begin, to be counted, and nothing else. */
  #suspend(): void {
    this.#uninstall();
    this.#latest = undefined;
    this.ownership.suspend();
    for (const owner of this.#owners) owner.suspend();
  }

  /** Where that is impossible by now, it stays as it is, and `stats()` says so. */
  #resume(): void {
    if (!this.#install()) return;
    this.ownership.resume(nowUs());
    for (const owner of this.#owners) owner.resume();
  }

  #start({ request, response, socket, server }: StartMessage): void {
    const summary = headerSummaryOf(request.rawHeaders);
    const connection = ConnectionOf.get(socket) ?? this.#connectionOf(socket, server);
    let exchange: Exchange | undefined;
    if (isReplay(summary)) this.ownership.skipReplay(connection.server);
    else if (this.ownership.wants(connection.server, request, server)) {
      exchange = new Exchange(request, response, socket, connection, summary, nowUs());
      connection.newest = exchange;
      this.#latest = exchange;
      this.#inFlight.add(exchange);
      this.#sweeper.start();
    }
    connection.nextSeq += 1;
    if (exchange !== undefined) this.ownership.begin(exchange);
  }

  #connectionOf(socket: Socket, server: Server): ConnectionInfo {
    this.#connections += 1;
    const made = {
      id: this.#connections,
      nextSeq: 0,
      // Now: of a closed connection the system tells nothing.
      peer: peerOf(socket),
      server: this.ownership.stateOf(server),
      newest: undefined,
    };
    void new ConnectionOf(socket, made);
    return made;
  }

  /** Nothing can still come for this exchange; `isSent`: all of its response is with the system. */
  #over(exchange: Exchange, endedUs: number, isSent: boolean): void {
    this.#leave(exchange);
    try {
      this.ownership.over(exchange, endedUs, isSent);
    } catch (error) {
      this.#fault(error, exchange);
    }
  }

  /** Nothing here leads to it any more. */
  #leave(exchange: Exchange): void {
    const { connection } = exchange;
    this.#inFlight.delete(exchange);
    if (this.#latest === exchange) this.#latest = undefined;
    if (connection.newest === exchange) connection.newest = exchange.earlier;
    else {
      let later = connection.newest;
      while (later !== undefined && later.earlier !== exchange) later = later.earlier;
      if (later !== undefined) later.earlier = exchange.earlier;
    }
  }

  /** Finds what no event tells: clients that left, answers that took their socket along, all ends while suspended. */
  #look(exchange: Exchange): void {
    const { res, socket } = exchange;
    if (res === undefined || socket === undefined) this.#leave(exchange);
    else if (res.destroyed || socket.destroyed || res.writableFinished)
      // A response may have got out before its client left; the channel tells only of live sockets.
      this.#over(exchange, nowUs(), res.writableFinished);
    else exchange.owner?.look(exchange);
  }

  /** Never throws. An exchange is not recorded any further, and counted by the owner that it has. */
  #fault(error: unknown, exchange?: Exchange): void {
    this.ownership.fault(error, exchange, exchange?.owner);
    this.#countFault();
  }

  /** Many in a short time suspend everything. */
  #countFault(): void {
    try {
      this.#suspension.count(performance.now());
    } catch {
      // Prototypes that were frozen since, or a console that throws.
    }
  }

  #requestBytes(exchange: Exchange, chunk: unknown): void {
    if (!exchange.isOpen || !exchange.hasRequestBody) return;
    try {
      if (chunk === null) {
        exchange.request.ended = true;
        if (exchange.request.seenBytes > 0) exchange.requestEndedUs = nowUs();
        exchange.owner?.requestEnded(exchange);
      } else if (chunk instanceof Uint8Array) {
        this.ownership.requestChunk(exchange, copyOf(chunk));
      }
    } catch (error) {
      this.#fault(error, exchange);
    }
  }

  #responseBytes(
    exchange: Exchange,
    chunk: unknown,
    encoding: unknown,
    atUs: number,
    last: boolean,
  ): void {
    if (!exchange.isOpen) return;
    try {
      if (exchange.responseStartedUs === 0) exchange.responseStartedUs = atUs;
      if (chunk === undefined || chunk === null || typeof chunk === "function") return;
      if (!hasResponseBody(exchange)) return;
      if (last && typeof chunk === "string" && chunk !== "" && isUtf8(encoding)) {
        if (this.ownership.responseText(exchange, chunk)) return;
      }
      const bytes =
        typeof chunk === "string"
          ? Buffer.from(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8")
          : chunk instanceof Uint8Array
            ? copyOf(chunk)
            : undefined;
      if (bytes !== undefined && bytes.length > 0) this.ownership.responseChunk(exchange, bytes);
    } catch (error) {
      this.#fault(error, exchange);
    }
  }

  /** `end` was called, with these arguments. */
  #ended(exchange: Exchange, chunk: unknown, encoding: unknown): void {
    // Only now: it throws when the length does not fit, and may be called again.
    exchange.responsePhase = ResponsePhase.ended;
    const atUs = nowUs();
    this.#responseBytes(exchange, chunk, encoding, atUs, true);
    try {
      // Mostly the system took all of it at once; what it did not is told by the channel.
      if (exchange.requestIsWhole && isOut(exchange)) this.#over(exchange, atUs, true);
    } catch (error) {
      this.#fault(error, exchange);
    }
  }
}

function onConnection(socket: unknown, res: unknown): Exchange | undefined {
  if (typeof socket !== "object" || socket === null) return undefined;
  let exchange = ConnectionOf.get(socket)?.newest;
  while (exchange !== undefined && exchange.res !== res) exchange = exchange.earlier;
  return exchange;
}

/**
 * Whether an ended response is with the system, all of it: what `res.writableFinished` says, told by the connection alone.
 * Until it is the connection's turn, a response is kept; then it writes through to the socket.
 */
function isOut({ socket, res }: Exchange): boolean {
  if (res === undefined || socket === undefined) return true;
  return isInTurn(res, socket) && socket.writable && socket.writableLength === 0;
}

/** Requests and responses made by others than Node's server may have any shape, and getters that throw. */
function newestOn(req: IncomingMessage | undefined): Exchange | undefined {
  try {
    const socket: unknown = req?.socket;
    if (typeof socket !== "object" || socket === null) return undefined;
    return ConnectionOf.get(socket)?.newest;
  } catch {
    return undefined;
  }
}

/** Whether a text with this argument of `end` behind it goes out as UTF-8; spelled as frameworks spell it. */
function isUtf8(encoding: unknown): boolean {
  return typeof encoding !== "string" || encoding === "utf8" || encoding === "utf-8";
}

/**
 * Bytes of our own: the host may reuse its buffer, and a small view would pin a large one. Small copies come from Node's
 * pool, which is shared with the host's own small buffers.
 */
function copyOf(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk);
}
