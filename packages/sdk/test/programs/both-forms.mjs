// A service in which one half of the code requires the SDK and the other imports it: says what each of the two mirrors counted.
import { once } from "node:events";
import http from "node:http";
import { createRequire } from "node:module";
import { createMirror as imported } from "@mirrorball/sdk";

const { createMirror: required } = createRequire(import.meta.url)("@mirrorball/sdk");
const bare = http.ServerResponse.prototype.write;
const mirrors = [imported({ log: console.log }), required({ log: console.log })];
const server = http.createServer((req, res) => res.end("fine")).listen(0, "127.0.0.1");
await once(server, "listening");
for (const mirror of mirrors) mirror.attach(server);
const [res] = await once(
  http.get({ port: server.address().port, path: "/both", agent: false }),
  "response",
);
res.resume();
await once(res, "end");
server.close();
await mirrors[0].close();
// Another one still listens: what the two share is taken out by the last.
const shared = http.ServerResponse.prototype.write !== bare;
await mirrors[1].close();
console.log(
  JSON.stringify({
    two: imported !== required,
    offered: mirrors.map((mirror) => mirror.stats().offered),
    shared,
    restored: http.ServerResponse.prototype.write === bare,
  }),
);
