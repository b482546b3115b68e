// @ts-check
// The Koa application of the main-job test; the same answers as shop-express.mjs, by Koa's means.
import { createHash } from "node:crypto";
import { PassThrough } from "node:stream";
import { mirror } from "@mirrorball/sdk/koa";
import Koa from "koa";

const tee = mirror({
  server: process.env["MIRRORBALL_SERVER"] ?? "",
  service: "shop-koa",
  maxBufferBytes: 256 * 1024 * 1024,
});
const app = new Koa();
app.silent = true;
app.use(tee);
app.use(async (ctx) => {
  switch (ctx.path) {
    case "/json":
      for await (const _chunk of ctx.req);
      ctx.status = 201;
      ctx.body = { keys: 1 };
      return;
    case "/gzip":
      ctx.body = "not compressed here ".repeat(300);
      return;
    case "/stream": {
      const stream = new PassThrough();
      ctx.body = stream;
      stream.write("one\n");
      setImmediate(() => stream.end("two\n"));
      return;
    }
    case "/empty":
      ctx.status = 204;
      return;
    case "/same":
      ctx.status = 304;
      return;
    case "/big":
      ctx.body = Buffer.alloc(1_000_000, 9);
      return;
    case "/never": {
      const stream = new PassThrough();
      ctx.body = stream;
      stream.write("begun\n");
      return;
    }
    case "/error":
      ctx.status = 500;
      ctx.body = "sorry";
      return;
    case "/unread":
      ctx.status = 202;
      ctx.body = "not looked at";
      return;
    default: {
      const hash = createHash("sha1");
      for await (const chunk of ctx.req) hash.update(chunk);
      ctx.set("X-Body-Sha1", hash.digest("hex"));
      ctx.body = "ok";
    }
  }
});

const server = app.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" && address !== null ? address.port : 0}`);
});
process.on("SIGTERM", () => {
  server.closeAllConnections();
  server.close(() => {
    void tee
      .close({ timeoutMs: 10_000 })
      .then((stats) => console.log(`stats ${JSON.stringify(stats)}`));
  });
});
