// @ts-check
// What ten filter and rewrite rules cost a request: the real pipeline and stages, with rules and without, A and B blocks
// alternating in one process. Heads are parsed before, because an HTTP output parses them anyway; the parse stands beside.
import { HttpMessage } from "@mirrorball/protocol";
import { catalogue, planFrom } from "@mirrorball/server";
import { median } from "./statistics.mjs";

const REQUESTS = 4000;
const BATCH = 64;
const ROUNDS = 25;
const WARM_UP_ROUNDS = 10;

/** Ten, of every sort: each passes, so that every request pays for all of them. */
export const RULES = [
  ["--http-allow-method", "GET"],
  ["--http-disallow-header", "User-Agent:(?i)(?:bot|crawler)"],
  ["--http-set-header", "User-Agent: Replayed by mirrorball"],
  ["--http-set-param", "replayed=1"],
  ["--http-allow-url", "^/(?:api|v\\d+)/"],
  ["--http-disallow-url", "^/health"],
  ["--http-disallow-url", "\\.(?:png|jpe?g|css)$"],
  ["--http-allow-header", "Accept:json"],
  ["--http-rewrite-url", "/v1/user/([^/]+)/ping:/v2/user/$1/ping"],
  ["--http-rewrite-header", "Host: (.*)\\.example\\.com,$1.staging.test"],
];

/** @returns {Promise<object[]>} */
export async function benchRules() {
  const variants = [
    { variant: "no rules", stages: stagesOf([]) },
    { variant: "ten rules", stages: stagesOf(RULES.flat()) },
    ...RULES.map((words) => ({ variant: words.join(" "), stages: stagesOf(words) })),
  ];
  /** @type {Map<string, number[]>} */
  const costs = new Map();
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    for (const { variant, stages } of variants) {
      const batches = makeBatches();
      const parse = measure(() => parseAll(batches));
      const rules = measure(() => passAll(batches, stages));
      if (round < WARM_UP_ROUNDS) continue;
      push(costs, variant, rules);
      push(costs, "parsing a head", parse);
    }
  }
  const base = median(costs.get("no rules") ?? []);
  return [...costs].map(([variant, list]) => ({
    bench: "rules",
    variant,
    "CPU µs/req": Number((median(list) - (variant === "parsing a head" ? 0 : base)).toFixed(2)),
  }));
}

/** @param {readonly string[]} words */
function stagesOf(words) {
  const made = planFrom(["--input-tcp", ":1", "--output-null", ...words], catalogue);
  if ("errors" in made) throw new Error(made.errors.join("\n"));
  return made.plan.stages.flatMap(({ declaration, options }) => {
    const stage = declaration.create(options);
    return stage === undefined ? [] : [stage];
  });
}

/** Fresh messages every time: a parsed head is kept, an edited one too. */
function makeBatches() {
  const batches = [];
  for (let i = 0; i < REQUESTS; i += BATCH) {
    batches.push(Array.from({ length: BATCH }, (_, j) => makeRequest(i + j)));
  }
  return batches;
}

/** @param {number} number @returns {import("@mirrorball/protocol").Message} */
function makeRequest(number) {
  const target =
    number % 2 === 0
      ? `/v1/user/${number}/ping?page=${number % 7}`
      : `/api/products/${number}?sort=price`;
  const raw = `GET ${target} HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: application/json\r\nAccept-Encoding: gzip, br\r\nCookie: sid=${number}; theme=dark\r\nX-Request-Id: ${number}\r\n\r\n`;
  return {
    kind: 1,
    id: number.toString(16).padStart(24, "0"),
    startedAt: 0,
    latencyNs: 0,
    http: HttpMessage.fromRaw(Buffer.from(raw, "latin1")),
  };
}

/** @param {ReturnType<typeof makeBatches>} batches */
function parseAll(batches) {
  let fields = 0;
  for (const batch of batches) {
    for (const { http } of batch) fields += http.head?.headers.length ?? 0;
  }
  if (fields === 0) throw new Error("nothing was parsed");
}

/** @param {ReturnType<typeof makeBatches>} batches @param {ReturnType<typeof stagesOf>} stages */
function passAll(batches, stages) {
  let passed = 0;
  const removed = () => {
    throw new Error("every request must pass every rule");
  };
  for (const batch of batches) {
    for (const stage of stages) batch.length = stage.process(batch, removed);
    passed += batch.length;
  }
  if (passed < REQUESTS) throw new Error("every request must pass every rule");
}

/** CPU microseconds a request. @param {() => void} work */
function measure(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / REQUESTS;
}

/** @param {Map<string, number[]>} lists @param {string} key @param {number} value */
function push(lists, key, value) {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
