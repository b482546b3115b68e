// Our layer in an Express application's stack: gone once the whole server is the mirror's, back when a server turns up of which
// nobody knows whose it is; and whatever it does, every other layer runs once for every request.
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import express5 from "express";
import { mirror } from "@mirrorball/sdk/express";
import { afterEach, describe, expect, it } from "vitest";
import { Sink } from "./sink.ts";
import { ask, dial, talk } from "./wire.ts";

/** It has no types of its own; what is used of it here is as in Express 5. */
const express4 = createRequire(import.meta.url)("express4") as typeof express5;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function setUp(): Promise<{ sink: Sink; tee: ReturnType<typeof mirror> }> {
  const sink = await Sink.listen();
  closers.push(() => sink.close());
  const tee = mirror({ server: sink.address, log: () => {} });
  closers.push(() => tee.close());
  return { sink, tee };
}

async function serve(listener: RequestListener): Promise<number> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Names of the functions in the application's stack. */
function stackOf(app: object): string[] {
  const { _router: router4 } = app as { readonly _router?: { stack: { name: string }[] } };
  const { stack } = router4 ?? (app as { readonly router: { stack: { name: string }[] } }).router;
  return stack.map(({ name }) => name);
}

async function recordedTargets(sink: Sink, tee: { close(): Promise<unknown> }): Promise<string[]> {
  await tee.close();
  return sink.whole.map((record) => record[8]).toSorted();
}

describe.each([
  ["4", express4],
  ["5", express5],
])("Express %s", (_version, express) => {
  it("leaves once the server is the mirror's, and records on", async () => {
    const { sink, tee } = await setUp();
    const app = express();
    app.use(tee);
    app.get("/a", (_req, res) => void res.end("a"));
    const port = await serve(app);
    expect(stackOf(app)).toContain("mounted_app");
    await talk(port, ask("GET /a"));
    expect(stackOf(app)).not.toContain("mounted_app");
    app.get("/later", (_req, res) => void res.end("later"));
    expect((await talk(port, ask("GET /later"))).toString()).toContain("\r\n\r\nlater");
    expect(await recordedTargets(sink, tee)).toEqual(["/a", "/later"]);
  });

  it("leaves other layers where they are, wherever it was mounted", async () => {
    const { tee } = await setUp();
    const ran: string[] = [];
    const app = express();
    for (const name of ["first", "second"]) {
      app.use((_req, _res, next) => {
        ran.push(name);
        next();
      });
    }
    app.use(tee);
    app.use("/third", (_req, _res, next) => {
      ran.push("third");
      next();
    });
    app.get("/third", (_req, res) => void res.end());
    const before = stackOf(app);
    const port = await serve(app);
    await talk(port, ask("GET /third"));
    await talk(port, ask("GET /third"));
    expect(stackOf(app)).toEqual(before.filter((name) => name !== "mounted_app"));
    expect(ran).toEqual(["first", "second", "third", "first", "second", "third"]);
  });

  it("requests under way when it leaves run every layer once", async () => {
    const { sink, tee } = await setUp();
    const ran: string[] = [];
    const held: (() => void)[] = [];
    const app = express();
    app.use((req, _res, next) => {
      ran.push(`before ${req.url}`);
      if (req.url === "/held") held.push(next);
      else next();
    });
    app.use(tee);
    app.use((req, _res, next) => {
      ran.push(`after ${req.url}`);
      next();
    });
    app.use((_req, res) => void res.end());
    const port = await serve(app);
    const socket = await dial(port, ask("GET /held"));
    await expect.poll(() => held.length).toBe(1);
    await talk(port, ask("GET /quick"));
    expect(stackOf(app)).not.toContain("mounted_app");
    const gone = new Promise((resolve) => socket.resume().once("close", resolve));
    for (const next of held) next();
    await gone;
    expect(ran).toEqual(["before /held", "before /quick", "after /quick", "after /held"]);
    expect(await recordedTargets(sink, tee)).toEqual(["/held", "/quick"]);
  });

  it("is back for a server whose listener only calls the application", async () => {
    const { sink, tee } = await setUp();
    const app = express();
    app.use(tee);
    app.use((_req, res) => void res.end());
    const direct = await serve(app);
    await talk(direct, ask("GET /direct"));
    expect(stackOf(app)).not.toContain("mounted_app");
    const wrapped = await serve((req, res) => void app(req, res));
    await talk(wrapped, ask("GET /wrapped"));
    await talk(wrapped, ask("GET /wrapped/2"));
    expect(stackOf(app)).not.toContain("mounted_app");
    expect(await recordedTargets(sink, tee)).toEqual(["/direct", "/wrapped", "/wrapped/2"]);
  });

  it("is back, and stays, for an application that mounts this one on a path", async () => {
    const { sink, tee } = await setUp();
    const app = express();
    app.use(tee);
    app.use((_req, res) => void res.end());
    await talk(await serve(app), ask("GET /direct"));
    const outer = express();
    outer.use("/inner", app);
    outer.use((_req, res) => void res.end());
    const port = await serve(outer);
    for (const target of ["/outer", "/inner/1", "/inner/2"]) await talk(port, ask(`GET ${target}`));
    expect(stackOf(app)).toContain("mounted_app");
    expect(await recordedTargets(sink, tee)).toEqual(["/direct", "/inner/1", "/inner/2"]);
  });

  it("is back while another server of the process may still be its own, and no longer", async () => {
    const { tee } = await setUp();
    const app = express();
    app.use(tee);
    app.use((_req, res) => void res.end());
    const port = await serve(app);
    await talk(port, ask("GET /"));
    const stranger = await serve((_req, res) => void res.end());
    await talk(stranger, ask("GET /"));
    expect(stackOf(app)).toContain("mounted_app");
    await talk(port, ask("GET /"));
    expect(stackOf(app)).toContain("mounted_app");
    // Nobody has claimed it in so many answers: it is a stranger's.
    for (let i = 0; i < 64; i += 1) await talk(stranger, ask("GET /"));
    await talk(port, ask("GET /"));
    expect(stackOf(app)).not.toContain("mounted_app");
  });

  it("stays in a stack that cannot be replaced; the error is counted once, and the service unharmed", async () => {
    const { sink, tee } = await setUp();
    const app = express();
    app.use(tee);
    app.use((_req, res) => void res.end("fine"));
    const { _router: router4 } = app as { readonly _router?: object };
    Object.freeze(router4 ?? app.router);
    const port = await serve(app);
    for (let i = 0; i < 3; i += 1)
      expect((await talk(port, ask(`GET /${i}`))).toString()).toContain("\r\n\r\nfine");
    expect(stackOf(app).filter((name) => name === "mounted_app")).toHaveLength(1);
    // A server turns up of which nobody knows whose it is.
    await talk(await serve((_req, res) => void res.end()), ask("GET /"));
    expect(stackOf(app).filter((name) => name === "mounted_app")).toHaveLength(1);
    expect(await recordedTargets(sink, tee)).toEqual(["/0", "/1", "/2"]);
    expect(tee.stats()).toMatchObject({ offered: 3, acked: 3, dropped: {}, internalErrors: 1 });
  });

  it("stays on a path and on a router", async () => {
    const { tee } = await setUp();
    const app = express();
    app.use("/api", tee);
    app.use((_req, res) => void res.end());
    const port = await serve(app);
    await talk(port, ask("GET /api"));
    await talk(port, ask("GET /api"));
    expect(stackOf(app)).toContain("mounted_app");
  });
});
