/**
 * A mirror: the middleware that users mount, with its figures and its end. What all frameworks share is here; how each of
 * them says "reached at the root" or "reached below a path" is in `express.ts` and `koa.ts`.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import { contained } from "./guard/callbacks.ts";
import type { Exchange } from "./exchange/exchange.ts";
import type { OwnLayers } from "./capture/express-layer.ts";
import { isReplay, headerSummaryOf } from "./exchange/header-summary.ts";
import { serverOf } from "./node/node-internals.ts";
import { settingsFrom } from "./options.ts";
import type { MirrorOptions } from "./options.ts";
import { Recorder } from "./record/recorder.ts";
import type { MirrorStats } from "./stats/stats.ts";
import { Tap } from "./capture/tap.ts";

/** Milliseconds that `close()` waits for acknowledgements by default. */
const CLOSE_TIMEOUT_MS_DEFAULT = 5000;
/** Milliseconds that a process that ends by itself may be held to send what is left. */
const EXIT_FLUSH_MS_MAX = 2000;
/** The same while it is still connecting: enough for a server that is there, little for one that is not. */
const EXIT_CONNECT_MS_MAX = 250;

const TAP = Symbol.for("mirrorball.tap.1");

/** One tap a process, even when this package is loaded twice. */
function sharedTap(): Tap {
  const holder = globalThis as { [TAP]?: Tap };
  holder[TAP] ??= new Tap();
  return holder[TAP];
}

/** What live mirrors do when the process runs out of work. One listener for all: ten of them would make Node warn. */
const flushes: Set<() => void> = new Set();

function flushAll(): void {
  for (const flush of flushes) flush();
}

/** What live mirrors do when the process ends at once, as by `process.exit`: only what needs no waiting. */
const departures: Set<() => void> = new Set();

function departAll(): void {
  for (const depart of departures) depart();
}

export interface MirrorControl {
  /** Figures since the mirror was made; `offered = acked + buffered + all dropped`, always. */
  stats(): MirrorStats;
  /** Takes nothing more, waits until everything is acknowledged or the time is up. Never rejects. Idempotent. */
  close(options?: { readonly timeoutMs?: number }): Promise<MirrorStats>;
}

/** The half of a mirror that adapters build on. */
export class MirrorCore implements MirrorControl {
  readonly #recorder: Recorder;
  readonly #tap: Tap | undefined;
  #closing: Promise<MirrorStats> | undefined;
  #warned = false;
  /** Requests of HTTP/2 that reached the middleware. */
  #http2 = 0;
  #saidHttp2 = false;
  readonly #onBeforeExit = contained(
    () => {
      const { buffered, connected } = this.stats();
      if (buffered === 0) return;
      if (connected) void this.close({ timeoutMs: EXIT_FLUSH_MS_MAX });
      else if (this.#recorder.connecting) void this.close({ timeoutMs: EXIT_CONNECT_MS_MAX });
    },
    (error) => this.#recorder.fault(error),
  );
  readonly #onExit = contained(
    () => this.#recorder.leave(),
    (error) => this.#recorder.fault(error),
  );

  /** Throws a TypeError that lists every fault of `options`. */
  constructor(options: MirrorOptions, { waits }: { readonly waits: boolean }) {
    const settings = settingsFrom(options, process.env);
    this.#recorder = new Recorder(settings);
    if (!settings.enabled) return;
    this.#tap = sharedTap();
    this.#tap.acquire(this.#recorder);
    if (waits) {
      // Made by code that has a server: the first request shall not pay for loading.
      this.#recorder.load();
      this.expectMount();
    }
    if (flushes.size === 0) process.on("beforeExit", flushAll);
    flushes.add(this.#onBeforeExit);
    if (departures.size === 0) process.on("exit", departAll);
    departures.add(this.#onExit);
  }

  get enabled(): boolean {
    return this.#tap !== undefined && this.#closing === undefined;
  }

  /** This mirror may be reached as a middleware, on a server that is not known yet. */
  expectMount(): void {
    this.#tap?.ownership.expectMount(this.#recorder);
  }

  /** This mirror has its servers; it is not looked for elsewhere. */
  expectNoMount(): void {
    this.#tap?.ownership.expectNoMount(this.#recorder);
  }

  /** What Node published of a request that began before there was a mirror to hear it. */
  saw(message: unknown): void {
    this.#tap?.saw(message);
  }

  /** Owns every server of the process that no other mirror owns. */
  attachAll(): void {
    this.#tap?.ownership.ownRest(this.#recorder);
  }

  /** Owns this server. */
  attach(server: Server | HttpsServer): void {
    if (this.#tap === undefined) return;
    if (speaksHttp2(server)) this.#sayHttp2();
    if (this.#tap.ownership.claimServer(server, this.#recorder)) return;
    this.#warnOnce("this server is mirrored by another mirror already; this one leaves it alone");
  }

  /** Owns every server whose listener is `app`. */
  attachApp(app: object): void {
    this.#tap?.ownership.ownApp(app, this.#recorder);
  }

  /** This mirror records the exchange of this request: nothing is left to find out about it. */
  records(req: IncomingMessage): boolean {
    return this.#tap?.exchangeOf(req)?.owner === this.#recorder;
  }

  /** Takes this mirror's layers out, once they have nothing to find out: not about this request's server, not about any. */
  leave(layers: OwnLayers, req: IncomingMessage): void {
    const ownership = this.#tap?.ownership;
    if (ownership === undefined || this.#closing !== undefined) return;
    try {
      const server = ownership.hasUnclaimed() ? undefined : serverOf(req.socket);
      // Its HTTP/2 requests are seen by the layer alone.
      if (server !== undefined && speaksHttp2(server)) return;
      if (server === undefined || !ownership.owns(server, this.#recorder)) return;
      ownership.removeLayers(layers, this.#recorder);
    } catch (error) {
      // A stack that cannot be replaced keeps its layer, and is not tried again.
      this.#recorder.fault(error);
    }
  }

  /** The middleware was reached by a request: at the root of its server, or below some path. */
  reached(req: IncomingMessage, atRoot: boolean, context?: unknown): void {
    const tap = this.#tap;
    if (tap === undefined || this.#closing !== undefined) return;
    let exchange: Exchange | undefined;
    try {
      exchange = tap.exchangeOf(req);
      if (exchange !== undefined && context !== undefined) exchange.context = context;
      // The usual case, once the server is claimed.
      if (exchange?.owner === this.#recorder) return;
      if (exchange === undefined && req.httpVersionMajor >= 2) return this.#leftOut();
      const server = serverOf(req.socket);
      if (server === undefined) return;
      // On a server of ours an exchange is missing on purpose; elsewhere it began before we knew.
      const missed = exchange === undefined && !tap.ownership.owns(server, this.#recorder);
      if (atRoot) this.attach(server);
      else tap.ownership.markScoped(server);
      if (exchange !== undefined) tap.ownership.claim(exchange, this.#recorder);
      else if (missed && !isReplay(headerSummaryOf(req.rawHeaders))) this.#recorder.missed(req);
    } catch (error) {
      // An odd framework object; the exchange stays unrecorded and the host unharmed.
      tap.ownership.fault(error, exchange, this.#recorder);
    }
  }

  stats(): MirrorStats {
    return { ...this.#recorder.stats(), http2: this.#http2 };
  }

  /** Node publishes nothing of HTTP/2 on all lines we support: such a request is seen here and recorded nowhere. */
  #leftOut(): void {
    this.#http2 += 1;
    this.#sayHttp2();
  }

  #sayHttp2(): void {
    if (this.#saidHttp2) return;
    this.#saidHttp2 = true;
    this.#recorder.log(
      "mirrorball: HTTP/2 requests are not recorded; stats().http2 counts those that reach the middleware",
    );
  }

  close({
    timeoutMs = CLOSE_TIMEOUT_MS_DEFAULT,
  }: { readonly timeoutMs?: number } = {}): Promise<MirrorStats> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<MirrorStats> {
    const tap = this.#tap;
    if (flushes.delete(this.#onBeforeExit) && flushes.size === 0)
      process.off("beforeExit", flushAll);
    if (tap === undefined) return this.stats();
    try {
      // What is over by now is recorded, not dropped.
      tap.sweep();
      await this.#recorder.close(timeoutMs);
    } catch (error) {
      this.#recorder.fault(error);
    }
    tap.ownership.leave(this.#recorder);
    tap.release(this.#recorder);
    if (departures.delete(this.#onExit) && departures.size === 0) process.off("exit", departAll);
    return this.stats();
  }

  #warnOnce(line: string): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#recorder.log(`mirrorball: ${line}`);
  }
}

/** A server of `node:http2`, whether or not it takes HTTP/1 as well: no other has this method. */
function speaksHttp2(server: object): boolean {
  return "updateSettings" in server;
}

/** A mirror for plain `http` and `https` servers, and for frameworks that give theirs away. */
export interface Mirror extends MirrorControl {
  /** As a middleware: mirrors what reaches it. */
  (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void): void;
  /** Mirrors the whole server, from its next request on. Returns the server. */
  attach<S extends Server | HttpsServer>(server: S): S;
}

/**
 * Makes a mirror that is attached to servers: `createMirror(options).attach(server)`.
 * Throws a TypeError that lists every fault of `options`; nothing throws afterwards.
 */
export function createMirror(options: MirrorOptions = {}): Mirror {
  const core = new MirrorCore(options, { waits: true });
  const middleware = (
    req: IncomingMessage,
    _res: ServerResponse,
    next?: (error?: unknown) => void,
  ): void => {
    core.reached(req, false);
    next?.();
  };
  return Object.assign(middleware, {
    attach<S extends Server | HttpsServer>(server: S): S {
      core.expectNoMount();
      core.attach(server);
      return server;
    },
    stats: () => core.stats(),
    close: (closeOptions?: { readonly timeoutMs?: number }) => core.close(closeOptions),
  });
}
