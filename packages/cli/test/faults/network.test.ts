// What a network can do to the connection between a producer and the server: nothing is lost, nothing arrives twice, and what
// was damaged is found. Each run proves that its faults happened.
import { afterEach, describe, expect, it } from "vitest";
import { HEARTBEAT_DEAD_MS } from "@mirrorball/protocol";
import { ChaosProxy } from "./chaos-proxy.ts";
import type { Direction, Toxics } from "./chaos-proxy.ts";
import { report } from "./figures.ts";
import { LONG, Producer } from "./oracle.ts";
import { running } from "./running.ts";
import type { Running } from "./running.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

const TIMEOUT = { timeout: LONG ? 600_000 : 120_000 };

interface Rig {
  readonly run: Running;
  readonly proxy: ChaosProxy;
  readonly producer: Producer;
}

async function through(
  toxics: Toxics,
  perSecond: number,
  mode: "memory" | "journal" = "memory",
  offers?: number,
): Promise<Rig> {
  const run = await running(mode);
  closers.push(() => run.close());
  const proxy = await ChaosProxy.start(run.port, toxics);
  closers.push(() => proxy.close());
  const producer = new Producer(proxy.port, perSecond, offers === undefined ? {} : { offers });
  closers.push(() => producer.close());
  return { run, proxy, producer };
}

/** Nothing missing, nothing twice, with or without side effects; the server lost nothing. */
async function whole({ run, producer }: Rig): Promise<{ offered: number; acked: number }> {
  const { lost } = await run.finish();
  const { missing, repeated, againSafe } = run.target.faults(producer.offered);
  expect([missing, repeated, againSafe, lost]).toEqual([[], [], 0, 0]);
  expect(run.target.arrived.size).toBe(producer.offered);
  expect(producer.acked).toBe(producer.offered);
  return { offered: producer.offered, acked: producer.acked };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

function directionOf(random: number): Direction {
  return random < 0.5 ? "up" : "down";
}

describe("a connection that", () => {
  const RESETS = LONG ? 1000 : 40;
  it.each(["memory", "journal"] as const)(`is reset ${RESETS} times, %s`, TIMEOUT, async (mode) => {
    const resetAt = (): { direction: Direction; bytes: number } => {
      const direction = directionOf(Math.random());
      return { direction, bytes: Math.floor(Math.random() * (direction === "up" ? 60_000 : 200)) };
    };
    const rig = await through({ resetAt }, 10_000, mode);
    await until(() => rig.proxy.resets >= RESETS);
    rig.proxy.calm();
    await rig.producer.finish();
    const figures = await whole(rig);
    expect(rig.producer.session.resentFrames).toBeGreaterThan(0);
    report(`connection resets, ${mode}`, {
      resets: rig.proxy.resets,
      connections: rig.proxy.connections,
      ...figures,
      "frames resent": rig.producer.session.resentFrames,
      lost: 0,
      twice: 0,
    });
  });

  const FLIPS = LONG ? 1000 : 40;
  it(`turns over ${FLIPS} bits`, TIMEOUT, async () => {
    let rig: Rig | undefined;
    const done = (): number => (rig === undefined ? 0 : rig.proxy.flips.up + rig.proxy.flips.down);
    // By what was done, not by connections: one that ends for another reason never comes to its flip.
    const flipAt: Toxics["flipAt"] = () => {
      if (done() >= FLIPS) return undefined;
      const direction = directionOf(Math.random());
      const bytes = Math.floor(Math.random() * (direction === "up" ? 60_000 : 200));
      return { direction, bytes, bit: Math.floor(Math.random() * 8) };
    };
    rig = await through({ flipAt }, 10_000);
    const { flips } = rig.proxy;
    await until(() => done() >= FLIPS);
    await rig.producer.finish();
    const atServer = await rig.run.refused();
    const figures = await whole(rig);
    expect([flips.up > 0, flips.down > 0]).toEqual([true, true]);
    expect(atServer).toBe(flips.up);
    expect(rig.producer.damagedAnswers).toBe(flips.down);
    report("bit flips", {
      flips: done(),
      "found by the server": atServer,
      "found by the producer": rig.producer.damagedAnswers,
      ...figures,
      damaged: 0,
    });
  });

  it("brings single bytes", TIMEOUT, async () => {
    const exchanges = LONG ? 5000 : 200;
    const rig = await through({ sliced: true }, 100_000, "memory", exchanges);
    await rig.producer.finish();
    const figures = await whole(rig);
    expect(rig.proxy.slices).toBeGreaterThan(exchanges * 500);
    report("one-byte slices", { slices: rig.proxy.slices, ...figures, lost: 0, twice: 0 });
  });

  it("is late and thin", TIMEOUT, async () => {
    const bytesPerSecond = 125_000;
    const exchanges = LONG ? 5000 : 300;
    const rig = await through({ latencyMs: 50, bytesPerSecond }, 100_000, "memory", exchanges);
    const startedMs = performance.now();
    await rig.producer.finish();
    const tookMs = performance.now() - startedMs;
    const figures = await whole(rig);
    // The fault happened: that much could not pass sooner.
    expect(tookMs).toBeGreaterThan(((exchanges * 600) / bytesPerSecond) * 1000);
    report("1 Mbit/s and 50 ms late", { ...figures, "took ms": Math.round(tookMs), lost: 0 });
  });
});

/** A tick of the heartbeat, the reconnect and the answer, on a busy machine. */
const SLACK_MS = 30_000;

// Four cases in one test: each waits for the heartbeat's bound once, all at the same time.
it("a connection that goes silent is found in time", TIMEOUT, async () => {
  const silences: readonly [name: string, silence: (proxy: ChaosProxy) => void][] = [
    ["both directions", (proxy) => proxy.blackHole("up", "down")],
    ["towards the producer", (proxy) => proxy.blackHole("down")],
    ["half-open, the server is gone", (proxy) => proxy.halfOpen("server")],
  ];
  await Promise.all([
    ...silences.map(async ([name, silence]) => {
      const rig = await through({}, 500);
      await until(() => rig.producer.acked > 0);
      silence(rig.proxy);
      const startedMs = performance.now();
      await until(() => rig.producer.connections === 2);
      const foundMs = performance.now() - startedMs;
      await rig.producer.finish();
      const figures = await whole(rig);
      expect(rig.proxy.swallowedBytes).toBeGreaterThan(0);
      expect(rig.producer.failures.get("dead")).toBe(1);
      expect(foundMs).toBeLessThan(HEARTBEAT_DEAD_MS + SLACK_MS);
      report(`silence: ${name}`, { "found after ms": foundMs, ...figures, lost: 0, twice: 0 });
    }),
    (async () => {
      const rig = await through({}, 500, "memory", 100);
      await rig.producer.finish();
      rig.producer.close();
      rig.proxy.halfOpen("client");
      const startedMs = performance.now();
      await until(async () => (await rig.run.refused("dead")) === 1);
      const foundMs = performance.now() - startedMs;
      const figures = await whole(rig);
      expect(foundMs).toBeLessThan(HEARTBEAT_DEAD_MS + SLACK_MS);
      report("silence: half-open, the producer is gone", { "found after ms": foundMs, ...figures });
    })(),
  ]);
});
