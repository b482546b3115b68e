// Many producers lose their server at once and come back at once: all of them recover, nothing is lost, nothing comes twice.
import { afterEach, expect, it } from "vitest";
import { report } from "./figures.ts";
import { LONG, Producer, isUnsafe } from "./oracle.ts";
import { running } from "./running.ts";

const PRODUCERS = LONG ? 500 : 100;
const EXCHANGES = 40;
const HALF = EXCHANGES / 2;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

it(`${PRODUCERS} producers reconnect at once`, { timeout: LONG ? 300_000 : 60_000 }, async () => {
  const run = await running("journal");
  closers.push(() => run.close());
  const producers = Array.from({ length: PRODUCERS }, (_, i) => {
    const producer = new Producer(run.port, HALF, { offers: EXCHANGES, idsAfter: i * EXCHANGES });
    closers.push(() => producer.close());
    return producer;
  });
  while (producers.some(({ acked }) => acked === 0)) await turn();
  run.server.child.kill("SIGKILL");
  await run.server.ended;
  const before = producers.map(({ connections }) => connections);
  await run.restart();
  const startedMs = performance.now();
  while (producers.some(({ session }) => session.state !== "open")) await turn();
  const recoveredMs = performance.now() - startedMs;
  await Promise.all(producers.map((producer) => producer.finish()));
  const { lost, journal } = await run.finish();
  const offered = producers.reduce((sum, producer) => sum + producer.offered, 0);
  const { missing, repeated } = run.target.faults(offered);
  expect(producers.every(({ connections }, i) => connections > (before[i] ?? 0))).toBe(true);
  expect([offered, repeated]).toEqual([PRODUCERS * EXCHANGES, []]);
  // What the crash left open has side effects and is not sent again; nothing else is lost, and it is counted exactly.
  expect(missing.filter((id) => !isUnsafe(id))).toEqual([]);
  expect(lost).toBe(journal?.uncertain);
  expect(missing.length).toBeLessThanOrEqual(lost);
  report("producers reconnecting at once", {
    producers: PRODUCERS,
    "all back after ms": recoveredMs,
    offered,
    "uncertain, not sent again": journal?.uncertain ?? 0,
    "lost beside": lost - (journal?.uncertain ?? 0),
    "twice with side effects": repeated.length,
  });
});

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
