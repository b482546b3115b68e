// Where a mirror is mounted decides what is its own: the root means the whole server, a path or a router only what reaches it,
// and another server of the process is never touched.
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { Router } from "@koa/router";
import compression from "compression";
import express from "express";
import Koa from "koa";
import mount from "koa-mount";
import multer from "multer";
import { PassThrough } from "node:stream";
import { gunzipSync } from "node:zlib";
import { mirror as expressMirror } from "@mirrorball/sdk/express";
import { mirror as koaMirror } from "@mirrorball/sdk/koa";
import { afterEach, describe, expect, it } from "vitest";
import { Sink } from "./sink.ts";
import { ask, talk } from "./wire.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function sinkFor(): Promise<Sink> {
  const sink = await Sink.listen();
  closers.push(() => sink.close());
  return sink;
}

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Asks for each path in turn, closes the mirror, and gives the recorded targets in order. */
async function recorded(
  sink: Sink,
  tee: { close(): Promise<unknown> },
  port: number,
  paths: readonly string[],
): Promise<string[]> {
  for (const path of paths) await talk(port, ask(`GET ${path}`));
  await tee.close();
  return sink.whole.toSorted((a, b) => a[2] - b[2]).map((record) => record[8]);
}

const PATHS = ["/", "/api/a", "/other", "/api/b?c"];

describe("Express", () => {
  it("at the root: the whole server", async () => {
    const sink = await sinkFor();
    const tee = expressMirror({ server: sink.address });
    const app = express();
    app.use(tee);
    expect(await recorded(sink, tee, await serve(app), PATHS)).toEqual(PATHS);
  });

  it("on a path: what reaches it, and the target as it came", async () => {
    const sink = await sinkFor();
    const tee = expressMirror({ server: sink.address });
    const app = express();
    app.use("/api", tee);
    expect(await recorded(sink, tee, await serve(app), PATHS)).toEqual(["/api/a", "/api/b?c"]);
  });

  it("on a router: what reaches it", async () => {
    const sink = await sinkFor();
    const tee = expressMirror({ server: sink.address });
    const router = express.Router();
    router.use(tee);
    const app = express();
    app.use("/api", router);
    expect(await recorded(sink, tee, await serve(app), PATHS)).toEqual(["/api/a", "/api/b?c"]);
  });

  it("on a route: what reaches it", async () => {
    const sink = await sinkFor();
    const tee = expressMirror({ server: sink.address });
    const app = express();
    app.get("/other", tee, (_req, res) => void res.end());
    expect(await recorded(sink, tee, await serve(app), PATHS)).toEqual(["/other"]);
  });

  it("of two servers in one process, its own", async () => {
    const sink = await sinkFor();
    const tee = expressMirror({ server: sink.address });
    const app = express();
    app.use(tee);
    const stranger = await serve((_req, res) => res.end());
    await talk(stranger, ask("GET /before"));
    const port = await serve(app);
    await talk(port, ask("GET /mine"));
    await talk(stranger, ask("GET /after"));
    expect(await recorded(sink, tee, port, ["/mine/too"])).toEqual(["/mine", "/mine/too"]);
  });

  it("mounted twice records once; two mirrors record with the first", async () => {
    const sink = await sinkFor();
    const tee = expressMirror({ server: sink.address });
    const second = expressMirror({ server: sink.address, log: () => {} });
    closers.push(() => second.close());
    const app = express();
    app.use(tee);
    app.use(tee);
    app.use(second);
    expect(await recorded(sink, tee, await serve(app), ["/one"])).toEqual(["/one"]);
    expect(second.stats().offered).toBe(0);
  });

  it.each(["before", "after"])(
    "compression mounted %s it: the bytes on the wire are recorded",
    async (order) => {
      const sink = await sinkFor();
      const tee = expressMirror({ server: sink.address });
      const app = express();
      if (order === "before") app.use(compression({ threshold: 0 }), tee);
      else app.use(tee, compression({ threshold: 0 }));
      app.get("/", (_req, res) => void res.type("text").send("again and ".repeat(100)));
      await talk(await serve(app), ask("GET /", ["Accept-Encoding: gzip"]));
      const [record] = await sink.exchanges(1);
      expect(record?.[16]).toMatch(/^Content-Encoding: gzip\r$/m);
      expect(gunzipSync(record?.[17] ?? Buffer.alloc(0)).toString()).toBe("again and ".repeat(100));
      await tee.close();
    },
  );

  it("multipart uploads are recorded as they came, whatever parses them", async () => {
    const sink = await sinkFor();
    const tee = expressMirror({ server: sink.address });
    const app = express();
    app.use(tee);
    app.post("/", multer().single("file"), (req, res) => void res.json({ size: req.file?.size }));
    const form = new FormData();
    form.set("file", new Blob([Buffer.alloc(2000, 0xfe)]), "a.bin");
    const answer = await fetch(`http://127.0.0.1:${await serve(app)}/`, {
      method: "POST",
      body: form,
      headers: { connection: "close" },
    });
    expect(await answer.json()).toEqual({ size: 2000 });
    const [record] = await sink.exchanges(1);
    expect(Buffer.from(record?.[11] ?? []).includes(Buffer.alloc(2000, 0xfe))).toBe(true);
    await tee.close();
  });

  it("sendFile and redirects are recorded too", async () => {
    const sink = await sinkFor();
    const tee = expressMirror({ server: sink.address });
    const app = express();
    app.use(tee);
    app.get("/file", (_req, res) => res.sendFile(new URL(import.meta.url).pathname));
    app.get("/away", (_req, res) => res.redirect("/file"));
    const port = await serve(app);
    const wire = await talk(port, ask("GET /file"));
    await talk(port, ask("GET /away"));
    const [file, away] = await sink.exchanges(2);
    expect(wire.includes(Buffer.from(file?.[17] ?? [0]))).toBe(true);
    expect(away?.[16]).toMatch(/^HTTP\/1\.1 302 Found/);
    await tee.close();
  });
});

describe("Koa", () => {
  it("at the root: the whole server", async () => {
    const sink = await sinkFor();
    const tee = koaMirror({ server: sink.address });
    const app = new Koa();
    app.use(tee);
    expect(await recorded(sink, tee, await serve(app.callback()), PATHS)).toEqual(PATHS);
  });

  it("in a router or below koa-mount: what reaches it", async () => {
    const sink = await sinkFor();
    const tee = koaMirror({ server: sink.address });
    const router = new Router({ prefix: "/api" });
    router.use(tee as never);
    router.get("/:name", (ctx) => {
      ctx.body = "x";
    });
    const app = new Koa();
    app.use(router.routes() as never);
    expect(await recorded(sink, tee, await serve(app.callback()), PATHS)).toEqual([
      "/api/a",
      "/api/b?c",
    ]);

    const other = await sinkFor();
    const mounted = koaMirror({ server: other.address });
    const mounting = new Koa();
    mounting.use(mount("/api", mounted as never));
    expect(await recorded(other, mounted, await serve(mounting.callback()), PATHS)).toEqual([
      "/api/a",
      "/api/b?c",
    ]);
  });

  it("records streams, errors and what bypasses the context, whole", async () => {
    const sink = await sinkFor();
    const tee = koaMirror({ server: sink.address });
    const app = new Koa();
    app.silent = true;
    app.use(tee);
    app.use((ctx) => {
      if (ctx.path === "/stream") {
        const stream = new PassThrough();
        ctx.body = stream;
        stream.write("one ");
        setImmediate(() => stream.end("two"));
      } else if (ctx.path === "/throw") throw new Error("mine");
      else {
        ctx.respond = false;
        ctx.res.statusCode = 200;
        ctx.res.end("bypassed");
      }
    });
    const port = await serve(app.callback());
    for (const path of ["/stream", "/throw", "/bypass"]) await talk(port, ask(`GET ${path}`));
    const records = (await sink.exchanges(3)).toSorted((a, b) => a[2] - b[2]);
    expect(
      records.map((record) => [record[16]?.slice(9, 12), Buffer.from(record[17] ?? []).toString()]),
    ).toEqual([
      ["200", "one two"],
      ["500", "Internal Server Error"],
      ["200", "bypassed"],
    ]);
    await tee.close();
  });
});
