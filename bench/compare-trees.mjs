// @ts-check
// `npm run bench:beside -- PATH [PART …] [--blocks N] [--quick]`: this tree beside another one that is built, CPU a request.
// Each block runs the same load through both, in turns and in alternate order, so that what the machine does meanwhile hits both
// alike; what is compared is CPU time of the process, not time on the clock. Prints the ratio of each part with a 95 % interval,
// writes bench/trees.json, and ends with 1 when an interval lies above 1.03 as a whole.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { recording } from "./files.mjs";
import { synthesise } from "./packets.mjs";
import { RULES } from "./rules.mjs";
import { freePort, produced, start, startNginx, usage } from "./processes.mjs";
import { median } from "./statistics.mjs";

const BLOCKS_DEFAULT = 12;
/** A part may cost so much more before it counts as slower. */
const SLOWER_MAX = 1.03;
/** Resamples of the bootstrap, and the share of them that lies outside of the interval. */
const RESAMPLES = 5000;
const OUTSIDE = 0.05;

const here = fileURLToPath(new URL("..", import.meta.url));
const words = process.argv.slice(2);
const blocks = takeNumber("--blocks") ?? BLOCKS_DEFAULT;
const quick = takeFlag("--quick");
const other = resolve(words.shift() ?? "");
if (!existsSync(join(other, "packages/cli/dist/main.js"))) {
  console.error(`${other}: must be a tree of mirrorball that is built`);
  process.exit(2);
}

/** Requests of a block, after those that warm up. */
const REQUESTS = quick ? 20_000 : 100_000;
const WARM_UP = quick ? 10_000 : 50_000;

/** Files hold so many times more: starting the command must be little beside reading them. */
const FROM_FILES = 10;
const CONNECTIONS = 32;
const MANY_CONNECTIONS = 10_000;
/** V8 optimises for some seconds under load. */
const LOAD_WARM_UP_MS = quick ? 2000 : 4000;
const LOAD_MS = quick ? 700 : 1500;
/** Loaded in front of the command, so that it tells at its end what it took, to the microsecond. */
const TELLS_CPU = `data:text/javascript,${encodeURIComponent(
  'import { writeSync } from "node:fs"; process.on("exit", () => { const { user, system } = process.cpuUsage(); writeSync(2, `cpu ${user + system}\\n`); });',
)}`;

/** CPU microseconds a request of one block in `tree`. @typedef {(tree: string) => Promise<number>} Part */
/** @type {Record<string, () => Promise<Part>>} */
const parts = { chain, sdk, durable, raw, connections, files, rules, middleware };
const wanted = words.length === 0 ? Object.keys(parts) : words;
const unknown = wanted.find((word) => parts[word] === undefined);
if (unknown !== undefined) {
  console.error(
    `there is no part ${JSON.stringify(unknown)}; there are ${Object.keys(parts).join(", ")}`,
  );
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "mirrorball-trees-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
/** @type {Record<string, string | number>[]} */
const rows = [];
for (const name of wanted) {
  const part = await parts[name]?.();
  if (part === undefined) continue;
  /** @type {number[]} */
  const ratios = [];
  /** @type {{ ours: number[], theirs: number[] }} */
  const costs = { ours: [], theirs: [] };
  for (let block = 0; block < blocks; block += 1) {
    const oursFirst = block % 2 === 0;
    const first = await part(oursFirst ? here : other);
    const second = await part(oursFirst ? other : here);
    const [ours, theirs] = oursFirst ? [first, second] : [second, first];
    costs.ours.push(ours);
    costs.theirs.push(theirs);
    ratios.push(ours / theirs);
  }
  const [low = 1, high = 1] = interval(ratios);
  rows.push({
    part: name,
    blocks,
    "CPU µs/request": rounded(median(costs.ours), 2),
    "of the other": rounded(median(costs.theirs), 2),
    ratio: rounded(median(ratios), 3),
    from: rounded(low, 3),
    to: rounded(high, 3),
    verdict:
      low > SLOWER_MAX ? "slower" : high <= SLOWER_MAX ? "not slower" : "cannot tell: more blocks",
  });
  console.table(rows.slice(-1));
}
console.table(rows);
writeFileSync(join(here, "bench/trees.json"), `${JSON.stringify(rows, null, 2)}\n`);
process.exit(rows.some(({ verdict }) => verdict === "slower") ? 1 : 0);

/** TCP input to HTTP output against nginx. @returns {Promise<Part>} */
async function chain() {
  const nginx = await startNginx();
  return async (tree) => {
    const output = ["--output-http", `http://127.0.0.1:${nginx}`];
    return await served(tree, output, []);
  };
}

/** The same into a journal. @returns {Promise<Part>} */
async function durable() {
  return async (tree) => {
    const journal = mkdtempSync(join(folder, "journal-"));
    const cost = await served(tree, ["--output-null"], ["--journal", journal]);
    rmSync(journal, { recursive: true });
    return cost;
  };
}

/** @param {string} tree @param {string[]} output @param {string[]} more */
async function served(tree, output, more) {
  const [tcp, page] = [await freePort(), await freePort()];
  const pprof = ["--http-pprof", `127.0.0.1:${page}`];
  const server = start(
    commandOf(tree),
    "--input-tcp",
    `127.0.0.1:${tcp}`,
    ...output,
    ...pprof,
    ...more,
  );
  let warm = 0;
  // The producer is this tree's for both.
  const producer = await produced({ tcp, page, warmUp: WARM_UP, requests: REQUESTS }, () => {
    warm = usage(server.child.pid).cpuUs;
  });
  const { cpuUs } = usage(server.child.pid);
  server.child.kill("SIGKILL");
  producer.child.kill("SIGKILL");
  await server.ended;
  return (cpuUs - warm) / REQUESTS;
}

/** A recording to nothing, without the start of the command: that of a recording of one request is taken off. @returns {Promise<Part>} */
async function files() {
  return await played("files", []);
}

/** The same through ten rules. @returns {Promise<Part>} */
async function rules() {
  return await played("rules", RULES.flat());
}

/** The same through a program that gives back what it gets; its own CPU is left out. @returns {Promise<Part>} */
async function middleware() {
  return await played("middleware", ["--middleware", "cat"]);
}

/** @param {string} name @param {string[]} more @returns {Promise<Part>} */
async function played(name, more) {
  const count = REQUESTS * FROM_FILES;
  const path = await recording(join(folder, `${name}.gor`), count, 10_000, 0);
  const one = await recording(join(folder, `${name}-one.gor`), 1, 10_000, 0);
  /** @param {string} file */
  const input = (file) => ["--input-file", file, "--input-file-speed", "max", ...more];
  return async (tree) =>
    ((await cpuOf(tree, input(path))) - (await cpuOf(tree, input(one)))) / count;
}

/** A capture file to nothing, without the start of the command and what V8 optimises at first: half of it is taken off. @returns {Promise<Part>} */
async function raw() {
  return await captured(CONNECTIONS);
}

/** The same with so many connections that their state does not fit any cache. @returns {Promise<Part>} */
async function connections() {
  return await captured(MANY_CONNECTIONS);
}

/** @param {number} connections @returns {Promise<Part>} */
async function captured(connections) {
  const count = REQUESTS * FROM_FILES;
  const path = join(folder, `${connections}.pcap`);
  writeFileSync(path, synthesise(connections, false, count), { flush: true });
  const half = join(folder, `${connections}-half.pcap`);
  writeFileSync(half, synthesise(connections, false, count / 2), { flush: true });
  /** @param {string} file */
  const input = (file) => ["--input-raw", `${file}:80`, "--input-raw-engine", "pcap_file"];
  return async (tree) =>
    ((await cpuOf(tree, input(path))) - (await cpuOf(tree, input(half)))) / (count / 2);
}

/** Express with each tree's SDK, both sending to this tree's server: the whole process of the service. @returns {Promise<Part>} */
async function sdk() {
  const tcp = await freePort();
  start(commandOf(here), "--input-tcp", `127.0.0.1:${tcp}`, "--output-null");
  /** @type {Map<string, { app: ReturnType<typeof start>, load: ReturnType<typeof start> }>} */
  const services = new Map();
  for (const tree of [here, other]) {
    process.env["SDK_PATH"] = join(tree, "packages/sdk/dist/express.js");
    const app = start("app.mjs", "mirror", String(tcp));
    const port = await app.line(/^listening (\d+)/);
    services.set(tree, { app, load: start("load.mjs", port, String(CONNECTIONS)) });
  }
  /** @param {string} tree @param {number} ms */
  const block = async (tree, ms) => {
    const service = services.get(tree);
    if (service === undefined) return Number.NaN;
    const { app, load } = service;
    const before = await toldBy(app);
    const answer = load.line(/^(\{.*\})$/);
    load.child.stdin.write(`hello ${ms}\n`);
    const { requests } = JSON.parse(await answer);
    return ((await toldBy(app)) - before) / requests;
  };
  for (const tree of [here, other]) await block(tree, LOAD_WARM_UP_MS);
  return (tree) => block(tree, LOAD_MS);
}

/** @param {ReturnType<typeof start>} app */
async function toldBy(app) {
  const answer = app.line(/^cpu (\d+) /);
  app.child.stdin.write("\n");
  return Number(await answer);
}

/** CPU microseconds of the command from its start to its end, as it tells itself. @param {string} tree @param {string[]} input */
async function cpuOf(tree, input) {
  const all = ["--import", TELLS_CPU, commandOf(tree), ...input, "--output-null"];
  const child = spawn(process.execPath, all, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += chunk));
  await new Promise((done) => child.once("close", done));
  const told = /^cpu (\d+)$/m.exec(stderr)?.[1];
  if (child.exitCode !== 0 || told === undefined)
    throw new Error(`${tree}: ended with ${child.exitCode}: ${stderr}`);
  return Number(told);
}

/** @param {string} tree */
function commandOf(tree) {
  return join(tree, "packages/cli/bin/mirrorball.mjs");
}

/** Of the median: medians of blocks drawn again and again with replacement. @param {readonly number[]} values */
function interval(values) {
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(Math.random() * values.length)] ?? 1)),
  ).toSorted((a, b) => a - b);
  const at = (/** @type {number} */ share) => medians[Math.round(share * (RESAMPLES - 1))] ?? 1;
  return [at(OUTSIDE / 2), at(1 - OUTSIDE / 2)];
}

/** @param {number} value @param {number} digits */
function rounded(value, digits) {
  return Number(value.toFixed(digits));
}

/** @param {string} flag */
function takeFlag(flag) {
  const at = words.indexOf(flag);
  if (at >= 0) words.splice(at, 1);
  return at >= 0;
}

/** @param {string} flag */
function takeNumber(flag) {
  const at = words.indexOf(flag);
  if (at < 0) return undefined;
  const [, value] = words.splice(at, 2);
  if (/^[1-9]\d{0,5}$/.test(value ?? "")) return Number(value);
  console.error(`${flag}: must be a number above 0; got ${JSON.stringify(value ?? "")}`);
  return process.exit(2);
}
