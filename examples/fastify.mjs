// @ts-check
// Fastify: attach the mirror to the server that Fastify made.
import { createMirror } from "@mirrorball/sdk";
import Fastify from "fastify";

const tee = createMirror({
  server: process.env["MIRRORBALL_SERVER"] ?? "127.0.0.1:28020",
  service: "hello",
});
const app = Fastify();
tee.attach(app.server);
app.get("/", () => ({ hello: "world" }));
app.addHook("onClose", async () => {
  await tee.close();
});

const address = await app.listen({ port: Number(process.env["PORT"] ?? 3000), host: "127.0.0.1" });
console.log(`listening ${new URL(address).port}`);
process.on("SIGTERM", () => void app.close());
