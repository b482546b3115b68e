/**
 * One connection to an address that comes back by itself: connects, tells when it is up, hands bytes over, tells when it
 * is gone, waits and connects again. Knows nothing of what is spoken on it.
 */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectionOptions } from "node:tls";
import type { SocketAddress } from "../../component/net/address.ts";
import { tlsFaultOf } from "../../component/net/tls-fault.ts";
import type { TlsRemedy } from "../../component/net/tls-fault.ts";
import type { Logger } from "../../component/types.ts";
import { codeOf, hintOf } from "../../files/file-error.ts";
import { connectFault } from "../../files/socket-file.ts";

/** A host that does not answer the connection by then is tried anew; gor's figure. */
const CONNECT_MS_MAX = 5000;
/** At most one line of trouble in this time. */
const LOG_INTERVAL_MS = 10_000;

export interface LinkOptions {
  readonly address: SocketAddress;
  /** Asked for each connection; undefined without TLS. */
  readonly tls: () => ConnectionOptions | undefined;
  /** The address as it was typed. */
  readonly name: string;
  readonly log: Logger;
  /** Milliseconds to wait before the next attempt. */
  readonly pauseMs: () => number;
  readonly opened: () => void;
  readonly received: (chunk: Buffer) => void;
  /** There is room in the socket again. */
  readonly drained: () => void;
  /** It was up and is gone. */
  readonly lost: () => void;
}

export class Link {
  /** Set while the connection is up. */
  socket: Socket | undefined;
  /** Why nothing goes out; undefined once the other side has shown that it works. */
  trouble: string | undefined = "not connected yet";
  readonly #options: LinkOptions;
  #trying: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #loggedAtMs = -LOG_INTERVAL_MS;
  #troubled = false;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  start(): void {
    const { address } = this.#options;
    const tls = this.#options.tls();
    const where =
      address.path === undefined
        ? { host: address.host ?? "localhost", port: address.port }
        : { path: address.path };
    const socket = tls === undefined ? connect(where) : connectTls({ ...tls, ...where });
    this.#trying = socket;
    const impatience = setTimeout(() => {
      socket.destroy(new Error(`no connection in ${CONNECT_MS_MAX} ms`));
    }, CONNECT_MS_MAX);
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      clearTimeout(impatience);
      this.#opened(socket);
    });
    // After the end nobody keeps the books any more.
    socket.on("data", (chunk: Buffer) => {
      if (!this.#closed) this.#options.received(chunk);
    });
    socket.on("drain", () => {
      if (!this.#closed) this.#options.drained();
    });
    socket.on("error", (error) => this.say(troubleOf(error, address)));
    socket.once("close", () => {
      clearTimeout(impatience);
      this.#gone(socket);
    });
  }

  /** Ends this connection; the next one is made after the pause. */
  drop(reason: string): void {
    this.say(reason);
    this.socket?.destroy();
  }

  /** For good: what is written still goes out. Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    const { socket } = this;
    this.socket = undefined;
    if (socket === undefined) {
      this.#trying?.destroy();
      return;
    }
    // A peer that reads no more must not hold the process.
    socket.unref();
    socket.end(() => socket.destroy());
  }

  /** A line of trouble, now and then. */
  say(trouble: string): void {
    this.trouble = trouble;
    const nowMs = performance.now();
    if (this.#closed || nowMs - this.#loggedAtMs < LOG_INTERVAL_MS) return;
    this.#loggedAtMs = nowMs;
    this.#troubled = true;
    this.#options.log.warn(`cannot send: ${trouble}; trying again`);
  }

  /** The other side has shown that it works. */
  works(): void {
    this.trouble = undefined;
    if (!this.#troubled) return;
    this.#troubled = false;
    this.#loggedAtMs = -LOG_INTERVAL_MS;
    this.#options.log.warn(`connected to ${this.#options.name} again`);
  }

  #opened(socket: Socket): void {
    if (this.#closed) {
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    socket.setKeepAlive(true, CONNECT_MS_MAX);
    this.socket = socket;
    this.#options.log.debug(1, `connected to ${this.#options.name}`);
    this.#options.opened();
  }

  #gone(socket: Socket): void {
    this.#trying = undefined;
    const wasUp = socket === this.socket;
    this.socket = undefined;
    if (this.#closed) return;
    if (wasUp) {
      this.say("the connection was closed");
      this.#options.lost();
    }
    this.#retry = setTimeout(() => this.start(), this.#options.pauseMs());
  }
}

const REMEDIES: Readonly<Record<TlsRemedy, string>> = {
  trust: "; --output-tcp-ca FILE trusts whom you choose, --output-tcp-skip-verify trusts anybody",
  name: "; use a name of the certificate's, or --output-tcp-skip-verify, which trusts anybody",
  plain: "; leave --output-tcp-secure out if the other server has no --input-tcp-secure",
  "client-certificate": "; see --output-tcp-certificate",
  none: "",
};

/** An error of a socket in words for a person. */
function troubleOf(error: Error, { path }: SocketAddress): string {
  const tls = tlsFaultOf(error);
  if (tls !== undefined) return tls.words + REMEDIES[tls.remedy];
  const code = codeOf(error);
  const fault = path === undefined ? undefined : connectFault(path, code);
  if (fault !== undefined) return fault;
  return code === "EMFILE" || code === "ENFILE" ? hintOf(code) : error.message;
}
