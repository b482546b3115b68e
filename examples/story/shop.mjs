// @ts-check
// The shop, in production: Express with one line more, `app.use(tee)`. Prints `listening PORT`.
import { mirror } from "@mirrorball/sdk/express";
import express from "express";

const tee = mirror({ service: "shop" }); // the server's address is in MIRRORBALL_SERVER
const app = express();
app.disable("x-powered-by");
app.use(tee);
app.get("/products", (_req, res) => res.json([{ id: 1 }, { id: 2 }]));
app.get("/products/:id", (req, res) =>
  res.json({ id: Number(req.params.id), name: `Product ${req.params.id}` }),
);
app.post("/orders", express.json(), (req, res) => res.status(201).json({ order: req.body.sku }));

const server = app.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" && address !== null ? address.port : 0}`);
});
// A service that stops finishes its requests, then lets the mirror send what it still holds.
process.on("SIGTERM", () => {
  server.closeIdleConnections();
  server.close(() => void tee.close());
});
