// The fields of Node's that nobody promised us: as expected in this Node, and what happens where they are not.
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { mkdtemp } from "node:fs/promises";
import { Socket as NodeSocket, connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ask, talk } from "../../test/wire.ts";
import type * as Internals from "./node-internals.ts";

const warn = vi.spyOn(console, "warn");
let internals: typeof Internals;
const closers: (() => unknown)[] = [];
beforeEach(async () => {
  warn.mockReset().mockImplementation(() => {});
  // What it has warned of and seen, it remembers.
  vi.resetModules();
  internals = await import("./node-internals.ts");
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const responseLike = (fields: object): ServerResponse => fields as ServerResponse;
const HEADERS: Readonly<Record<string, unknown>> = { "x-a": "1", "set-cookie": ["a=1", "b=2"] };
const PUBLIC = {
  headersSent: true,
  statusCode: 201,
  statusMessage: "Created",
  getHeaderNames: () => Object.keys(HEADERS),
  getHeader: (name: string) => HEADERS[name],
};
const REBUILT = "HTTP/1.1 201 Created\r\nx-a: 1\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n";

/** What a server answers to a request, and what `look` saw of it. */
async function answered<T>(
  look: (req: IncomingMessage, res: ServerResponse) => T,
): Promise<{ answer: string; seen: T | undefined }> {
  let seen: T | undefined;
  const host = createServer((req, res) => {
    seen = look(req, res);
  });
  closers.push(() => host.close());
  await once(host.listen(0, "127.0.0.1"), "listening");
  const answer = await talk((host.address() as AddressInfo).port, ask("GET /"));
  return { answer: String(answer), seen };
}

describe("in this Node", () => {
  it("they are what is relied on", async () => {
    const { answer, seen } = await answered((req, res) => {
      const before = [internals.headOf(res), internals.isInTurn(res, req.socket)];
      res.writeHead(200, "Fine", { "X-A": "b", "Transfer-Encoding": "chunked", Trailer: "X-T" });
      res.write("body");
      res.addTrailers({ "X-T": "c" });
      res.end();
      const after = [internals.headOf(res), internals.isInTurn(res, req.socket)];
      const server = internals.serverOf(req.socket);
      return { before, after, trailers: internals.trailersOf(res), listens: server?.listening };
    });
    expect(seen?.before).toEqual(["", true]);
    const headEnd = answer.indexOf("\r\n\r\n") + 4;
    expect(seen?.after).toEqual([answer.slice(0, headEnd), true]);
    expect(seen?.trailers).toBe("X-T: c\r\n");
    expect(answer).toContain("0\r\nX-T: c\r\n\r\n");
    expect(seen?.listens).toBe(true);
    expect(warn).not.toHaveBeenCalled();
  });

  it("the peer is told as the connection would tell it, which then still does not remember", async () => {
    const { seen } = await answered((req, res) => {
      const { socket } = req;
      const peer = internals.peerOf(socket);
      const remembers = "_peername" in socket && socket._peername !== null;
      res.end();
      return { peer, remembers, own: `${socket.remoteAddress}:${socket.remotePort}` };
    });
    expect(seen).toEqual({ peer: seen?.own, remembers: false, own: seen?.own });
    expect(seen?.own).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(warn).not.toHaveBeenCalled();
  });

  it("connections over Unix sockets, closed ones and made-up ones have no peer", async () => {
    const path = `${await mkdtemp(join(tmpdir(), "mirrorball-"))}/s`;
    const host = createServer((req, res) => res.end(String(internals.peerOf(req.socket))));
    closers.push(() => host.close());
    await once(host.listen(path), "listening");
    const client = connect(path).end(ask("GET /"));
    expect(String(Buffer.concat(await client.toArray()))).toMatch(/null$/);
    expect(internals.peerOf(client)).toBeNull();
    expect(internals.peerOf(new PassThrough() as unknown as Socket)).toBeNull();
    expect(warn).not.toHaveBeenCalled();
  });

  it("trailers that are not sent are none", async () => {
    const { answer, seen } = await answered((_req, res) => {
      res.setHeader("Content-Length", 4);
      res.addTrailers({ "X-T": "c" });
      res.end("body");
      return internals.trailersOf(res);
    });
    expect(answer).not.toContain("X-T");
    expect(seen).toBe("");
    expect(warn).not.toHaveBeenCalled();
  });
});

describe("in another Node", () => {
  it.each<[string, object]>([
    ["is gone", {}],
    ["is no text", { _header: Buffer.from("HTTP/1.1 201 Created\r\n\r\n") }],
    ["lacks its first line", { _header: "X-A: 1\r\n\r\n" }],
    ["lacks its end", { _header: "HTTP/1.1 201 Created\r\nX-A: 1\r\n" }],
  ])("a head whose field %s is put together from what is public", (_what, fields) => {
    for (let i = 0; i < 3; i += 1)
      expect(internals.headOf(responseLike({ ...PUBLIC, ...fields }))).toBe(REBUILT);
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.calls[0]?.[0]).toMatch(/^mirrorball: _header .* \(this is v\d.*in part$/);
  });

  it("a head that was not sent is none", () => {
    expect(internals.headOf(responseLike({ ...PUBLIC, headersSent: false }))).toBe("");
    expect(warn).not.toHaveBeenCalled();
  });

  it.each<[string, object]>([
    ["_trailer", { chunkedEncoding: true }],
    ["chunkedEncoding", { _trailer: "X-T: c\r\n" }],
  ])("without %s there are no trailers", (_what, fields) => {
    for (let i = 0; i < 3; i += 1) expect(internals.trailersOf(responseLike(fields))).toBe("");
    expect(warn).toHaveBeenCalledOnce();
  });

  it.each<[string, object, string]>([
    ["a connection's handle", { _handle: undefined }, "_handle"],
    ["an address in the answer", { _handle: { getpeername: () => 0 } }, "getpeername"],
  ])("without %s there is no peer", (_what, fields, name) => {
    const socket = Object.assign(new NodeSocket(), fields);
    for (let i = 0; i < 3; i += 1) expect(internals.peerOf(socket)).toBeNull();
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.calls[0]?.[0]).toContain(`mirrorball: ${name} is not`);
  });

  it("without _httpMessage no response is in turn, so that the channel tells; null is an answer", () => {
    const res = responseLike({});
    expect(internals.isInTurn(res, { _httpMessage: null } as unknown as Socket)).toBe(false);
    expect(warn).not.toHaveBeenCalled();
    for (let i = 0; i < 3; i += 1) expect(internals.isInTurn(res, {} as Socket)).toBe(false);
    expect(warn).toHaveBeenCalledOnce();
  });
});
