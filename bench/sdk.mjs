// @ts-check
// What the SDK costs its host, beside the alternatives: blocks of load on each variant in turn, several rounds.
import { command, freePort, start, startNginx } from "./processes.mjs";
import { median } from "./statistics.mjs";

const ROUNDS = 10;
const BLOCK_MS = 1500;
/** V8 optimises for some seconds under load; what it did before must not count. */
const WARMUP_MS = 4000;
const CONNECTIONS = 32;

/**
 * @typedef {{ requests: number, seconds: number, cpuUs: number, threadUs: number }} Block
 * @typedef {{ mode: string, app: ReturnType<typeof start>, load: ReturnType<typeof start> }} Variant
 */

/** @returns {Promise<object[]>} */
export async function benchSdk() {
  const tcp = await freePort();
  start(command, "--input-tcp", `127.0.0.1:${tcp}`, "--output-null");
  const nginx = await startNginx();
  /** @type {Variant[]} */
  const variants = [];
  for (const mode of ["off", "mirror", "copy", "otel"]) {
    variants.push(await startVariant(mode, mode === "copy" ? nginx : tcp));
  }
  return [...(await compare(variants, "hello")), ...(await compare(variants, "post"))];
}

/** @param {string} mode @param {number} port @returns {Promise<Variant>} */
export async function startVariant(mode, port) {
  const app = start("app.mjs", mode, String(port));
  const listening = await app.line(/^listening (\d+)/);
  return { mode, app, load: start("load.mjs", listening, String(CONNECTIONS)) };
}

/**
 * All variants under the same load, in turn; the first is what the others are compared with.
 * @param {readonly Variant[]} variants
 * @param {string} kind
 * @returns {Promise<object[]>}
 */
export async function compare(variants, kind, rounds = ROUNDS) {
  /** @type {Map<Variant, Block[]>} */
  const blocks = new Map(variants.map((variant) => [variant, []]));
  for (const variant of variants) await block(variant, kind, WARMUP_MS);
  for (let round = 0; round < rounds; round += 1) {
    // Forwards and backwards in turn, so that a drift of the machine hits all alike.
    for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
      blocks.get(variant)?.push(await block(variant, kind, BLOCK_MS));
    }
  }
  const [first] = variants;
  const base = first === undefined ? [] : (blocks.get(first) ?? []);
  return variants.map((variant) => {
    const mine = blocks.get(variant) ?? [];
    // Each block against the base's block of the same round: what both had to bear cancels out.
    const against = (/** @type {(mine: Block, base: Block) => number} */ difference) =>
      median(mine.map((one, round) => difference(one, base[round] ?? one)));
    return {
      bench: `Express ${kind}`,
      variant: variant.mode,
      "req/s": Math.round(median(mine.map(rate))),
      "throughput %": rounded(against((one, other) => (rate(one) / rate(other) - 1) * 100)),
      "thread µs/req": rounded(median(mine.map(threadUs))),
      more: rounded(against((one, other) => threadUs(one) - threadUs(other))),
      "process µs/req": rounded(median(mine.map(cpuUs))),
      "more (process)": rounded(against((one, other) => cpuUs(one) - cpuUs(other))),
    };
  });
}

/** @param {Block} block */
const rate = ({ requests, seconds }) => requests / seconds;
/** CPU of the application's own thread. @param {Block} block */
const threadUs = (block) => block.threadUs / block.requests;
/** CPU of the whole process: helper threads that collect garbage too. @param {Block} block */
const cpuUs = (block) => block.cpuUs / block.requests;

/**
 * @param {Variant} variant
 * @param {string} kind
 * @param {number} ms
 * @returns {Promise<Block>}
 */
async function block({ app, load }, kind, ms) {
  const before = await cpuOf(app);
  const answer = load.line(/^(\{.*\})$/);
  load.child.stdin.write(`${kind} ${ms}\n`);
  const result = JSON.parse(await answer);
  const after = await cpuOf(app);
  return {
    ...result,
    cpuUs: after.process - before.process,
    threadUs: after.thread - before.thread,
  };
}

/** @param {ReturnType<typeof start>} app */
async function cpuOf(app) {
  const answer = app.line(/^cpu (\d+ \S+)/);
  app.child.stdin.write("\n");
  const [whole, thread] = (await answer).split(" ").map(Number);
  return { process: whole ?? Number.NaN, thread: thread ?? Number.NaN };
}

/** @param {number} value */
function rounded(value) {
  return Number(value.toFixed(1));
}
