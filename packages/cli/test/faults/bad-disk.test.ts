// A journal on a disk that is slow, and on one that fails: acknowledgements come late or not at all and never falsely, credit
// holds the producer, the state is there to be seen, and everything goes on without a restart when the disk does.
import { constants } from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CREDIT_WINDOW_BYTES } from "@mirrorball/protocol";
import { have } from "../programs.ts";
import { BadDisk } from "./bad-disk.ts";
import { report } from "./figures.ts";
import { LONG, Producer, isUnsafe } from "./oracle.ts";
import { running } from "./running.ts";
import type { Counted, Running } from "./running.ts";

const { EIO, ENOSPC } = constants.errno;
const FLUSH_MS = 500;
/** More than a window for each flush: credit has to hold some of it. */
const PER_SECOND = LONG ? 20_000 : 15_000;
const EXCHANGES = LONG ? 100_000 : 20_000;
/** What else the server holds: its code, V8's spaces, pages of the journal. */
const RSS_BYTES_MAX = 400 * 1024 ** 2;
/** More of them only take longer: they come at most four seconds apart. */
const ATTEMPTS = 3;
const ROUNDS = LONG ? 5 : 1;
const OUTAGES = LONG ? 60 : 10;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

// It is the C library of Linux that is harmed, by a library that is compiled for it; CI has the compiler and may not skip.
const canHarm = process.platform === "linux" && have("cc");

let disk: BadDisk;
beforeEach(() => {
  disk = new BadDisk();
  closers.push(() => disk.close());
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function onBadDisk(): Promise<Running> {
  const run = await running("journal", { env: disk.env });
  closers.push(() => run.close());
  return run;
}

const TIMEOUT = { timeout: LONG ? 600_000 : 120_000 };

it.skipIf(!canHarm)("a slow disk", TIMEOUT, async () => {
  const run = await onBadDisk();
  disk.slow(FLUSH_MS);
  const producer = new Producer(run.port, PER_SECOND, { offers: EXCHANGES });
  closers.push(() => producer.close());
  let heldFrames = 0;
  let rss = 0;
  await until(async () => {
    heldFrames = Math.max(heldFrames, producer.session.unsentFrames);
    rss = Math.max(rss, (await run.counters()).memoryBytes.rss);
    return producer.acked === EXCHANGES;
  });
  const delayed = disk.count("syncsDelayed");
  disk.heal();
  await run.finish();
  const { missing, repeated, againSafe } = run.target.faults(EXCHANGES);
  expect([missing, repeated, againSafe]).toEqual([[], [], 0]);
  const sorted = producer.ackMs.toSorted((a, b) => a - b);
  // Not one came before the flush of its frame, a timer's grain aside.
  expect(sorted[0]).toBeGreaterThan(FLUSH_MS - 2);
  // The faults happened, and credit held the producer: frames waited on its side.
  expect(delayed).toBeGreaterThan(3);
  expect(heldFrames).toBeGreaterThan(0);
  expect(producer.largestInFlightBytes).toBeLessThanOrEqual(CREDIT_WINDOW_BYTES);
  expect(rss).toBeLessThan(RSS_BYTES_MAX);
  expect(producer.connections).toBe(1);
  report(`slow disk, ${FLUSH_MS} ms a flush`, {
    offered: EXCHANGES,
    "slow flushes": delayed,
    "ack ms least": sorted[0] ?? 0,
    "ack ms p99": sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    "MB in flight at most": producer.largestInFlightBytes / 1024 ** 2,
    "frames held by credit": heldFrames,
    "largest RSS MB": Math.round(rss / 1024 ** 2),
    lost: missing.length,
    twice: repeated.length + againSafe,
  });
});

describe.skipIf(!canHarm)("a disk that fails", () => {
  const cases = [
    ["writes fail", "write", EIO],
    ["writes find no room", "write", ENOSPC],
    ["flushes fail", "sync", EIO],
  ] as const;

  it.each(cases)("%s, and goes on", TIMEOUT, async (name, what, error) => {
    const run = await onBadDisk();
    const { pid } = run.server.child;
    const producer = new Producer(run.port, 2000);
    closers.push(() => producer.close());
    let failedWrites = 0;
    let recoveryMs = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = producer.acked;
      await until(() => producer.acked > before);
      disk.fail(what, error);
      const degraded = await attempts(run, "degraded", ATTEMPTS);
      // What was on its way when the disk began to fail is here by now; nothing comes after it.
      const { acked } = producer;
      const later = await attempts(run, "degraded", ATTEMPTS);
      expect(producer.acked).toBe(acked);
      expect(producer.offered).toBeGreaterThan(acked);
      failedWrites += later - degraded;
      disk.heal();
      const healedMs = performance.now();
      await until(() => producer.acked > acked);
      recoveryMs = Math.max(recoveryMs, performance.now() - healedMs);
      await until(async () => (await run.counters()).journal?.state === "ok");
    }
    await producer.finish();
    await run.finish();
    const { missing, repeated, againSafe } = run.target.faults(producer.offered);
    expect([missing, repeated, againSafe]).toEqual([[], [], 0]);
    expect(disk.count(what === "write" ? "writesFailed" : "syncsFailed")).toBeGreaterThan(0);
    expect(run.server.out.stderr).toMatch(/the disk takes nothing/);
    // Without a restart, and on one connection.
    expect([run.server.child.pid, producer.connections]).toEqual([pid, 1]);
    report(`disk: ${name}`, {
      rounds: ROUNDS,
      "failed writes seen": failedWrites,
      "acked meanwhile": 0,
      "first ack after ms": recoveryMs,
      offered: producer.offered,
      lost: missing.length,
      twice: repeated.length + againSafe,
    });
  });

  it("and the server is killed meanwhile: nothing acknowledged is lost", TIMEOUT, async () => {
    const run = await onBadDisk();
    const producer = new Producer(run.port, 2000);
    closers.push(() => producer.close());
    let uncertain = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = producer.acked;
      await until(() => producer.acked > before + 200);
      disk.fail(round % 2 === 0 ? "sync" : "write", EIO);
      await attempts(run, "degraded", 1);
      run.server.child.kill("SIGKILL");
      await run.server.ended;
      disk.heal();
      await run.restart();
    }
    await producer.finish();
    uncertain = (await run.finish()).journal?.uncertain ?? 0;
    const { missing, repeated } = run.target.faults(producer.offered);
    expect([missing.filter((id) => !isUnsafe(id)), repeated]).toEqual([[], []]);
    expect(missing.length).toBeLessThanOrEqual(uncertain);
    report("disk fails, server killed", {
      kills: ROUNDS,
      offered: producer.offered,
      "acked and lost": 0,
      "uncertain, not sent again": uncertain,
      "twice with side effects": repeated.length,
    });
  });

  it(
    "in the middle of commits: goes on, or ends with a word and loses nothing",
    TIMEOUT,
    async () => {
      const run = await onBadDisk();
      const producer = new Producer(run.port, 2000);
      closers.push(() => producer.close());
      let ended = 0;
      let over = false;
      // It ends at any moment up to a second later; then it starts again, as a supervisor would have it.
      const supervisor = (async () => {
        for (;;) {
          const { child, ended: end, out } = run.server;
          await end;
          if (over) return;
          ended += 1;
          // By itself with a word; or by the library, whose report of a failed write overruns a buffer.
          const how = `${child.signalCode} ${out.stderr}`;
          expect(how).toMatch(/^SIGKILL [^]*start the server again|^SIG(?:ABRT|SEGV)/);
          await run.restart();
        }
      })();
      const outages = async (): Promise<void> => {
        for (let round = 0; round < OUTAGES; round += 1) {
          const { acked } = producer;
          await until(() => producer.acked > acked);
          const failed = disk.count("writesFailed");
          const before = ended;
          disk.fail("write", round % 2 === 0 ? EIO : ENOSPC, true);
          await until(() => ended > before || disk.count("writesFailed") > failed + 1);
          disk.heal();
        }
        await producer.finish();
        // Written after the last outage: it is well.
        const written = async (): Promise<boolean> => {
          const { journal, outputs } = await run.counters();
          const settled = outputs.every(({ queued, inFlight }) => queued + inFlight === 0);
          return settled && journal?.unwritten === 0;
        };
        await until(() => written().catch(() => false));
        over = true;
      };
      await Promise.race([outages(), supervisor]);
      const uncertain = (await run.finish()).journal?.uncertain ?? 0;
      const { missing, repeated } = run.target.faults(producer.offered);
      expect([missing.filter((id) => !isUnsafe(id)), repeated]).toEqual([[], []]);
      expect(missing.length).toBeLessThanOrEqual(uncertain);
      report("disk fails in the middle of commits", {
        outages: OUTAGES,
        "ended, started again": ended,
        offered: producer.offered,
        "acked and lost": 0,
        "uncertain, not sent again": uncertain,
        "twice with side effects": repeated.length,
      });
    },
  );

  it(
    "and the server is stopped meanwhile: it ends, and the next one goes on",
    TIMEOUT,
    async () => {
      const run = await running("journal", { env: disk.env, words: ["--drain-timeout", "1s"] });
      closers.push(() => run.close());
      const producer = new Producer(run.port, 2000);
      closers.push(() => producer.close());
      await until(() => producer.acked > 200);
      disk.fail("sync", EIO);
      await attempts(run, "degraded", 2);
      run.server.child.kill("SIGTERM");
      await run.server.ended;
      disk.heal();
      await run.restart();
      await producer.finish();
      await run.finish();
      const { missing, repeated } = run.target.faults(producer.offered);
      expect([missing.filter((id) => !isUnsafe(id)), repeated]).toEqual([[], []]);
    },
  );

  it("with nobody sending: the state comes back by itself", TIMEOUT, async () => {
    const run = await onBadDisk();
    run.target.hold();
    const producer = new Producer(run.port, 2000, { offers: 200 });
    closers.push(() => producer.close());
    await producer.finish();
    await until(async () => ((await run.counters()).outputs[0]?.inFlight ?? 0) > 0);
    disk.fail("sync", EIO);
    const errorsBefore = disk.count("syncsFailed");
    run.target.release();
    await attempts(run, "degraded", 3);
    disk.heal();
    await until(async () => (await run.counters()).journal?.state === "ok");
    await run.finish();
    expect(run.target.faults(200)).toEqual({ missing: [], repeated: [], againSafe: 0 });
    expect(disk.count("syncsFailed")).toBeGreaterThan(errorsBefore);
  });
});

/** Waits for that state and so many more failed writes; returns how many there are in all. */
async function attempts(run: Running, state: string, more: number): Promise<number> {
  let now: Counted = await run.counters();
  const before = now.journal?.failedWrites ?? 0;
  await until(async () => {
    now = await run.counters();
    return now.journal?.state === state && now.journal.failedWrites >= before + more;
  });
  return now.journal?.failedWrites ?? 0;
}
