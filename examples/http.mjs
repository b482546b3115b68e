// @ts-check
// Plain http, without a framework: attach the mirror to the server.
import { createServer } from "node:http";
import { createMirror } from "@mirrorball/sdk";

const tee = createMirror({
  server: process.env["MIRRORBALL_SERVER"] ?? "127.0.0.1:28020",
  service: "hello",
});
const server = createServer((_req, res) => {
  res.setHeader("Content-Type", "application/json");
  res.end('{"hello":"world"}');
});
tee.attach(server);

server.listen(Number(process.env["PORT"] ?? 3000), () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" && address !== null ? address.port : 0}`);
});
process.on("SIGTERM", () => server.close(() => void tee.close()));
