// HTTP/2 on a mirrored server: served as without us, counted, told once, and not recorded.
import { once } from "node:events";
import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import Koa from "koa";
import { afterEach, expect, it } from "vitest";
import { createMirror } from "@mirrorball/sdk";
import { mirror } from "@mirrorball/sdk/koa";
import { ABSENT } from "./server-states.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function ask(port: number, path: string): Promise<string> {
  const session = connect(`http://127.0.0.1:${port}`);
  closers.push(() => session.close());
  const stream = session.request({ ":path": path });
  let body = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
  await once(stream, "end");
  return body;
}

it("requests that reach the middleware are counted and told of once", async () => {
  const lines: string[] = [];
  const app = new Koa();
  const middleware = mirror({ server: ABSENT, log: (line) => lines.push(line) });
  app.use(middleware);
  app.use((ctx) => {
    ctx.body = `seen ${ctx.path}`;
  });
  const server = createServer(app.callback());
  closers.push(
    () => middleware.close({ timeoutMs: 0 }),
    () => server.close(),
  );
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  for (const path of ["/1", "/2", "/3"]) expect(await ask(port, path)).toBe(`seen ${path}`);
  expect(middleware.stats()).toMatchObject({ http2: 3, offered: 0, internalErrors: 0 });
  expect(lines.filter((line) => line.includes("HTTP/2"))).toHaveLength(1);
});

it("a server of HTTP/2 that is attached is told of, although nothing of its requests is seen", () => {
  const lines: string[] = [];
  const attached = createMirror({ server: ABSENT, log: (line) => lines.push(line) });
  closers.push(() => attached.close({ timeoutMs: 0 }));
  const server = createServer();
  // @ts-expect-error The types say that only servers of HTTP/1 may be attached; programs without types do it.
  attached.attach(server);
  expect(lines.filter((line) => line.includes("HTTP/2"))).toHaveLength(1);
});
