/**
 * Where the SDK touches Node: two diagnostics channels and four methods, shared by all mirrors of the process.
 *
 * `http.server.request.start` makes an exchange and hangs it on its connection; `push` of requests and `write`, `end` and
 * `addTrailers` of responses copy what passes; `end` or, when something is left to be sent, `http.server.response.finish`
 * ends it. Nothing is put on requests and responses, and little is read from
 * them (`exchange.ts` says why): a connection has few exchanges at a time, mostly one, and most calls are about the one that
 * began last. The methods are replaced once on the prototypes (not on each object, which costs four times as much) by the first
 * mirror, and given back by the last. They call the original with what they got and return what it returns; an
 * object of an unknown connection costs one look-up. Nothing here throws into the host: a fault of ours ends the exchange,
 * many of them end the SDK.
 */
import { channel } from "node:diagnostics_channel";
import { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { Exchange, hasResponseBody } from "./exchange.ts";
import type { ConnectionInfo } from "./exchange.ts";
import { isReplay, surveyOf } from "./fields.ts";
import { Foreign } from "./hidden.ts";
import { Ownership } from "./ownership.ts";
import type { Recorder } from "./recorder.ts";
import { nowUs } from "./time.ts";

/** On the sockets of clients. */
class ConnectionOf extends Foreign {
  #connection: ConnectionInfo;

  constructor(socket: Socket, connection: ConnectionInfo) {
    super(socket);
    this.#connection = connection;
  }

  static get(socket: object): ConnectionInfo | undefined {
    return #connection in socket ? socket.#connection : undefined;
  }
}

/** Faults of our own after which the SDK stops touching anything. */
const FAULTS_MAX = 10;
interface StartMessage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly server: Server;
}

type Push = IncomingMessage["push"];
type Write = (
  this: ServerResponse,
  chunk: unknown,
  encoding: unknown,
  callback: unknown,
) => boolean;
type End = (
  this: ServerResponse,
  chunk: unknown,
  encoding: unknown,
  callback: unknown,
) => ServerResponse;

type AddTrailers = ServerResponse["addTrailers"];

export class Tap {
  readonly ownership: Ownership = new Ownership();
  /** The exchange that began last, while it is not finished: found by comparing, without reading from Node's objects. */
  #latest: Exchange | undefined;
  #mirrors = 0;
  #connections = 0;
  #faults = 0;
  #restore: (() => void) | undefined;
  readonly #onStart = (message: unknown): void => {
    try {
      this.#start(message as StartMessage);
    } catch (error) {
      // What is published here may be anything.
      const { request, server } = Object(message) as Partial<StartMessage>;
      const exchange = this.exchangeOf(request);
      const owner = this.ownership.ownerOf(server);
      this.#fault(error, exchange, owner);
      if (exchange === undefined) owner?.refuse("internal");
    }
  };
  readonly #onFinish = (message: unknown): void => {
    const { response, socket } = Object(message) as Partial<StartMessage>;
    const exchange = onConnection(socket, response);
    if (exchange !== undefined) this.#finished(exchange, nowUs());
  };

  /** One more mirror is alive. */
  acquire(): void {
    this.#mirrors += 1;
    if (this.#mirrors > 1 || this.#faults >= FAULTS_MAX) return;
    this.#restore = this.#patch();
    if (this.#restore === undefined) {
      console.warn("mirrorball: Node's HTTP prototypes are frozen; nothing is recorded");
      return;
    }
    channel("http.server.request.start").subscribe(this.#onStart);
    channel("http.server.response.finish").subscribe(this.#onFinish);
  }

  /** One mirror less; the last one gives everything back. */
  release(): void {
    this.#mirrors -= 1;
    if (this.#mirrors === 0) this.#uninstall();
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
      let exchange = newestOn(res.req);
      while (exchange !== undefined && exchange.res !== res) exchange = exchange.earlier;
      return exchange;
    } catch {
      return undefined;
    }
  }

  #uninstall(): void {
    channel("http.server.request.start").unsubscribe(this.#onStart);
    channel("http.server.response.finish").unsubscribe(this.#onFinish);
    this.#restore?.();
    this.#restore = undefined;
  }

  #start({ request, response, socket, server }: StartMessage): void {
    const survey = surveyOf(request.rawHeaders);
    const connection = ConnectionOf.get(socket) ?? this.#connectionOf(socket, server);
    let exchange: Exchange | undefined;
    if (isReplay(survey)) this.ownership.skipReplay(connection.server);
    else if (this.ownership.wants(connection.server, request, server)) {
      exchange = new Exchange(request, response, socket, connection, survey, nowUs());
      connection.newest = exchange;
      this.#latest = exchange;
    }
    connection.nextSeq += 1;
    if (exchange !== undefined) this.ownership.begin(exchange);
  }

  #connectionOf(socket: Socket, server: Server): ConnectionInfo {
    this.#connections += 1;
    // Read once a connection: the socket forgets it when it is closed.
    const peer =
      socket.remoteAddress === undefined ? null : `${socket.remoteAddress}:${socket.remotePort}`;
    const made = {
      id: this.#connections,
      nextSeq: 0,
      peer,
      server: this.ownership.stateOf(server),
      newest: undefined,
    };
    void new ConnectionOf(socket, made);
    return made;
  }

  /** Nothing can still come for this exchange. */
  #finished(exchange: Exchange, endedUs: number): void {
    const { connection } = exchange;
    // Answers go out in order, hence the older ones are finished too.
    if (connection.newest === exchange) connection.newest = undefined;
    if (this.#latest === exchange) this.#latest = undefined;
    try {
      this.ownership.finished(exchange, endedUs);
    } catch (error) {
      this.#fault(error, exchange);
    }
  }

  /** Never throws. An exchange is not recorded any further, and counted by the recorder that it has, or was to have. */
  #fault(
    error: unknown,
    exchange?: Exchange,
    owner: Recorder | undefined = exchange?.recorder,
  ): void {
    if (owner !== undefined) owner.fault(error, exchange);
    else if (exchange !== undefined) this.ownership.forget(exchange);
    this.#faults += 1;
    if (this.#faults !== FAULTS_MAX) return;
    try {
      this.#uninstall();
      console.warn(
        "mirrorball: too many internal errors; nothing more is recorded in this process",
      );
    } catch {
      // Prototypes that were frozen since, or a console that throws.
    }
  }

  #requestBytes(exchange: Exchange, chunk: unknown): void {
    if (exchange.closed || !exchange.hasRequestBody) return;
    try {
      if (chunk === null) {
        exchange.request.ended = true;
        if (exchange.request.seenBytes > 0) exchange.requestEndedUs = nowUs();
        exchange.recorder?.requestEnded(exchange);
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
    if (exchange.closed) return;
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
    exchange.responseEnded = true;
    const atUs = nowUs();
    this.#responseBytes(exchange, chunk, encoding, atUs, true);
    try {
      // Mostly the system took all of it at once; what it did not is told by the channel.
      if (exchange.requestIsWhole && isOut(exchange)) this.#finished(exchange, atUs);
    } catch (error) {
      this.#fault(error, exchange);
    }
  }

  /** Replaces the methods; returns how to give them back, or undefined when they cannot be replaced. */
  #patch(): (() => void) | undefined {
    const exchangeOfRequest = this.exchangeOf.bind(this);
    const exchangeOfResponse = this.#exchangeOfResponse.bind(this);
    const onRequestBytes = this.#requestBytes.bind(this);
    const onResponseBytes = this.#responseBytes.bind(this);
    const onEnded = this.#ended.bind(this);
    const requests: { push: Push } = IncomingMessage.prototype;
    const responses = ServerResponse.prototype as unknown as {
      write: Write;
      end: End;
      addTrailers: AddTrailers;
    };
    const { push: originalPush } = requests;
    const push: Push = function mirrorballPush(this: IncomingMessage, chunk, encoding) {
      const exchange = exchangeOfRequest(this);
      if (exchange !== undefined) onRequestBytes(exchange, chunk);
      return originalPush.call(this, chunk, encoding);
    };
    // Three named arguments, not `...args`: the originals tell their overloads apart by type, never by number, and the rest
    // array costs 19 µs a request of Express's JSON hello (measured; V8 no longer inlines what is behind it).
    const { write: originalWrite } = responses;
    const write: Write = function mirrorballWrite(chunk, encoding, callback) {
      const exchange = exchangeOfResponse(this);
      // What is written to a response that has ended goes nowhere.
      if (exchange === undefined || exchange.responseEnded) {
        return originalWrite.call(this, chunk, encoding, callback);
      }
      const more = originalWrite.call(this, chunk, encoding, callback);
      onResponseBytes(exchange, chunk, encoding, nowUs(), false);
      return more;
    };
    const { end: originalEnd } = responses;
    const end: End = function mirrorballEnd(chunk, encoding, callback) {
      const exchange = exchangeOfResponse(this);
      if (exchange === undefined || exchange.responseEnded) {
        return originalEnd.call(this, chunk, encoding, callback);
      }
      const self = originalEnd.call(this, chunk, encoding, callback);
      onEnded(exchange, chunk, encoding);
      return self;
    };
    const { addTrailers: originalAddTrailers } = responses;
    const addTrailers: AddTrailers = function mirrorballAddTrailers(this: ServerResponse, fields) {
      const exchange = exchangeOfResponse(this);
      if (exchange !== undefined) exchange.hasResponseTrailers = true;
      originalAddTrailers.call(this, fields);
    };
    const undo = [
      replace(IncomingMessage.prototype, "push", push),
      replace(ServerResponse.prototype, "write", write),
      replace(ServerResponse.prototype, "end", end),
      replace(ServerResponse.prototype, "addTrailers", addTrailers),
    ];
    const restore = (): void => {
      for (const step of undo) step?.();
    };
    if (!undo.includes(undefined)) return restore;
    restore();
    return undefined;
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
  const { _httpMessage: current } = socket as { readonly _httpMessage?: unknown };
  return current === res && socket.writable && socket.writableLength === 0;
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

/**
 * Sets `name` on `target`; the returned function puts back what was there, unless somebody replaced it after us. Neither
 * throws; undefined when `target` is frozen.
 */
function replace(target: object, name: string, value: unknown): (() => void) | undefined {
  const before = Object.getOwnPropertyDescriptor(target, name);
  const done = Reflect.defineProperty(target, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: before?.enumerable ?? false,
  });
  if (!done) return undefined;
  return () => {
    const now = Object.getOwnPropertyDescriptor(target, name);
    // Left in place below another library's replacement: without exchanges it only passes calls on.
    if (now?.value !== value) return;
    if (before === undefined) Reflect.deleteProperty(target, name);
    else Reflect.defineProperty(target, name, before);
  };
}
