// The journal of a real server: at its limit, over restarts, with outputs of different speed, with outputs that are gone, and
// with a second server on the same directory.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { freePort, mirrorball, serving } from "../processes.ts";
import { report } from "./figures.ts";
import { Producer, Target } from "./oracle.ts";
import { running } from "./running.ts";
import type { Counted } from "./running.ts";

const LIMIT_BYTES = 1024 * 1024;
/** About 1 KB each: four times the limit. */
const EXCHANGES = 4000;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), "mirrorball-journal-"));
  closers.push(() => rmSync(made, { recursive: true, force: true }));
  return join(made, "journal");
}

async function target(): Promise<Target> {
  const made = await Target.start();
  closers.push(() => made.close());
  return made;
}

it("at its limit takes no more, says so, and goes on when there is room", async () => {
  const words = ["--journal-limit", `${LIMIT_BYTES}`, "--output-http-timeout", "10m"];
  const run = await running("journal", { hold: true, words });
  closers.push(() => run.close());
  const producer = new Producer(run.port, 8000, { offers: EXCHANGES });
  closers.push(() => producer.close());
  await until(async () => (await run.counters()).journal?.state === "full");
  await until(() => producer.offered === EXCHANGES);
  const full = await run.counters();
  const ackedWhenFull = producer.acked;
  expect(ackedWhenFull).toBeLessThan(EXCHANGES);
  expect(producer.session.unackedFrames).toBeGreaterThan(0);
  // A frame more than the limit at most.
  expect(full.journal?.bytes).toBeLessThan(LIMIT_BYTES * 1.1);
  run.target.release();
  await producer.finish();
  await run.finish();
  const { missing, repeated, againSafe } = run.target.faults(EXCHANGES);
  expect([missing, repeated, againSafe]).toEqual([[], [], 0]);
  expect(run.server.out.stderr).toMatch(/at its limit; nothing is taken until outputs have moved/);
  report("journal at its limit of 1 MB", {
    offered: EXCHANGES,
    "acked when full": ackedWhenFull,
    "bytes when full": full.journal?.bytes ?? 0,
    lost: 0,
    twice: 0,
  });
});

it("sends nothing again after a clean stop", async () => {
  const run = await running("journal");
  closers.push(() => run.close());
  const RUNS = 3;
  for (let i = 0; i < RUNS; i += 1) {
    const producer = new Producer(run.port, 5000, { offers: 500, idsAfter: i * 500 });
    await producer.finish();
    producer.close();
    await run.finish();
    if (i + 1 < RUNS) await run.restart();
    expect((i + 1 < RUNS ? (await run.counters()).outputs[0]?.received : 0) ?? -1).toBe(0);
  }
  const { missing, repeated, againSafe } = run.target.faults(RUNS * 500);
  expect([missing, repeated, againSafe]).toEqual([[], [], 0]);
  expect(run.server.out.stderr).not.toMatch(/resuming/);
  report("clean stops and starts", { stops: RUNS, offered: RUNS * 500, lost: 0, twice: 0 });
});

it("delivers what a stop had no time for in the next run", async () => {
  const COUNT = 600;
  // A queue that holds little of it, so that most is still in the journal.
  const words = ["--drain-timeout", "200ms", "--output-http-queue-len", "20"];
  const run = await running("journal", {
    hold: true,
    words: [...words, "--output-http-timeout", "10m"],
  });
  closers.push(() => run.close());
  const producer = new Producer(run.port, 5000, { offers: COUNT });
  closers.push(() => producer.close());
  await producer.finish();
  run.server.child.kill("SIGTERM");
  await run.server.ended;
  run.target.release();
  run.target.arrived.clear();
  await run.restart();
  await until(async () => {
    const { journal, outputs } = await run.counters();
    const quiet = outputs.every(({ queued, inFlight }) => queued + inFlight === 0);
    return quiet && (journal?.entries ?? 2) <= 1;
  });
  const { uncertain } = (await run.counters()).journal ?? { uncertain: 0 };
  const { missing, repeated } = run.target.faults(COUNT);
  expect(repeated).toEqual([]);
  expect(missing.length).toBeLessThanOrEqual(uncertain);
  // Those that were under way when it was stopped.
  expect(uncertain).toBeLessThan(COUNT / 3);
});

it("resumes each output at its own place after a kill, and says what it gives up of one that is gone", async () => {
  const COUNT = 1000;
  const [fast, slow] = [await target(), await target()];
  slow.hold();
  const port = await freePort();
  const journal = directory();
  const words = ["--input-tcp", `127.0.0.1:${port}`, "--journal", journal];
  const slowWords = ["--output-http", slow.url, "--output-http-timeout", "10m"];
  // A queue that holds all of it, so that the slow one does not hold the fast one up.
  const both = [
    ...words,
    "--output-http",
    fast.url,
    ...slowWords,
    "--output-http-queue-len",
    "10000",
  ];
  const first = await serving(...both);
  closers.push(() => first.child.kill("SIGKILL"));
  const producer = new Producer(port, 5000, { offers: COUNT });
  closers.push(() => producer.close());
  await producer.finish();
  await until(() => fast.arrived.size === COUNT);
  const counters = async (page: string): Promise<Counted> =>
    (await (await fetch(page)).json()) as Counted;
  await until(async () => (await counters(first.page)).outputs[0]?.delivered === COUNT);
  const waiting = (await counters(first.page)).outputs[1];
  await until(async () => (await counters(first.page)).journal?.unwritten === 0);
  first.child.kill("SIGKILL");
  await first.ended;
  slow.release();
  slow.arrived.clear();
  const second = await serving(...both);
  closers.push(() => second.child.kill("SIGKILL"));
  await until(async () => {
    const { outputs } = await counters(second.page);
    return (
      outputs.every(({ queued, inFlight }) => queued + inFlight === 0) && slow.arrived.size > 0
    );
  });
  const after = await counters(second.page);
  const uncertain = after.journal?.uncertain ?? 0;
  second.child.kill("SIGTERM");
  await second.ended;
  // The fast one had everything and gets nothing again; the slow one gets all but what may have been sent already.
  expect([...fast.arrived.values()].every((times) => times === 1)).toBe(true);
  const { missing, repeated } = slow.faults(COUNT);
  expect(waiting?.delivered).toBe(0);
  expect(repeated).toEqual([]);
  expect(missing.length).toBe(uncertain);
  report("two outputs of different speed, killed", {
    offered: COUNT,
    "again at the fast one": 0,
    "resumed at the slow one": slow.arrived.size,
    "uncertain, not sent again": uncertain,
  });

  // A held target and a kill once more; then the output has another name.
  slow.hold();
  const third = await serving(...words, ...slowWords);
  closers.push(() => third.child.kill("SIGKILL"));
  const more = new Producer(port, 5000, { offers: 60, idsAfter: COUNT });
  closers.push(() => more.close());
  await more.finish();
  more.close();
  third.child.kill("SIGKILL");
  await third.ended;
  slow.release();
  const fourth = await serving(...words, "--output-http", fast.url);
  closers.push(() => fourth.child.kill("SIGKILL"));
  await fourth.printed(
    /output-http http:\/\/\S+ is gone; [1-9]\d* entries that it had not finished are given up/,
  );
});

it("serves one server at a time", async () => {
  const run = await running("journal");
  closers.push(() => run.close());
  const producer = new Producer(run.port, 2000, { offers: 400 });
  closers.push(() => producer.close());
  const port = await freePort();
  const second = mirrorball(
    "--input-tcp",
    `127.0.0.1:${port}`,
    "--journal",
    run.journal ?? "",
    "--output-null",
  );
  expect(await second.ended).toBe(1);
  expect(second.out.stderr).toMatch(
    new RegExp(`${run.journal} is in use by process ${run.server.child.pid}; a journal serves one`),
  );
  await producer.finish();
  await run.finish();
  const { missing, repeated, againSafe } = run.target.faults(400);
  expect([missing, repeated, againSafe]).toEqual([[], [], 0]);
});
