// @ts-check
// The service of the token example: gives out tokens of its own making and lets in who shows one. Production and staging run
// the same program, and neither knows the other's tokens, which is why a plain replay fails.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";

/** @type {Set<string>} */
const tokens = new Set();
const server = createServer((req, res) => {
  const url = new URL(req.url ?? "/", "http://vault");
  const send = (/** @type {number} */ status, /** @type {string} */ text) => {
    res.writeHead(status, { "Content-Type": "text/plain", "Content-Length": text.length });
    res.end(text);
  };
  if (url.pathname === "/token") {
    const token = randomBytes(8).toString("hex");
    tokens.add(token);
    console.log(`gave ${token}`);
    send(200, token);
    return;
  }
  const token = url.searchParams.get("token") ?? "";
  const known = tokens.has(token);
  console.log(`${known ? "let in" : "turned away"} ${token}`);
  send(known ? 200 : 403, known ? "welcome" : "who are you?");
});
server.listen(Number(process.env["PORT"] ?? 3000), () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" && address !== null ? address.port : 0}`);
});
process.on("SIGTERM", () => server.close());
