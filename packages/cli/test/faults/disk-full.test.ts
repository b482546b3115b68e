// A journal on a disk of 8 MB while the target answers nothing: nothing is acknowledged that is not on disk, the state says
// so, and when the target is back everything arrives without a restart.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { freePort, serving } from "../processes.ts";
import { report } from "./figures.ts";
import { Producer, Target } from "./oracle.ts";

const DISK_BYTES = 8 * 1024 * 1024;
/** About 1 KB each on the wire: twice what the disk holds. */
const EXCHANGES = 16_000;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

interface Counted {
  readonly journal: {
    readonly state: string;
    readonly failedWrites: number;
    readonly uncertain: number;
  };
}

// A small file system needs root.
it.skipIf(process.getuid?.() !== 0)("a full disk", async () => {
  const directory = mkdtempSync(join(tmpdir(), "mirrorball-full-"));
  closers.push(() => rmSync(directory, { recursive: true, force: true }));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", directory]);
  closers.push(() => execFileSync("umount", ["--lazy", directory]));
  const port = await freePort();
  const target = await Target.start();
  closers.push(() => target.close());
  target.hold();
  const server = await serving(
    "--input-tcp",
    `127.0.0.1:${port}`,
    "--journal",
    join(directory, "journal"),
    "--output-http",
    target.url,
    "--output-http-timeout",
    "10m",
  );
  closers.push(() => server.child.kill("SIGKILL"));
  const producer = new Producer(port, 8000, { offers: EXCHANGES });
  closers.push(() => producer.close());
  const counters = async (): Promise<Counted> =>
    (await (await fetch(server.page)).json()) as Counted;

  let counted = await counters();
  while (counted.journal.state !== "degraded") counted = await counters();
  const ackedWhenFull = producer.acked;
  expect(ackedWhenFull).toBeLessThan(EXCHANGES);
  expect(counted.journal.failedWrites).toBeGreaterThan(0);

  target.release();
  await producer.finish();
  while (target.arrived.size < producer.offered) await counters();
  server.child.kill("SIGTERM");
  expect(await server.ended).toBe(0);
  expect(producer.offered).toBe(EXCHANGES);
  const { missing, repeated, againSafe } = target.faults(EXCHANGES);
  expect([missing, repeated, againSafe]).toEqual([[], [], 0]);
  report("journal on a full disk of 8 MB", {
    "acked when full": ackedWhenFull,
    offered: EXCHANGES,
    "failed writes": counted.journal.failedWrites,
    lost: missing.length,
    twice: repeated.length + againSafe,
  });
});
