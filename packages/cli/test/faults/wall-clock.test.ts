// The wall clock jumps a day ahead and a day back, many times, also between two runs: no timer fires early or late, no producer
// is forgotten or held dead, nothing is lost.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ReplayServer, catalogue, planFrom } from "@mirrorball/server";
import { afterEach, expect, it } from "vitest";
import { freePort } from "../processes.ts";
import { report } from "./figures.ts";
import { Producer, Target } from "./oracle.ts";

const DAY_US = 24 * 3600 * 1e6;
const JUMP_MS = 20;
const RUNS = 4;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

it("the wall clock moves a day", async () => {
  const directory = mkdtempSync(join(tmpdir(), "mirrorball-clock-"));
  closers.push(() => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  const target = await Target.start();
  closers.push(() => target.close());
  let jumps = 0;
  let offUs = 0;
  const timer = setInterval(() => {
    jumps += 1;
    offUs = [DAY_US, 0, -DAY_US][jumps % 3] ?? 0;
  }, JUMP_MS);
  closers.push(() => clearInterval(timer));
  const clock = {
    nowUs: () => Date.now() * 1000 + offUs,
    monotonicMs: () => performance.now(),
  };
  const words = ["--input-tcp", `127.0.0.1:${port}`, "--journal", join(directory, "journal")];
  // All that was taken is delivered before a run ends, however busy this machine is.
  const patience = ["--drain-timeout", "60s", "--output-http-timeout", "60s"];
  const made = planFrom([...words, "--output-http", target.url, ...patience], catalogue);
  if ("errors" in made) throw new Error(made.errors.join("\n"));
  const producer = new Producer(port, 2000);
  closers.push(() => producer.close());

  let connections = 0;
  for (let run = 1; run <= RUNS; run += 1) {
    const server = await ReplayServer.create(made.plan, { clock });
    await server.start();
    const ackedBefore = producer.acked;
    while (producer.acked < ackedBefore + 200) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (run === RUNS) await producer.finish();
    connections = producer.connections;
    const { lost } = await server.stop();
    expect([lost, server.discrepancies()]).toEqual([0, [0]]);
  }
  const { missing, repeated, againSafe } = target.faults(producer.offered);
  expect([missing, repeated, againSafe]).toEqual([[], [], 0]);
  expect(jumps).toBeGreaterThan(RUNS);
  // One connection a run: nobody was held dead.
  expect(connections).toBe(RUNS);
  report("wall clock a day ahead and back", {
    jumps,
    runs: RUNS,
    offered: producer.offered,
    lost: missing.length,
    twice: repeated.length + againSafe,
  });
});
