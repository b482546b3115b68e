/**
 * Opens connections of the HTTP output: to a host, to a Unix socket, by TLS, through a proxy. undici opens them (names, both address
 * families, TLS with resumption, the connect timeout, CONNECT). In: where to. Out: a socket, or an error. Knows nothing of requests.
 */
import { createRequire } from "node:module";
import { Socket, isIP } from "node:net";
import { TLSSocket } from "node:tls";
import type * as Undici from "undici";
import type { Client } from "undici";
import type { Origin } from "./origin.ts";
import type { Proxy, ProxyRule } from "./proxies.ts";

/** A target that does not accept in this time is not going to. */
const CONNECT_MS_MAX = 5000;
/** Hosts whose TLS sessions are kept, a kilobyte or two each. */
const SESSIONS_MAX = 100;

/** Loaded with the first worker, when the inputs listen already: it takes as long as everything else. */
let undici: typeof Undici | undefined;

function connecting(): typeof Undici {
  undici ??= createRequire(import.meta.url)("undici") as typeof Undici;
  return undici;
}

export interface DialerSettings {
  readonly skipVerify: boolean;
  readonly proxies: ProxyRule;
  /** Certificates of authorities to trust, as PEM; asked for each connection. Undefined for the system's. */
  readonly authorities: () => Buffer | undefined;
}

/** Where what is read goes: into one buffer, used for every read. True to go on reading. */
export interface ReadBuffer {
  readonly buffer: Buffer;
  readonly callback: (bytesRead: number, buffer: Uint8Array) => boolean;
}

export type Dialled = (error: Error | undefined, socket: Socket | undefined) => void;
/** Gives up; `Dialled` is not called any more, or with what nobody wants. */
export type GiveUp = () => void;

/** The proxy did not let us through, or is not there. */
export class ProxyFault extends Error {
  override readonly name: string = "ProxyFault";
  /** What the proxy answered; 0 when it could not be reached. */
  readonly status: number;

  constructor(message: string, status: number, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

export class Dialer {
  readonly #settings: DialerSettings;
  /** The last TLS session with each host, so that the next connection need not begin at nothing. */
  readonly #sessions: Map<string, Buffer> = new Map();
  #authorities: Buffer | undefined;

  constructor(settings: DialerSettings) {
    this.#settings = settings;
  }

  /** Loads what opens connections. Before an exchange's clock runs: on a busy machine it takes longer than a target may. */
  prepare(): void {
    connecting();
  }

  /** The proxy that takes whole requests for `origin` in absolute form; with TLS they go through it unseen. */
  forwarderTo(origin: Origin): Proxy | undefined {
    return origin.protocol === "http:" ? this.#settings.proxies(origin) : undefined;
  }

  /** What the proxy on the way to `origin` said instead of the target. */
  refusal(origin: Origin, status: number): ProxyFault {
    const name = this.#settings.proxies(origin)?.name ?? "";
    return new ProxyFault(`the proxy ${name} answered ${status}`, status);
  }

  /** `done` is called once, never before this returns. */
  dial(origin: Origin, onread: ReadBuffer, done: Dialled): GiveUp {
    const proxy = this.#settings.proxies(origin);
    if (proxy === undefined) return this.#connect(origin, onread, undefined, done);
    if (origin.protocol === "https:") return this.#tunnel(proxy, origin, onread, done);
    return this.#connect(proxy.origin, onread, undefined, (error, socket) => {
      done(error === undefined ? undefined : unreachable(proxy, error), socket);
    });
  }

  #connect(
    { protocol, hostname, port, socketPath }: Origin,
    onread: ReadBuffer,
    httpSocket: Socket | undefined,
    done: Dialled,
  ): GiveUp {
    const ca = this.#currentAuthorities();
    const key = `${hostname}:${port}`;
    const session = this.#sessions.get(key);
    const connect = connecting().buildConnector({
      timeout: CONNECT_MS_MAX,
      rejectUnauthorized: !this.#settings.skipVerify,
      ...(ca === undefined ? {} : { ca }),
      ...(session === undefined ? {} : { session }),
      ...(socketPath === undefined ? {} : { socketPath }),
      // Without it every read makes a new buffer and passes a stream: 1.2 µs a request.
      ...(httpSocket === undefined ? { onread } : {}),
    });
    // TLS names hosts, never addresses (RFC 6066 3).
    const servername = isIP(hostname) === 0 ? hostname : "";
    // It returns the socket, which its types do not say: needed to give up while connecting.
    const socket: unknown = connect(
      { protocol, hostname, port, servername, ...(httpSocket === undefined ? {} : { httpSocket }) },
      (error, connected) => {
        // Its types promise a socket or null; a failure brings neither.
        if (error === null && connected !== null) {
          // TLS over another socket knows no buffer of ours.
          if (httpSocket !== undefined) {
            connected.on("data", (chunk: Buffer) => onread.callback(chunk.length, chunk));
          }
          done(undefined, connected);
        } else done(error ?? new Error("no connection"), undefined);
      },
    );
    if (socket instanceof TLSSocket) {
      socket.on("session", (latest: Buffer) => this.#keepSession(key, latest));
    }
    return () => {
      if (socket instanceof Socket) socket.destroy();
      httpSocket?.destroy();
    };
  }

  #keepSession(key: string, session: Buffer): void {
    // One for each target, and one for each host that redirects lead to.
    if (this.#sessions.size >= SESSIONS_MAX) this.#sessions.clear();
    this.#sessions.set(key, session);
  }

  /** What other authorities vouched for is no use once they were changed. */
  #currentAuthorities(): Buffer | undefined {
    const current = this.#settings.authorities();
    if (current !== this.#authorities) this.#sessions.clear();
    this.#authorities = current;
    return current;
  }

  /** CONNECT, and TLS with the target behind it: the proxy sees its name and no more. */
  #tunnel(proxy: Proxy, origin: Origin, onread: ReadBuffer, done: Dialled): GiveUp {
    let isOver = false;
    let giveUp: GiveUp = () => {};
    const through = async (): Promise<void> => {
      const client = new (connecting().Client)(urlOf(proxy.origin), {
        connect: { timeout: CONNECT_MS_MAX, ...this.#trust() },
        headersTimeout: CONNECT_MS_MAX,
      });
      giveUp = () => void client.destroy();
      try {
        const socket = await openTunnel(client, proxy, origin);
        if (isOver) socket.destroy();
        else giveUp = this.#connect(origin, onread, socket, done);
      } catch (error) {
        void client.destroy();
        if (!isOver)
          done(error instanceof ProxyFault ? error : unreachable(proxy, error), undefined);
      }
    };
    void through();
    return () => {
      isOver = true;
      giveUp();
    };
  }

  #trust(): { rejectUnauthorized: boolean; ca?: Buffer } {
    const ca = this.#settings.authorities();
    const rejectUnauthorized = !this.#settings.skipVerify;
    return ca === undefined ? { rejectUnauthorized } : { rejectUnauthorized, ca };
  }
}

async function openTunnel(client: Client, proxy: Proxy, origin: Origin): Promise<Socket> {
  const authority = `${bracketed(origin.hostname)}:${origin.port === "" ? "443" : origin.port}`;
  const { authorization } = proxy;
  const { statusCode, socket } = await client.connect({
    path: authority,
    headers: {
      host: authority,
      ...(authorization === undefined ? {} : { "proxy-authorization": authorization }),
    },
  });
  if (statusCode === 200 && socket instanceof Socket) return socket;
  socket.on("error", () => {}).destroy();
  throw new ProxyFault(`the proxy ${proxy.name} answered ${statusCode} to CONNECT`, statusCode);
}

function unreachable(proxy: Proxy, error: unknown): ProxyFault {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return new ProxyFault(`the proxy ${proxy.name} cannot be reached: ${code}`, 0, error);
}

/** `http://proxy:3128` */
export function urlOf({ protocol, hostname, port }: Origin): string {
  return `${protocol}//${bracketed(hostname)}${port === "" ? "" : `:${port}`}`;
}

function bracketed(hostname: string): string {
  return isIP(hostname) === 6 ? `[${hostname}]` : hostname;
}
