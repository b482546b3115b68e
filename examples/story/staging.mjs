// @ts-check
// The staging copy of both services, one version ahead: it answers a few requests differently, so that the comparison has
// something to show. Prints `listening PORT`.
import express from "express";

const app = express();
app.disable("x-powered-by");
app.get("/products", (_req, res) => res.json([{ id: 1 }, { id: 2 }]));
app.get("/products/:id", (req, res) => {
  // The new version has dropped this product.
  if (req.params.id === "11") res.status(404).json({ error: "no such product" });
  else res.json({ id: Number(req.params.id), name: `Product ${req.params.id}` });
});
app.post("/orders", express.json(), (req, res) => {
  // The new version is stricter about quantities.
  if (req.body.quantity > 6) res.status(422).json({ error: "too many" });
  else res.status(201).json({ order: req.body.sku });
});
app.get("/reviews/:id", (req, res) => res.json({ product: req.params.id, stars: 5 }));
app.post("/reviews", express.text({ type: "*/*" }), (_req, res) => res.status(201).end());

const server = app.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" && address !== null ? address.port : 0}`);
});
