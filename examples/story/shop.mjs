// @ts-check
// The shop, in production: Express with one line more, `app.use(tee)`. Prints `listening PORT`.
import { randomUUID } from "node:crypto";
import { mirror } from "@mirrorball/sdk/express";
import express from "express";

const tee = mirror({ service: "shop" }); // the server's address is in MIRRORBALL_SERVER
const orders = new Map();
const app = express();
app.disable("x-powered-by");
app.use(tee);
app.get("/products", (_req, res) =>
  res.json([
    { id: 1, name: "Lamp", price: 19.95 },
    { id: 2, name: "Chair", price: 85.5 },
  ]),
);
app.get("/products/:id", (req, res) =>
  res.json({ id: Number(req.params.id), name: `Product ${req.params.id}`, stock: 7 }),
);
app.post("/orders", express.json(), (req, res) => {
  const order = randomUUID();
  orders.set(order, req.body.sku);
  res.status(201).json({ order });
});
app.get("/orders/:order", (req, res) => {
  const sku = orders.get(req.params.order);
  if (sku === undefined) res.status(404).json({ error: "no such order" });
  else res.json({ order: req.params.order, sku });
});

const server = app.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" && address !== null ? address.port : 0}`);
});
// A service that stops finishes its requests, then lets the mirror send what it still holds.
process.on("SIGTERM", () => {
  server.closeIdleConnections();
  server.close(() => void tee.close());
});
