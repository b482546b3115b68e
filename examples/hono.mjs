// @ts-check
// Hono on Node: attach the mirror to the server that `serve` returns.
import { serve } from "@hono/node-server";
import { createMirror } from "@mirrorball/sdk";
import { Hono } from "hono";

const tee = createMirror({
  server: process.env["MIRRORBALL_SERVER"] ?? "127.0.0.1:28020",
  service: "hello",
});
const app = new Hono();
app.get("/", (c) => c.json({ hello: "world" }));

const server = serve({ fetch: app.fetch, port: Number(process.env["PORT"] ?? 3000) }, (info) =>
  console.log(`listening ${info.port}`),
);
if ("closeAllConnections" in server) tee.attach(server);
process.on("SIGTERM", () => server.close(() => void tee.close()));
