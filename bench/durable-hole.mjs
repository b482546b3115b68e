// @ts-check
// A target that takes requests and answers none. Prints `listening PORT`.
import { createServer } from "node:net";

const server = createServer((socket) => socket.resume().on("error", () => {}));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" && address !== null ? address.port : 0}`);
});
