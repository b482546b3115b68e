// @ts-check
// Express: mount the mirror first, at the root; it sees every request of this server.
import { mirror } from "@mirrorball/sdk/express";
import express from "express";

const tee = mirror({
  server: process.env["MIRRORBALL_SERVER"] ?? "127.0.0.1:28020",
  service: "hello",
  redact: { headers: ["authorization"], json: ["password"] },
});
const app = express();
app.use(tee);
app.get("/", (_req, res) => res.json({ hello: "world" }));
app.post("/login", express.json(), (req, res) => res.json({ user: req.body.user }));

const server = app.listen(Number(process.env["PORT"] ?? 3000), () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" && address !== null ? address.port : 0}`);
});
process.on("SIGTERM", () => server.close(() => void tee.close()));
