// Whose an exchange becomes, rule by rule, with owners that only write down what they are told: no socket, no recorder.
import { IncomingMessage, ServerResponse, createServer } from "node:http";
import type { Server } from "node:http";
import { Socket } from "node:net";
import { expect, it } from "vitest";
import { Exchange, ExchangePhase } from "../exchange/exchange.ts";
import type { ConnectionInfo, ExchangeOwner } from "../exchange/exchange.ts";
import { headerSummaryOf } from "../exchange/header-summary.ts";
import { Ownership } from "./ownership.ts";

const nothing = (): void => {};

/** Writes down what it is given; `adopt` is what it does with an exchange. */
function ownerOf(
  told: string[],
  adopt: (exchange: Exchange, owner: ExchangeOwner) => void = (exchange, owner) => {
    exchange.owner = owner;
    exchange.phase = ExchangePhase.whole;
  },
): ExchangeOwner {
  const owner: ExchangeOwner = {
    accepting: true,
    wants: () => true,
    skip: () => void told.push("skip"),
    refuse: (reason) => void told.push(`refuse ${reason}`),
    adopt: (exchange) => {
      told.push(`adopt ${exchange.target}`);
      adopt(exchange, owner);
    },
    requestChunk: nothing,
    requestEnded: nothing,
    responseChunk: nothing,
    responseText: () => true,
    look: nothing,
    finish: (exchange) => void told.push(`finish ${exchange.target}`),
    fault: () => void told.push("fault"),
    suspend: nothing,
    resume: nothing,
  };
  return owner;
}

/** A server, and what makes the next exchange on it as the tap does: undefined when it is not wanted. */
function world(): {
  ownership: Ownership;
  server: Server;
  begin: (target: string) => Exchange | undefined;
} {
  const ownership = new Ownership();
  const server = createServer();
  const connection: ConnectionInfo = {
    id: 1,
    nextSeq: 0,
    peer: null,
    server: ownership.stateOf(server),
    newest: undefined,
  };
  const begin = (target: string): Exchange | undefined => {
    const socket = new Socket();
    const req = new IncomingMessage(socket);
    req.url = target;
    req.rawHeaders = ["Content-Length", "3"];
    if (!ownership.wants(connection.server, req, server)) return undefined;
    const summary = headerSummaryOf(req.rawHeaders);
    const made = new Exchange(req, new ServerResponse(req), socket, connection, summary, 1);
    ownership.begin(made);
    return made;
  };
  return { ownership, server, begin };
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("was not wanted");
  return value;
}

const MIB = 1024 * 1024;

it("without a mirror that may be reached, undecided servers are left alone", () => {
  const { ownership, begin } = world();
  expect(begin("/")).toBeUndefined();
  const owner = ownerOf([]);
  ownership.expectMount(owner);
  expect(begin("/")?.phase).toBe(ExchangePhase.unclaimed);
  ownership.expectNoMount(owner);
  expect(begin("/")).toBeUndefined();
});

it("a mirror at the root claims the server: what comes and what was kept", () => {
  const told: string[] = [];
  const { ownership, server, begin } = world();
  const owner = ownerOf(told);
  ownership.expectMount(owner);
  ownership.over(given(begin("/before")), 2, true);
  expect(ownership.claimServer(server, owner)).toBe(true);
  expect(begin("/after")?.owner).toBe(owner);
  expect(told).toEqual(["adopt /before", "adopt /after"]);
  expect(ownership.claimServer(server, ownerOf(told))).toBe(false);
});

it("a mirror below the root claims one exchange, the first that comes has it, and the rest is forgotten uncounted", () => {
  const told: string[] = [];
  const { ownership, server, begin } = world();
  const owner = ownerOf(told);
  ownership.expectMount(owner);
  const [one, other] = [given(begin("/one")), given(begin("/other"))];
  ownership.markScoped(server);
  ownership.claim(one, owner);
  ownership.claim(one, ownerOf(told));
  ownership.over(one, 2, true);
  ownership.over(other, 2, true);
  expect(told).toEqual(["adopt /one", "finish /one"]);
  expect(other.phase).toBe(ExchangePhase.over);
});

it("unclaimed bytes are bounded for the process, and given back by each way that an exchange can go", () => {
  const ways: ((ownership: Ownership, exchange: Exchange, owner: ExchangeOwner) => void)[] = [
    (ownership, exchange) => ownership.forget(exchange),
    (ownership, exchange, owner) => ownership.claim(exchange, owner),
    (ownership, exchange, owner) => ownership.claim(exchange, { ...owner, wants: () => false }),
    (ownership, exchange, owner) => ownership.fault(new Error("ours"), exchange, owner),
    (ownership, exchange) => ownership.fault(new Error("ours"), exchange, undefined),
    (ownership, exchange, owner) => {
      const failing = { ...owner, adopt: () => void expect.fail("in adopt") };
      expect(() => ownership.claim(exchange, failing)).toThrow("in adopt");
      ownership.fault(new Error("ours"), exchange, failing);
    },
  ];
  const { ownership, server, begin } = world();
  const owner = ownerOf([]);
  ownership.expectMount(owner);
  ownership.markScoped(server);
  for (const way of ways) {
    const full = given(begin("/"));
    ownership.requestChunk(full, Buffer.alloc(4 * MIB));
    expect(full.request.heldBytes).toBe(4 * MIB);
    expect(begin("/no-room")).toBeUndefined();
    way(ownership, full, owner);
    const next = given(begin("/room"));
    ownership.requestChunk(next, Buffer.alloc(4 * MIB));
    expect(next.request.cut).toBe(false);
    ownership.forget(next);
  }
});

it("an error of ours about an unclaimed exchange is counted once, by who was to have it", () => {
  const told: string[] = [];
  const { ownership, begin } = world();
  const owner = ownerOf(told);
  ownership.expectMount(owner);
  const exchange = given(begin("/"));
  ownership.fault(new Error("ours"), exchange, owner);
  ownership.fault(new Error("ours"), exchange, owner);
  expect(told).toEqual(["fault", "refuse internal", "fault"]);
});

it("a mirror that leaves owns nothing by default any more", () => {
  const told: string[] = [];
  const { ownership, begin } = world();
  const owner = ownerOf(told);
  ownership.expectMount(owner);
  ownership.ownRest(owner);
  expect(begin("/")?.owner).toBe(owner);
  ownership.leave(owner);
  expect(begin("/")).toBeUndefined();
});
