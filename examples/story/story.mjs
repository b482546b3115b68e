// @ts-check
// The main job, live: customers use a shop (Express) and a reviews service (Koa); both mount `mirror()`; the replay server
// sends every request to a staging copy, translates the ids that the copy gives, and compares the answers. The copy has three
// faults. At Ctrl-C all ends in the order of the data, and the verdict is printed. `--once` sends 1,000 requests; it exits 0
// only if all of them were replayed and exactly the three faults were found.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EndedEarly, freePort, startServer, startService } from "./processes.mjs";
import { sendTraffic } from "./traffic.mjs";
import { View } from "./view.mjs";

const ONCE_REQUESTS = 1000;
const REQUESTS_PER_SECOND = 400;
const REFRESH_MS = 500;
/** What staging does wrong, as the report says it. */
const FAULTS = ["GET /products $[].price", "GET /products/:id $.stock", "POST /reviews status"];

const once = process.argv.includes("--once");
const stopping = new AbortController();
for (const name of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.on(name, stop);
console.log("starting staging, the replay server, the shop and the reviews service");

const folder = mkdtempSync(join(tmpdir(), "mirrorball-story-"));
const report = join(folder, "report.json");
/** Always has the page's address with the token that works now: each works once. */
const pageAddress = join(folder, "page");
/** What is to be stopped, in the order in which the data goes through. */
const started = { services: /** @type {import("./processes.mjs").Service[]} */ ([]), server: /** @type {import("./processes.mjs").Service | undefined} */ (undefined), staging: /** @type {import("./processes.mjs").Service | undefined} */ (undefined) }; // prettier-ignore
let answered = 0;
try {
  await play();
} catch (error) {
  // A program that was being started at that moment may have got the signal, too.
  if (!(stopping.signal.aborted && error instanceof EndedEarly))
    console.error(`the story broke off: ${error instanceof Error ? error.message : String(error)}`);
}
process.exitCode = (await end()) ? 0 : 1;
rmSync(folder, { recursive: true });

/** A second signal ends everything at once. */
function stop() {
  if (stopping.signal.aborted) process.exit(130);
  stopping.abort();
}

async function play() {
  const staging = (started.staging = await startService("staging.mjs"));
  if (stopping.signal.aborted) return;
  const [tcp, page] = [await freePort(), await freePort()];
  const target = `http://127.0.0.1:${staging.port}`;
  started.server = await startServer(
    ["--input-tcp", `127.0.0.1:${tcp}`, "--output-http", target, "--output-http-track-response", "--correlate", "auto", "--output-compare", `-,${report}`, "--page", "127.0.0.1:0", "--page-token-file", pageAddress],
    page,
  ); // prettier-ignore
  if (!once) console.log(`see it in a browser: ${readFileSync(pageAddress, "utf8").trim()}`);
  const env = { MIRRORBALL_SERVER: `127.0.0.1:${tcp}` };
  for (const file of ["shop.mjs", "reviews.mjs"]) {
    if (stopping.signal.aborted) return;
    started.services.push(await startService(file, env));
  }
  const [shop, reviews] = started.services;
  if (shop === undefined || reviews === undefined) return;
  const view = new View(process.stdout.isTTY && process.env["NO_COLOR"] === undefined);
  const timer = setInterval(() => void show(page, view), REFRESH_MS);
  try {
    await sendTraffic({
      shop: shop.port,
      reviews: reviews.port,
      count: once ? ONCE_REQUESTS : Number.POSITIVE_INFINITY,
      perSecond: once ? ONCE_REQUESTS : REQUESTS_PER_SECOND,
      signal: stopping.signal,
      onAnswer: () => (answered += 1),
    });
  } finally {
    clearInterval(timer);
  }
}

/** The customers have gone: what was accepted on one side has arrived on the other when a step is done. Says whether all is well. */
async function end() {
  await Promise.all(started.services.map((service) => service.stop()));
  const code = await started.server?.stop();
  await started.staging?.stop();
  if (started.server === undefined) {
    console.log("stopped before anything was replayed");
    return answered === 0;
  }
  const summary = started.server.stderr.join("\n");
  const verdict = started.server.stdout.join("\n");
  console.log(`\n${verdict}\n\n${summary}\n`);
  const replayed = Number(/^output-http .*?, (\d+) delivered/m.exec(summary)?.[1] ?? 0);
  console.log(`${answered} requests answered by production, ${replayed} replayed against staging`);
  // 3 says that there are differences, which is what this story is about.
  const whole = (code === 0 || code === 3) && replayed === answered;
  return once ? whole && foundAll() : whole;
}

function foundAll() {
  const found = differences().toSorted();
  const same = found.length === FAULTS.length && found.every((one, i) => one === FAULTS[i]);
  console.log(same ? "the comparison found the three faults of staging, and nothing else" : `expected to find ${FAULTS.join(", ")}; found ${found.join(", ")}`); // prettier-ignore
  return same;
}

/** @returns {string[]} */
function differences() {
  /** @type {{ endpoints: { method: string, route: string, differences: { part: string, path: string }[] }[] }} */
  const { endpoints } = JSON.parse(readFileSync(report, "utf8"));
  return endpoints.flatMap(({ method, route, differences: all }) =>
    // Which of two copies on this machine is slower says nothing about them.
    all
      .filter(({ part }) => part !== "latency")
      .map(({ part, path }) => `${method} ${route} ${part === "body" ? path : part}`),
  );
}

/**
 * @param {number} page
 * @param {View} view
 */
async function show(page, view) {
  const now = await counters(page).catch(() => undefined);
  if (now === undefined || stopping.signal.aborted) return;
  const rows = view.rows(now, REFRESH_MS / 1000, answered);
  if (process.stdout.isTTY)
    console.log(
      `\u001b[2J\u001b[H${view.screen(rows, readFileSync(pageAddress, "utf8").trim()).join("\n")}`,
    );
  else console.log(rows.map((row) => row.trim().replaceAll(/\s+/g, " ")).join(" | "));
}

/**
 * @param {number} page
 * @returns {Promise<import("@mirrorball/server").Counters>}
 */
async function counters(page) {
  const answer = await fetch(`http://127.0.0.1:${page}/debug/vars`);
  const parsed = /** @type {unknown} */ (await answer.json());
  return /** @type {import("@mirrorball/server").Counters} */ (parsed);
}
