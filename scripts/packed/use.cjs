// Asks a service of its own for a few paths, and says what the mirror had acknowledged. In: a listener and its mirror, if it has one.
const http = require("node:http");
const { once } = require("node:events");

exports.use = async (listener, mirror) => {
  const server = http.createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  for (const path of process.env.PATHS.split(" ")) {
    const [answer] = await once(http.get({ port, path, agent: false }), "response");
    answer.resume();
    await once(answer, "end");
  }
  server.close();
  return mirror === undefined ? undefined : mirror.close();
};
