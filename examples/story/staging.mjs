// @ts-check
// The staging copy of both services, one version ahead, with three faults that nobody has noticed: the comparison has to find
// them. Prints `listening PORT`.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import express from "express";
import Koa from "koa";

/** Ids that this copy gave to its orders; they are others than production's. */
const orders = new Map();
const shop = express();
shop.disable("x-powered-by");
shop.get("/products", (_req, res) =>
  res.json([
    { id: 1, name: "Lamp", price: 20 }, // Fault 1: the price is rounded. It was 19.95.
    { id: 2, name: "Chair", price: 85.5 },
  ]),
);
shop.get("/products/:id", (req, res) =>
  // Fault 2: `stock` is missing.
  res.json({ id: Number(req.params.id), name: `Product ${req.params.id}` }),
);
shop.post("/orders", express.json(), (req, res) => {
  const order = randomUUID();
  orders.set(order, req.body.sku);
  res.status(201).json({ order });
});
shop.get("/orders/:order", (req, res) => {
  const sku = orders.get(req.params.order);
  if (sku === undefined) res.status(404).json({ error: "no such order" });
  else res.json({ order: req.params.order, sku });
});

const reviews = new Koa();
reviews.silent = true;
reviews.use(async (ctx) => {
  if (ctx.method === "POST") {
    /** @type {{ product: number }} */
    let review = { product: 0 };
    for await (const chunk of ctx.req) review = JSON.parse(String(chunk));
    // Fault 3: an error, for one product of forty.
    if (review.product === 9) ctx.throw(500);
    ctx.status = 201;
    return;
  }
  ctx.body = { product: ctx.path.split("/").pop(), stars: 5 };
});

const answerReviews = reviews.callback();
const server = createServer((req, res) => {
  if (req.url?.startsWith("/reviews")) void answerReviews(req, res);
  else shop(req, res);
}).listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" && address !== null ? address.port : 0}`);
});
