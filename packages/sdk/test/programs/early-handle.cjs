// A worker of a cluster that is sent a connection as soon as it exists, and says what it got. One that lost it says nothing, for ever.
const cluster = require("node:cluster");
const net = require("node:net");

if (cluster.isPrimary) {
  const worker = cluster.fork();
  const server = net
    .createServer((socket) => socket.on("error", () => {}))
    .listen(0, "127.0.0.1", () => {
      const socket = net.connect(server.address().port, "127.0.0.1", () =>
        worker.send("socket", socket),
      );
    });
  const end = (/** @type {string} */ word) => {
    console.log(word);
    worker.kill();
    process.exit();
  };
  worker.on("message", end);
} else {
  process.on("message", (word, handle) =>
    process.send?.(`${String(word)} ${String(handle !== undefined)}`),
  );
}
