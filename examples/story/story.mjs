// @ts-check
// The main job, live: customers use a shop (Express) and a reviews service (Koa); both mount `mirror()`; the replay server
// sends every request to a staging copy and compares the statuses. `--once` sends 1,000 requests, prints the summary
// and exits 0 only if all of them were replayed.
import { freePort, startServer, startService } from "./processes.mjs";
import { sendTraffic } from "./traffic.mjs";
import { viewLines } from "./view.mjs";

const ONCE_REQUESTS = 1000;
const REQUESTS_PER_SECOND = 400;
const REFRESH_MS = 500;

const once = process.argv.includes("--once");
const staging = await startService("staging.mjs");
const [tcp, page] = [await freePort(), await freePort()];
const server = await startServer(
  [
    "--input-tcp",
    `127.0.0.1:${tcp}`,
    "--output-http",
    `http://127.0.0.1:${staging.port}`,
    "--output-http-track-response",
  ],
  page,
);
const env = { MIRRORBALL_SERVER: `127.0.0.1:${tcp}` };
const shop = await startService("shop.mjs", env);
const reviews = await startService("reviews.mjs", env);

let answered = 0;
const stopping = new AbortController();
process.on("SIGINT", () => stopping.abort());
process.on("SIGTERM", () => stopping.abort());
let before = await counters();
const timer = setInterval(() => void show(REFRESH_MS / 1000), REFRESH_MS);
const failure = await sendTraffic({
  shop: shop.port,
  reviews: reviews.port,
  count: once ? ONCE_REQUESTS : Number.POSITIVE_INFINITY,
  perSecond: once ? ONCE_REQUESTS : REQUESTS_PER_SECOND,
  signal: stopping.signal,
  onAnswer: () => (answered += 1),
}).then(
  () => undefined,
  (/** @type {unknown} */ error) => error,
);
clearInterval(timer);
if (failure !== undefined) console.error("the traffic broke off:", failure);

// In the order of the data: what was accepted on one side has arrived on the other when a step is done.
await Promise.all([shop.stop(), reviews.stop()]);
const code = await server.stop();
await staging.stop();
const summary = server.output.join("\n");
console.log(`\n${summary}\n`);
const replayed = Number(/^output-http .*?, (\d+) delivered/m.exec(summary)?.[1] ?? 0);
const ok = code === 0 && replayed === answered && answered > 0;
console.log(`${answered} requests answered by production, ${replayed} replayed against staging`);
process.exitCode = ok ? 0 : 1;

/** @returns {Promise<import("@mirrorball/server").Counters>} */
async function counters() {
  const answer = await fetch(`http://127.0.0.1:${page}/debug/vars`);
  const parsed = /** @type {unknown} */ (await answer.json());
  return /** @type {import("@mirrorball/server").Counters} */ (parsed);
}

/** @param {number} seconds */
async function show(seconds) {
  const now = await counters().catch(() => undefined);
  if (now === undefined) return;
  const lines = viewLines(before, now, seconds, answered);
  before = now;
  if (process.stdout.isTTY) console.log(`\u001b[2J\u001b[H${lines.join("\n")}\n\n  Ctrl-C stops`);
  else
    console.log(
      lines
        .slice(2)
        .map((line) => line.trim().replaceAll(/\s+/g, " "))
        .join(" | "),
    );
}
