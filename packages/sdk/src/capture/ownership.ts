/**
 * Whose exchange is it? A mirror owns a whole server, or only what reaches its mount point; it must never see another server of
 * the process. But a request begins before its middleware runs. Often nobody knows at that time whose the server is. So an
 * exchange of an undecided server is recorded without an owner, and this file decides later:
 *
 * 1. A mirror is reached at the root of its application: it claims the server. All later exchanges there are its own, and
 *    the earlier ones that were kept.
 * 2. A mirror is reached on a path or a router: it claims the exchange that reached it, and no other.
 * 3. No mirror claims an exchange: it is forgotten and not counted.
 * 4. An exchange belongs to the first mirror that claims it.
 */
import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { BodyTrack } from "../exchange/body-track.ts";
import { ByteBudget } from "../exchange/byte-budget.ts";
import { ExchangePhase, ResponsePhase } from "../exchange/exchange.ts";
import type { Exchange, ExchangeOwner, ServerState } from "../exchange/exchange.ts";
import type { OwnLayers } from "./express-layer.ts";
import { PrivateFieldHost } from "../node/private-field.ts";

/** Finished exchanges of an undecided server that are kept for a mirror yet to be reached. */
const UNDECIDED_EXCHANGES_MAX = 64;
/** Bytes of all exchanges without an owner, in the whole process. */
const UNCLAIMED_BYTES_MAX = 4 * 1024 * 1024;

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
  /** Owns every server that no other mirror owns: `@mirrorball/sdk/register`. */
  #catchAll: ExchangeOwner | undefined;
  /** Mirrors that may yet be reached as a middleware. While there are none, undecided servers are left alone. */
  readonly #mountable: Set<ExchangeOwner> = new Set();
  /** Applications whose root a mirror is mounted on: a server that runs one belongs to that mirror. */
  readonly #rootApps: Map<object, ExchangeOwner> = new Map();
  /** Layers that left their stacks, and whose they are: see `express-layer.ts`. */
  readonly #removedLayers: Map<OwnLayers, ExchangeOwner> = new Map();
  /** Servers with exchanges that may yet be claimed, at the root or below it. */
  readonly #unclaimedServers: Set<WeakRef<Server>> = new Set();
  /** What is held of exchanges without an owner. */
  readonly #unclaimed: ByteBudget = new ByteBudget(UNCLAIMED_BYTES_MAX, () => 0);
  #suspended = false;
  /** Of unclaimed exchanges that began before, a part may be missing. */
  #recordsFromUs = 0;

  /** Every server that no other mirror owns is this one's. */
  ownRest(owner: ExchangeOwner): void {
    this.#catchAll = owner;
  }

  /** Every server that runs this application is this mirror's, unless another one has mounted itself there before. */
  ownApp(app: object, owner: ExchangeOwner): void {
    if (!this.#rootApps.has(app)) this.#rootApps.set(app, owner);
  }

  /** This mirror may be reached as a middleware, on a server that is not known yet. */
  expectMount(owner: ExchangeOwner): void {
    this.#mountable.add(owner);
  }

  /** This mirror has its servers: it is not looked for elsewhere. */
  expectNoMount(owner: ExchangeOwner): void {
    this.#mountable.delete(owner);
  }

  /** Takes layers out of their stacks, until a server comes of which it is not known whose it is. */
  removeLayers(layers: OwnLayers, owner: ExchangeOwner): void {
    this.#removedLayers.set(layers, owner);
    layers.leave();
  }

  /** This mirror is closed: nothing is its own any more, but the servers that it had stay without another. */
  leave(owner: ExchangeOwner): void {
    this.#mountable.delete(owner);
    if (this.#catchAll === owner) this.#catchAll = undefined;
    for (const [app, one] of this.#rootApps) if (one === owner) this.#rootApps.delete(app);
    for (const [layers, one] of this.#removedLayers)
      if (one === owner) this.#removedLayers.delete(layers);
  }

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
    const owner = state.owner ?? this.#catchAll;
    if (owner !== undefined && owner.accepting) return owner.wants(req);
    if (this.#mountable.size === 0) return false;
    if (!state.scoped && state.undecided === undefined) return false;
    if (state.unclaimedRef === undefined) this.#expectClaim(state, server);
    return !this.#suspended && this.#unclaimed.hasRoomFor(1);
  }

  begin(exchange: Exchange): void {
    const owner = exchange.connection.server.owner ?? this.#catchAll;
    if (owner !== undefined && owner.accepting) owner.adopt(exchange);
  }

  /**
   * An error of ours about this exchange, before or while `owner` was to have it. It is not recorded any further, and counted by
   * the owner if it has or was to have one. Never throws.
   */
  fault(error: unknown, exchange: Exchange | undefined, owner: ExchangeOwner | undefined): void {
    owner?.fault(error, exchange);
    if (exchange?.phase !== ExchangePhase.unclaimed) return;
    this.forget(exchange);
    owner?.refuse("internal");
  }

  /** An error of ours when a request began on this server, with the exchange if there is one already. */
  faultAtStart(error: unknown, exchange: Exchange | undefined, server: unknown): void {
    const known = typeof server === "object" && server !== null ? StateOf.get(server) : undefined;
    const owner = exchange?.owner ?? known?.owner ?? this.#catchAll;
    this.fault(error, exchange, owner);
    if (exchange === undefined) owner?.refuse("internal");
  }

  skipReplay(state: ServerState): void {
    (state.owner ?? this.#catchAll)?.skip();
  }

  /** The whole server belongs to `owner`. Returns false when it belongs to another one already. */
  claimServer(server: Server, owner: ExchangeOwner): boolean {
    const state = this.stateOf(server);
    if (state.owner !== undefined && state.owner.accepting) return state.owner === owner;
    state.owner = owner;
    const earlier = state.undecided ?? [];
    state.undecided = undefined;
    this.#decided(state);
    for (const exchange of earlier) this.claim(exchange, owner);
    return true;
  }

  owns(server: Server, owner: ExchangeOwner): boolean {
    return (this.stateOf(server).owner ?? this.#catchAll) === owner;
  }

  /** On this server a mirror is reached only below some path. */
  markScoped(server: Server): void {
    const state = this.stateOf(server);
    if (state.scoped) return;
    state.scoped = true;
    for (const exchange of state.undecided ?? []) this.forget(exchange);
    state.undecided = undefined;
  }

  /** Gives an exchange to `owner`, unless it has one. */
  claim(exchange: Exchange, owner: ExchangeOwner): void {
    if (exchange.phase !== ExchangePhase.unclaimed) return;
    const isPartial = exchange.startedUs < this.#recordsFromUs;
    if (isPartial) owner.refuse("suspended");
    if (isPartial || !owner.wants(exchange.req)) {
      this.forget(exchange);
      return;
    }
    const { bodyBytes } = exchange;
    try {
      owner.adopt(exchange);
    } finally {
      // Its bytes are in the owner's budget now, or in none; an exchange that it failed to take is still to be forgotten.
      if (exchange.phase !== ExchangePhase.unclaimed) this.#unclaimed.give(bodyBytes);
    }
  }

  requestChunk(exchange: Exchange, bytes: Uint8Array): void {
    if (exchange.owner !== undefined) exchange.owner.requestChunk(exchange, bytes);
    else this.#keep(exchange.request, bytes);
  }

  responseChunk(exchange: Exchange, bytes: Uint8Array): void {
    if (exchange.owner !== undefined) exchange.owner.responseChunk(exchange, bytes);
    else this.#keep(exchange.response, bytes);
  }

  /** A response body that is whole and a text; false when it is wanted as bytes. */
  responseText(exchange: Exchange, text: string): boolean {
    return exchange.owner !== undefined && exchange.owner.responseText(exchange, text);
  }

  /** Nothing can still come for this exchange; `isSent`: all of its response is with the system. */
  over(exchange: Exchange, endedUs: number, isSent: boolean): void {
    exchange.responsePhase = isSent ? ResponsePhase.sent : ResponsePhase.cutOff;
    exchange.endedUs = endedUs;
    if (exchange.owner !== undefined) exchange.owner.finish(exchange, endedUs);
    else if (exchange.isOpen) this.#await(exchange);
  }

  /** An exchange that is over may still be claimed, together with its server. */
  #await(exchange: Exchange): void {
    const state = exchange.connection.server;
    const { undecided } = state;
    if (undecided === undefined) {
      this.forget(exchange);
      return;
    }
    exchange.detach();
    undecided.push(exchange);
    if (undecided.length <= UNDECIDED_EXCHANGES_MAX) return;
    // No mirror has claimed this server in all that time: it is somebody else's.
    for (const forgotten of undecided) this.forget(forgotten);
    state.undecided = undefined;
    this.#decided(state);
  }

  /** Whose this server is, a mirror can find out only by being reached: all of them must be there for that. */
  #expectClaim(state: ServerState, server: Server): void {
    state.unclaimedRef = new WeakRef(server);
    this.#unclaimedServers.add(state.unclaimedRef);
    for (const layers of this.#removedLayers.keys()) layers.putBack();
    this.#removedLayers.clear();
  }

  #decided(state: ServerState): void {
    if (state.unclaimedRef !== undefined) this.#unclaimedServers.delete(state.unclaimedRef);
    state.unclaimedRef = undefined;
  }

  /** Whether there is a server of which it is not known whose it is. One that no longer listens does not count. */
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
    if (!body.cut && !this.#unclaimed.keep(body, bytes)) body.cut = true;
  }

  /** No mirror will claim this exchange. */
  forget(exchange: Exchange): void {
    if (exchange.phase !== ExchangePhase.unclaimed) return;
    exchange.phase = ExchangePhase.over;
    this.#unclaimed.letGo(exchange.request);
    this.#unclaimed.letGo(exchange.response);
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
  #ownerByApp(server: Server): ExchangeOwner | undefined {
    if (this.#rootApps.size === 0) return undefined;
    for (const listener of server.listeners("request") as RequestListener[]) {
      const owner = this.#rootApps.get(listener);
      if (owner !== undefined) return owner;
    }
    return undefined;
  }
}
