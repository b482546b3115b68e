// @ts-check
// What a comparison costs. Pairs a second on one core: exchanges of 1 KB of JSON as the comparing thread gets them, unpacked, paired, compared and
// reported; with equal bodies, with one value that differs, with ids and times that are the copy's own. And the replay's rate against nginx,
// with and without `--output-compare`, as fast as it goes and at a steady rate.
// As a program: argv VARIANT; prints `done PAIRS CPU_US DIFFERENCES`.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command, freePort, start, startNginx, usage } from "./processes.mjs";

const ROUNDS = 3;
const PAIRS = 20_000;
const WARM_UP = 5000;
const PARCEL = 256;
const VARIANTS = ["equal", "one value differs", "ids and times differ"];
const REPLAYED = 60_000;
const PER_SECOND = 5000;
const PACED_SECONDS = 10;
const FIRST_NS = 1_732_406_400_000_000_000n;
const SEPARATOR = "\n🐵🙈🙉\n";

/** @returns {Promise<object[]>} */
export async function benchCompare() {
  const rows = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const variant of VARIANTS) {
      const line = await start("compare.mjs", variant).line(/^done (.*)/);
      const [pairs = 0, cpuUs = 0, differences = 0] = line.split(" ").map(Number);
      rows.push({
        bench: "pairs of 1 KB JSON, one core",
        variant,
        round,
        "pairs/s of CPU": Math.round(pairs / (cpuUs / 1e6)),
        "CPU µs/pair": Number((cpuUs / pairs).toFixed(1)),
        differences,
      });
    }
  }
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-bench-"));
  const nginx = await startNginx({ answer: { body: bodyOf(0, 0), type: "application/json" } });
  const fast = recording(join(folder, "fast.gor"), REPLAYED, 10_000);
  const paced = recording(join(folder, "paced.gor"), PER_SECOND * PACED_SECONDS, 1e9 / PER_SECOND);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [bench, file, speed, count] of /** @type {const} */ ([
      ["replay as fast as it goes", fast, "max", REPLAYED],
      [`replay at ${PER_SECOND}/s`, paced, "100%", PER_SECOND * PACED_SECONDS],
    ])) {
      const variants = [
        { variant: "alone", words: [] },
        { variant: "compared", words: ["--output-compare", join(folder, "report.json")] },
      ];
      for (const { variant, words } of round % 2 === 0 ? variants : variants.toReversed())
        rows.push({ bench, variant, round, ...(await replay(file, speed, count, nginx, words)) });
    }
  }
  rmSync(folder, { recursive: true });
  return rows;
}

/** @param {string} file @param {string} speed @param {number} count @param {number} nginx @param {readonly string[]} words */
async function replay(file, speed, count, nginx, words) {
  const page = await freePort();
  const run = start(command, "--input-file", file, "--input-file-speed", speed, "--output-http", `http://127.0.0.1:${nginx}`, "--http-pprof", `127.0.0.1:${page}`, ...words); // prettier-ignore
  const delivered = async () => {
    try {
      const all = await (await fetch(`http://127.0.0.1:${page}/debug/vars`)).json();
      return all.outputs.find((/** @type {any} */ { name }) => name.startsWith("output-http"))
        .delivered;
    } catch {
      return 0;
    }
  };
  // Between the first tenth and the end: the start of the process is no matter of rates.
  let first = { at: 0, count: 0 };
  let last = first;
  let cpuUs = 0;
  const look = async () => {
    const seen = await delivered();
    const now = { at: performance.now(), count: seen };
    try {
      cpuUs = usage(run.child.pid).cpuUs;
    } catch {
      return;
    }
    if (seen < count / 10) return;
    if (first.count === 0) first = now;
    if (seen > last.count) last = now;
  };
  const watch = setInterval(() => void look(), 50);
  await run.ended;
  clearInterval(watch);
  return {
    "requests/s": Math.round((last.count - first.count) / ((last.at - first.at) / 1000)),
    "CPU µs/request, all threads": Number((cpuUs / count).toFixed(1)),
  };
}

/** @param {string} path @param {number} count @param {number} gapNs */
function recording(path, count, gapNs) {
  const body = bodyOf(0, 0);
  const pieces = [];
  for (let i = 0; i < count; i += 1) {
    const at = FIRST_NS + BigInt(i) * BigInt(Math.round(gapNs));
    const id = i.toString(16).padStart(24, "0");
    pieces.push(
      `1 ${id} ${at} 0\n${requestOf(i)}${SEPARATOR}2 ${id} ${at + 500_000n} 100000\n${answerOf(body)}${SEPARATOR}`,
    );
  }
  writeFileSync(path, pieces.join(""));
  return path;
}

/** @param {number} i */
const requestOf = (i) =>
  `GET /api/orders/${i} HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\n\r\n`;

/** @param {string} body */
const answerOf = (body) =>
  `HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 24 Nov 2024 00:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: keep-alive\r\n\r\n${body}`;

/** An order of 1 KB. `copy`: whose ids and times. @param {number} i @param {number} copy */
function bodyOf(i, copy) {
  const hex = (/** @type {number} */ n) =>
    ((n * 2_654_435_761) >>> 0).toString(16).padStart(8, "0");
  const uuid = (/** @type {number} */ n) =>
    `${hex(n)}-${hex(n + 1).slice(0, 4)}-4${hex(n + 2).slice(0, 3)}-8${hex(n + 3).slice(0, 3)}-${hex(n + 4)}${hex(n + 5).slice(0, 4)}`;
  const own = i * 100 + copy * 50_000_000;
  const at = new Date(Number(FIRST_NS / 1_000_000n) + i * 10 + copy * 86_400_000).toISOString();
  return JSON.stringify({
    id: uuid(own),
    number: 100_000 + i + copy * 7_000_000,
    createdAt: at,
    customer: { id: uuid(own + 10), name: `Customer ${i % 500}`, tier: "GOLD", verified: true },
    items: Array.from({ length: 5 }, (_, k) => ({
      id: uuid(own + 20 + k),
      sku: `SKU${100 + k}`,
      title: `thing No ${k}`,
      price: 19.9 + k,
      qty: k + 1,
    })),
    total: 4711.5,
    currency: "EUR",
    note: "n".repeat(120),
  });
}

/** The inside of the comparing thread, without the thread. @param {string} variant */
async function measure(variant) {
  const { Comparison } = await import("../packages/server/dist/core/compare/comparison.js");
  const { packBatch, unpackBatch } =
    await import("../packages/server/dist/core/middleware/plugin-wire.js");
  const { HttpMessage } = await import("@mirrorball/protocol");
  const comparison = new Comparison({ control: false, templates: undefined });
  let differences = 0;
  const copy = variant === "ids and times differ" ? 1 : 0;
  /** @param {1 | 2 | 3} kind @param {number} i @param {number} atUs @param {string} raw @returns {import("@mirrorball/protocol").Message} */
  const message = (kind, i, atUs, raw) => ({
    kind,
    id: i.toString(16).padStart(24, "0"),
    startedAt: atUs,
    latencyNs: kind === 1 ? 0 : 100_000,
    http: HttpMessage.fromRaw(Buffer.from(raw)),
    context: kind === 3 ? { target: "http://staging" } : {},
  });
  /** @param {number} from @param {number} to */
  const parcels = (from, to) => {
    const made = [];
    for (let at = from; at < to; at += PARCEL) {
      const batch = [];
      for (let i = at; i < Math.min(to, at + PARCEL); i += 1) {
        const us = Number(FIRST_NS / 1000n) + i * 10_000;
        const answer = bodyOf(i, copy);
        const other = variant === "one value differs" ? answer.replace("4711.5", "4711") : answer;
        batch.push(
          message(1, i, us, requestOf(i)),
          message(2, i, us + 500, answerOf(bodyOf(i, 0))),
        );
        batch.push(message(3, i, us + 86_400_000_000, answerOf(other)));
      }
      made.push(packBatch(batch, 0));
    }
    return made;
  };
  /** @param {ReturnType<typeof parcels>} all */
  const take = (all) => {
    for (const parcel of all)
      unpackBatch(parcel, (each) => {
        const got = { kind: each.kind, id: each.id, startedAt: Math.round(each.startedAtMs * 1000), latencyNs: (each.latencyMs ?? 0) * 1e6, http: HttpMessage.fromRaw(each.raw), context: each.context }; // prettier-ignore
        if (got.kind === 1) comparison.request(got);
        else comparison.answer(got.kind === 2 ? "original" : "replayed", got);
      });
  };
  take(parcels(0, WARM_UP));
  const all = parcels(WARM_UP, WARM_UP + PAIRS);
  const before = process.cpuUsage();
  take(all);
  comparison.end();
  const report = comparison.report();
  const { user, system } = process.cpuUsage(before);
  for (const { differences: some } of report.endpoints) differences += some.length;
  if (report.exchanges.compared !== PAIRS + WARM_UP) throw new Error("not all were compared");
  return `${PAIRS} ${user + system} ${differences}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`done ${await measure(process.argv[2] ?? "equal")}`);
}
