// @ts-check
// What the page costs, TCP in to HTTP out: without --page, with it and nobody looking, with a page open. CPU a request of the server's process,
// in blocks that take turns, so that what the machine does meanwhile hits all alike.
import { command, freePort, start, startNginx, usage } from "./processes.mjs";
import { median } from "./statistics.mjs";

const BLOCKS = 7;
const WARM_UP = 30_000;
const REQUESTS = 60_000;

/** @typedef {"without" | "closed" | "open"} Way */
/** @type {readonly Way[]} */
const WAYS = ["without", "closed", "open"];

export async function benchPage() {
  const nginx = await startNginx();
  /** @type {Record<Way, number[]>} */
  const costs = { without: [], closed: [], open: [] };
  for (let block = 0; block < BLOCKS; block += 1) {
    // Another one first each time.
    for (let i = 0; i < WAYS.length; i += 1) {
      const way = WAYS[(i + block) % WAYS.length] ?? "without";
      costs[way].push(await costOf(way, nginx));
    }
  }
  const base = median(costs.without);
  return WAYS.map((way) => ({
    part: "page",
    way,
    "µs a request": round(median(costs[way])),
    ratio: round(median(costs[way].map((cost, i) => cost / (costs.without[i] ?? base)))),
  }));
}

/** @param {Way} way @param {number} nginx @returns {Promise<number>} CPU microseconds a request */
async function costOf(way, nginx) {
  const [tcp, counters] = [await freePort(), await freePort()];
  const flags = ["--input-tcp", `127.0.0.1:${tcp}`, "--output-http", `http://127.0.0.1:${nginx}`, "--http-pprof", `127.0.0.1:${counters}`]; // prettier-ignore
  const server = start(command, ...flags, ...(way === "without" ? [] : ["--page", "127.0.0.1:0"]));
  while (!/input-tcp \S+: listening/.test(server.stderr())) await pause(20);
  const look = new AbortController();
  if (way === "open") await watch(/page on (\S+)/.exec(server.stderr())?.[1] ?? "", look.signal);
  const producer = start("producer.mjs", String(tcp), String(WARM_UP), String(REQUESTS));
  await producer.line(/^(warm)$/);
  await delivered(counters, WARM_UP);
  const before = usage(server.child.pid).cpuUs;
  producer.child.stdin?.write("go\n");
  await delivered(counters, WARM_UP + REQUESTS);
  const cost = (usage(server.child.pid).cpuUs - before) / REQUESTS;
  look.abort();
  await producer.ended;
  server.child.kill("SIGTERM");
  await server.ended;
  return cost;
}

/** Reads what a browser would. @param {string} url @param {AbortSignal} signal */
async function watch(url, signal) {
  const entered = await fetch(url, { redirect: "manual", signal });
  const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
  const events = await fetch(new URL("/api/events", url), { headers: { cookie }, signal });
  void read(events);
}

/** @param {Response} events */
async function read(events) {
  try {
    for await (const _piece of events.body ?? []);
  } catch {
    // It was closed.
  }
}

/** @param {number} counters @param {number} count */
async function delivered(counters, count) {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${counters}/debug/vars`);
    const { outputs } = /** @type {import("@mirrorball/server").Counters} */ (await answer.json());
    if ((outputs[0]?.delivered ?? 0) >= count) return;
    await pause(50);
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 1000) / 1000;
}
