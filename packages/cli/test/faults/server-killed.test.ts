// The server is killed with SIGKILL again and again while a producer offers exchanges. With a journal nothing that was
// acknowledged is lost, and nothing with side effects arrives twice; what a crash left open is counted, exactly.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { freePort, serving } from "../processes.ts";
import type { Program } from "../processes.ts";
import { report } from "./figures.ts";
import { LONG, Producer, Target, isUnsafe } from "./oracle.ts";

const KILLS = LONG ? 200 : 6;
const PER_SECOND = LONG ? 5000 : 2000;
/** Milliseconds that a server lives after it listens. */
const LIFE_MS = [20, 400] as const;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}

interface Counted {
  readonly journal: {
    readonly state: string;
    readonly uncertain: number;
    readonly entries: number;
  };
  readonly outputs: readonly { readonly queued: number; readonly inFlight: number }[];
}

it(
  `${KILLS} kills at ${PER_SECOND} exchanges a second`,
  { timeout: LONG ? 900_000 : 120_000 },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "mirrorball-kill-"));
    closers.push(() => rmSync(directory, { recursive: true, force: true }));
    const port = await freePort();
    const target = await Target.start();
    const producer = new Producer(port, PER_SECOND);
    closers.push(
      () => target.close(),
      () => producer.close(),
    );
    const start = (): Promise<Program & { page: string }> =>
      serving(
        "--input-tcp",
        `127.0.0.1:${port}`,
        "--journal",
        directory,
        "--output-http",
        target.url,
      );

    for (let kill = 0; kill < KILLS; kill += 1) {
      const server = await start();
      const [least, most] = LIFE_MS;
      await new Promise((resolve) => setTimeout(resolve, least + Math.random() * (most - least)));
      server.child.kill("SIGKILL");
      await server.ended;
    }
    const last = await start();
    await producer.finish();
    // Everything stored has been delivered when nothing waits and nothing is in flight.
    let counters: Counted;
    do {
      counters = (await (await fetch(last.page)).json()) as Counted;
    } while (
      counters.outputs.some(({ queued, inFlight }) => queued + inFlight > 0) ||
      counters.journal.entries > 1
    );
    last.child.kill("SIGTERM");
    await last.ended;

    const { missing, repeated, againSafe } = target.faults(producer.offered);
    report("server killed with SIGKILL, journal", {
      kills: KILLS,
      connections: producer.connections,
      offered: producer.offered,
      acked: producer.acked,
      "acked and lost": missing.filter((id) => !isUnsafe(id)).length,
      "uncertain, not sent again": counters.journal.uncertain,
      "twice with side effects": repeated.length,
      "twice without": againSafe,
      "frames resent": producer.session.resentFrames,
      "ack ms p50, restarts included": percentile(producer.ackMs, 0.5),
      "ack ms p99": percentile(producer.ackMs, 0.99),
    });
    // The faults happened.
    expect(producer.connections).toBeGreaterThan(KILLS / 2);
    expect(producer.session.resentFrames).toBeGreaterThan(0);
    expect(producer.acked).toBe(producer.offered);
    // Nothing without side effects is missing, nothing with is repeated, and the rest is what the journal says.
    expect(missing.filter((id) => !isUnsafe(id))).toEqual([]);
    expect(repeated).toEqual([]);
    expect(missing.length).toBeLessThanOrEqual(counters.journal.uncertain);
  },
);
