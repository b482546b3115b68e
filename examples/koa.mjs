// @ts-check
// Koa: the mirror is one middleware more.
import { mirror } from "@mirrorball/sdk/koa";
import Koa from "koa";

const tee = mirror({
  server: process.env["MIRRORBALL_SERVER"] ?? "127.0.0.1:28020",
  service: "hello",
});
const app = new Koa();
app.use(tee);
app.use((ctx) => {
  ctx.body = { hello: "world" };
});

const server = app.listen(Number(process.env["PORT"] ?? 3000), () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" && address !== null ? address.port : 0}`);
});
process.on("SIGTERM", () => server.close(() => void tee.close()));
