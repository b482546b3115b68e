// @ts-check
// The replay server as a library: the same flags as the command, inside a program of your own.
import { ReplayServer, catalogue, planFrom, summaryText } from "@mirrorball/server";

const [target = "http://127.0.0.1:8080", listen = ":28020"] = process.argv.slice(2);
const made = planFrom(["--input-tcp", listen, "--output-http", target], catalogue);
if ("errors" in made) throw new Error(made.errors.join("\n"));
const server = await ReplayServer.create(made.plan, { log: (line) => console.error(line) });
await server.start();
console.log(`replaying ${listen} against ${target}`);

process.once("SIGTERM", () => {
  void server.stop().then((counters) => console.log(summaryText(counters)));
});
