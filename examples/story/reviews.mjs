// @ts-check
// The reviews service, in production: Koa with one line more, `app.use(tee)`. Prints `listening PORT`.
import { mirror } from "@mirrorball/sdk/koa";
import Koa from "koa";

const tee = mirror({ service: "reviews" });
const app = new Koa();
app.use(tee);
app.use(async (ctx) => {
  if (ctx.method === "POST") {
    for await (const _chunk of ctx.req);
    ctx.status = 201;
    return;
  }
  ctx.body = { product: ctx.path.split("/").pop(), stars: 5 };
});

const server = app.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" && address !== null ? address.port : 0}`);
});
process.on("SIGTERM", () => {
  server.closeIdleConnections();
  server.close(() => void tee.close());
});
