// @ts-check
// What the SDK costs its host, beside the alternatives: blocks of load on each variant in turn, several rounds.
import { freePort, start, startNginx } from "./processes.mjs";

const ROUNDS = 8;
const BLOCK_MS = 1500;
const WARMUP_MS = 3000;
const CONNECTIONS = 32;
const command = new URL("../packages/cli/bin/mirrorball.mjs", import.meta.url).pathname;

/** @typedef {{ requests: number, seconds: number, cpuUs: number }} Block */

/** @returns {Promise<object[]>} */
export async function benchSdk() {
  const tcp = await freePort();
  start(command, "--input-tcp", `127.0.0.1:${tcp}`, "--output-null");
  const nginx = await startNginx();
  const modes = ["off", "mirror", "copy", "otel"];
  const apps = await Promise.all(
    modes.map(async (mode) => {
      const app = start("app.mjs", mode, String(mode === "copy" ? nginx : tcp));
      return { mode, app, port: await app.line(/^listening (\d+)/) };
    }),
  );
  const rows = [];
  for (const kind of ["hello", "post"]) {
    /** @type {Map<string, Block[]>} */
    const blocks = new Map(modes.map((mode) => [mode, []]));
    for (const { app, port } of apps) await block(app, port, WARMUP_MS, kind);
    for (let round = 0; round < ROUNDS; round += 1) {
      // Forwards and backwards in turn, so that a drift of the machine hits all alike.
      for (const { mode, app, port } of round % 2 === 0 ? apps : apps.toReversed()) {
        blocks.get(mode)?.push(await block(app, port, BLOCK_MS, kind));
      }
    }
    const off = summary(blocks.get("off") ?? []);
    for (const mode of modes) {
      const { perSecond, cpuUs } = summary(blocks.get(mode) ?? []);
      rows.push({
        bench: `Express ${kind}`,
        variant: mode,
        "req/s": Math.round(perSecond),
        "throughput %": Number(((perSecond / off.perSecond - 1) * 100).toFixed(1)),
        "CPU µs/req": Number(cpuUs.toFixed(1)),
        "CPU µs/req more": Number((cpuUs - off.cpuUs).toFixed(1)),
      });
    }
  }
  return rows;
}

/**
 * @param {ReturnType<typeof start>} app
 * @param {string} port
 * @param {number} ms
 * @param {string} kind
 * @returns {Promise<Block>}
 */
async function block(app, port, ms, kind) {
  const before = await cpuOf(app);
  const load = start("load.mjs", port, String(CONNECTIONS), String(ms), kind);
  const result = JSON.parse(await load.line(/^(\{.*\})$/));
  const after = await cpuOf(app);
  await load.ended;
  return { ...result, cpuUs: after - before };
}

/** @param {ReturnType<typeof start>} app */
async function cpuOf(app) {
  const answer = app.line(/^cpu (\d+)/);
  app.child.stdin.write("\n");
  return Number(await answer);
}

/** Medians over the blocks. @param {Block[]} blocks */
function summary(blocks) {
  return {
    perSecond: median(blocks.map(({ requests, seconds }) => requests / seconds)),
    cpuUs: median(blocks.map(({ requests, cpuUs }) => cpuUs / requests)),
  };
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
