/**
 * Whose exchange is it? A mirror owns a whole server or only what reaches its mount point, and must never see another
 * server of the process. But a request begins before its middleware runs, often before anybody knows to which
 * mirror the server belongs. So an exchange of an undecided server is recorded without an owner:
 *
 * - a mirror that is reached at the root of its application claims the server: from then on everything there is its
 *   own, and so is what this server has answered before, as far as it was kept;
 * - a mirror that is reached on a path or router claims the exchange that reached it, and no other;
 * - what nobody claims is forgotten, uncounted.
 *
 * An exchange belongs to the first mirror that claims it.
 */
import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { BodyTrack, Exchange } from "../exchange/exchange.ts";
import type { OwnLayers } from "./express-layer.ts";
import { PrivateFieldHost } from "../node/private-field.ts";
import type { Recorder } from "../record/recorder.ts";

/** Finished exchanges of an undecided server that are kept for a mirror yet to be reached. */
const UNDECIDED_EXCHANGES_MAX = 64;
/** Bytes of all exchanges without an owner, in the whole process. */
const UNCLAIMED_BYTES_MAX = 4 * 1024 * 1024;

export interface ServerState {
  owner: Recorder | undefined;
  /** A mirror was reached on a path of this server: every exchange may be one of its. */
  scoped: boolean;
  /** Finished and unclaimed, oldest first; undefined once they were too many to go on guessing. */
  undecided: Exchange[] | undefined;
  /** The server itself, while it has exchanges that a mirror may yet claim. */
  unclaimedRef: WeakRef<Server> | undefined;
}

class StateOf extends PrivateFieldHost {
  #state: ServerState;

  constructor(server: Server, state: ServerState) {
    super(server);
    this.#state = state;
  }

  static get(server: object): ServerState | undefined {
    return #state in server ? server.#state : undefined;
  }
}

export class Ownership {
  /** Owns every server that nobody else owns: `@mirrorball/sdk/register`. */
  catchAll: Recorder | undefined;
  /** Mirrors that may yet be reached as a middleware. While there are none, undecided servers are left alone. */
  mountable = 0;
  /** Applications whose root a mirror is mounted on: a server that runs one belongs to that mirror. */
  readonly rootApps: Map<object, Recorder> = new Map();
  /** Layers that left their stacks, and whose they are: see `express-layer.ts`. */
  readonly removedLayers: Map<OwnLayers, Recorder> = new Map();
  /** Servers with exchanges that may yet be claimed, at the root or below it. */
  readonly #unclaimedServers: Set<WeakRef<Server>> = new Set();
  #unclaimedBytes = 0;
  #suspended = false;
  /** Of unclaimed exchanges that began before, a part may be missing. */
  #recordsFromUs = 0;

  get suspended(): boolean {
    return this.#suspended;
  }

  /** What belongs to no recorder yet is not recorded either, until `resume`. */
  suspend(): void {
    this.#suspended = true;
  }

  resume(atUs: number): void {
    this.#suspended = false;
    this.#recordsFromUs = atUs;
  }

  /** Whether to record a request that begins now, asked before anything is allocated for it. */
  wants(state: ServerState, req: IncomingMessage, server: Server): boolean {
    const owner = state.owner ?? this.catchAll;
    if (owner !== undefined && owner.accepting) return owner.wants(req);
    if (this.mountable === 0) return false;
    if (!state.scoped && state.undecided === undefined) return false;
    if (state.unclaimedRef === undefined) this.#expectClaim(state, server);
    return !this.#suspended && this.#unclaimedBytes < UNCLAIMED_BYTES_MAX;
  }

  begin(exchange: Exchange): void {
    const owner = exchange.connection.server.owner ?? this.catchAll;
    if (owner !== undefined && owner.accepting) owner.adopt(exchange);
  }

  /** Whose the exchanges of this server are, as far as it is known; asked when something went wrong. */
  ownerOf(server: unknown): Recorder | undefined {
    const known = typeof server === "object" && server !== null ? StateOf.get(server) : undefined;
    return known?.owner ?? this.catchAll;
  }

  skipReplay(state: ServerState): void {
    (state.owner ?? this.catchAll)?.skip();
  }

  /** The whole server belongs to `recorder`. Returns false when it belongs to another one already. */
  claimServer(server: Server, recorder: Recorder): boolean {
    const state = this.stateOf(server);
    if (state.owner !== undefined && state.owner.accepting) return state.owner === recorder;
    state.owner = recorder;
    const earlier = state.undecided ?? [];
    state.undecided = undefined;
    this.#decided(state);
    for (const exchange of earlier) this.claim(exchange, recorder);
    return true;
  }

  owns(server: Server, recorder: Recorder): boolean {
    return (this.stateOf(server).owner ?? this.catchAll) === recorder;
  }

  /** On this server a mirror is reached only below some path. */
  markScoped(server: Server): void {
    const state = this.stateOf(server);
    if (state.scoped) return;
    state.scoped = true;
    for (const exchange of state.undecided ?? []) this.forget(exchange);
    state.undecided = undefined;
  }

  /** Gives an exchange to `recorder`, unless it has an owner. */
  claim(exchange: Exchange, recorder: Recorder): void {
    if (exchange.recorder !== undefined || exchange.closed) return;
    this.#unclaimedBytes -= exchange.heldBytes;
    if (exchange.startedUs < this.#recordsFromUs) recorder.refuse("suspended");
    else if (recorder.wants(exchange.req)) {
      recorder.adopt(exchange);
      return;
    }
    this.#close(exchange);
  }

  requestChunk(exchange: Exchange, bytes: Uint8Array): void {
    if (exchange.recorder !== undefined) exchange.recorder.requestChunk(exchange, bytes);
    else this.#keep(exchange.request, bytes);
  }

  responseChunk(exchange: Exchange, bytes: Uint8Array): void {
    const { recorder } = exchange;
    if (recorder === undefined) this.#keep(exchange.response, bytes);
    else if (recorder.settings.responses === "full") recorder.responseChunk(exchange, bytes);
  }

  /** A response body that is whole and a text; false when it is wanted as bytes. */
  responseText(exchange: Exchange, text: string): boolean {
    const { recorder } = exchange;
    if (recorder === undefined) return false;
    return recorder.settings.responses !== "full" || recorder.responseText(exchange, text);
  }

  /** Nothing can still come for this exchange; `finished`: all of its response is with the system. */
  over(exchange: Exchange, endedUs: number, finished: boolean): void {
    exchange.finished = finished;
    exchange.endedUs = endedUs;
    if (exchange.recorder !== undefined) {
      exchange.recorder.finish(exchange, endedUs);
      return;
    }
    if (exchange.closed) return;
    const state = exchange.connection.server;
    const { undecided } = state;
    if (undecided === undefined) {
      this.forget(exchange);
      return;
    }
    exchange.detach();
    undecided.push(exchange);
    if (undecided.length <= UNDECIDED_EXCHANGES_MAX) return;
    // Nobody claimed this server in all that time: it is somebody else's.
    for (const forgotten of undecided) this.forget(forgotten);
    state.undecided = undefined;
    this.#decided(state);
  }

  /** Whose this server is, a mirror can find out only by being reached: all of them must be there for that. */
  #expectClaim(state: ServerState, server: Server): void {
    state.unclaimedRef = new WeakRef(server);
    this.#unclaimedServers.add(state.unclaimedRef);
    for (const layers of this.removedLayers.keys()) layers.putBack();
    this.removedLayers.clear();
  }

  #decided(state: ServerState): void {
    if (state.unclaimedRef !== undefined) this.#unclaimedServers.delete(state.unclaimedRef);
    state.unclaimedRef = undefined;
  }

  /** Whether there is a server of which nobody knows whose it is. One that no longer listens does not count. */
  hasUnclaimed(): boolean {
    for (const reference of this.#unclaimedServers) {
      const server = reference.deref();
      if (server?.listening === true) return true;
      this.#unclaimedServers.delete(reference);
      const state = server === undefined ? undefined : StateOf.get(server);
      if (state !== undefined) state.unclaimedRef = undefined;
    }
    return false;
  }

  #keep(body: BodyTrack, bytes: Uint8Array): void {
    body.seenBytes += bytes.length;
    if (body.cut) return;
    if (this.#unclaimedBytes + bytes.length > UNCLAIMED_BYTES_MAX) {
      body.cut = true;
      return;
    }
    body.add(bytes);
    this.#unclaimedBytes += bytes.length;
  }

  /** Nobody will claim this exchange. */
  forget(exchange: Exchange): void {
    if (exchange.closed) return;
    this.#unclaimedBytes -= exchange.heldBytes;
    this.#close(exchange);
  }

  #close(exchange: Exchange): void {
    exchange.closed = true;
    exchange.request.clear();
    exchange.response.clear();
  }

  /** What is known of a server, one object a server. */
  stateOf(server: Server): ServerState {
    const known = StateOf.get(server);
    if (known !== undefined) return known;
    const owner = this.#ownerByApp(server);
    const state: ServerState = { owner, scoped: false, undecided: [], unclaimedRef: undefined };
    void new StateOf(server, state);
    return state;
  }

  /** Express and connect applications are the server's listener themselves. */
  #ownerByApp(server: Server): Recorder | undefined {
    if (this.rootApps.size === 0) return undefined;
    for (const listener of server.listeners("request") as RequestListener[]) {
      const recorder = this.rootApps.get(listener);
      if (recorder !== undefined) return recorder;
    }
    return undefined;
  }
}
