// @ts-check
// The Express application of the main-job test, run as a process of its own. It reads bodies in several ways and
// answers in every shape the SDK must tee. Prints `listening PORT`; SIGTERM drains the mirror and prints its stats.
import { createHash } from "node:crypto";
import { mirror } from "@mirrorball/sdk/express";
import compression from "compression";
import express from "express";

const tee = mirror({
  server: process.env["MIRRORBALL_SERVER"] ?? "",
  service: "shop-express",
  maxBufferBytes: 256 * 1024 * 1024,
});
const app = express();
app.use(tee);
app.use(compression({ threshold: 0 }));

app.post("/json", express.json({ limit: "10mb" }), (req, res) => {
  res.status(201).json({ keys: Object.keys(req.body ?? {}).length });
});
app.get("/gzip", (_req, res) => res.type("text/plain").send("compress me ".repeat(500)));
app.get("/stream", (_req, res) => {
  res.write("one\n");
  setImmediate(() => {
    res.write(Buffer.from("two\n"));
    res.end("three\n");
  });
});
app.get("/empty", (_req, res) => res.status(204).end());
app.get("/same", (_req, res) => res.status(304).set("ETag", '"x"').end());
app.get("/big", (_req, res) =>
  res.type("application/octet-stream").send(Buffer.alloc(1_000_000, 7)),
);
app.get("/never", (_req, res) => res.write("begun\n"));
app.get("/error", (_req, res) => res.status(500).send("sorry"));
app.all("/unread", (_req, res) => res.status(202).send("not looked at"));
app.all("/{*rest}", (req, res) => {
  const hash = createHash("sha1");
  req.on("data", (chunk) => hash.update(chunk));
  req.on("end", () => res.set("X-Body-Sha1", hash.digest("hex")).send("ok"));
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
