// A thousand secrets, in every position of an exchange: none of them leaves the process. The control sends the same without
// rules, and finds them all: the search can find them.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createMirror } from "@mirrorball/sdk";
import type { MirrorOptions, MirrorStats } from "@mirrorball/sdk";
import { afterEach, describe, expect, it } from "vitest";
import { report } from "../../../cli/test/faults/figures.ts";
import { NAME_RULES, RULES, canaries, found, listenerFor, sing } from "../canaries.ts";
import type { Canary } from "../canaries.ts";
import { Sink } from "../sink.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function run(
  list: readonly Canary[],
  redact: MirrorOptions["redact"],
  options: MirrorOptions = { tags: (req) => ({ url: req.url ?? "" }) },
): Promise<{ positions: string[]; wireBytes: number; stats: MirrorStats }> {
  const sink = await Sink.listen({ keepsWire: true });
  const lines: string[] = [];
  const tee = createMirror({
    server: sink.address,
    log: (line) => lines.push(line),
    ...options,
    ...(redact === undefined ? {} : { redact }),
  });
  const server = createServer(listenerFor(list));
  await new Promise<void>((resolve) => tee.attach(server).listen(0, "127.0.0.1", resolve));
  closers.push(
    () => sink.close(),
    () => tee.close({ timeoutMs: 0 }),
    () => server.close(),
  );
  await sing((server.address() as AddressInfo).port, list);
  const stats = await tee.close();
  const wire = Buffer.concat(sink.wire);
  const bodies = sink.records.flatMap((record) =>
    [...record].filter((field) => field instanceof Uint8Array),
  );
  const places = [wire, ...bodies, Buffer.from(lines.join("\n"))];
  return { positions: found(list, places), wireBytes: wire.length, stats };
}

describe("a thousand secrets", () => {
  it("are all found without rules", async () => {
    const list = canaries(200);
    const { positions, stats } = await run(list, undefined);
    expect(new Set(positions)).toEqual(new Set(list.map(({ position }) => position)));
    expect(positions).toHaveLength(200);
    expect(stats.acked).toBe(200);
  });

  it("do not leave the process", async () => {
    const list = canaries(1000);
    const { positions, wireBytes, stats } = await run(list, RULES);
    report("canaries on the wire of the SDK", {
      secrets: list.length,
      positions: new Set(list.map(({ position }) => position)).size,
      found: positions.length,
      "bytes searched": wireBytes,
      "exchanges sent": stats.acked,
      "bodies left out": stats.withheld,
    });
    expect(positions).toEqual([]);
    expect(stats).toMatchObject({ offered: 1000, acked: 1000, dropped: {} });
    // The exchanges themselves do: all but the bodies that nobody can read.
    expect(stats.withheld).toBeGreaterThan(0);
    expect(stats.withheld).toBeLessThan(100);
  });

  it("do not by their names alone, where they have one", async () => {
    const list = canaries(200, { patterns: false });
    expect((await run(list, NAME_RULES, {})).positions).toEqual([]);
  });

  it("nor as pseudonyms", async () => {
    const list = canaries(300);
    const redact = { ...(RULES as object), pseudonymKey: "a key that nobody knows" };
    expect((await run(list, redact)).positions).toEqual([]);
  });
});
