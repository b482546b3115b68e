// @ts-check
// A service that knows nothing of mirrorball. Mirror it with:
//   MIRRORBALL_SERVER=127.0.0.1:28020 node --import @mirrorball/sdk/register examples/untouched.mjs
import { createServer } from "node:http";

const server = createServer((_req, res) => res.end('{"hello":"world"}'));
server.listen(Number(process.env["PORT"] ?? 3000), () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" && address !== null ? address.port : 0}`);
});
process.on("SIGTERM", () => server.close());
