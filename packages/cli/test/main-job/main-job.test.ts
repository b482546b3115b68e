// The main job, end to end: 10,000 varied exchanges through a real Express and a real Koa application, the real command
// and a real target. Every request must be there once, byte for byte, and the ledger must add up.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Counters } from "@mirrorball/server";
import type { MirrorStats } from "@mirrorball/sdk/express";
import { freePort, node, serving } from "../processes.ts";
import { sendAll } from "./client.ts";
import { plan } from "./traffic.ts";
import type { Planned } from "./traffic.ts";

const EXCHANGES_PER_SHOP = 5000;
const LANES = 8;

interface Arrived {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly bodySha1: string;
}

/** Fields that belong to a connection or are made anew for it. */
// What the sender decides about, and the mark it adds.
const PER_HOP = new Set([
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "expect",
  "x-mirrorball-replay",
]);

const arrived = new Map<string, Arrived[]>();
const target = createServer((req, res) => {
  const hash = createHash("sha1");
  req.on("data", (chunk: Buffer) => hash.update(chunk));
  req.on("end", () => {
    const { rawHeaders } = req;
    const headers = rawHeaders.filter(
      (_, i) => !PER_HOP.has((rawHeaders[i - (i % 2)] ?? "").toLowerCase()),
    );
    const id = String(req.headers["x-e2e-id"]);
    const list = arrived.get(id) ?? [];
    list.push({
      method: req.method ?? "",
      target: req.url ?? "",
      headers,
      bodySha1: hash.digest("hex"),
    });
    arrived.set(id, list);
    res.end("ok");
  });
});

let counters: Counters;
const stats: MirrorStats[] = [];
const planned: Planned[] = [];

beforeAll(async () => {
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const { port } = target.address() as AddressInfo;
  const tcp = `127.0.0.1:${await freePort()}`;
  const server = await serving(
    "--input-tcp",
    tcp,
    "--output-http",
    `http://127.0.0.1:${port}`,
    "--output-http-timeout",
    "60s",
  );
  const env = { MIRRORBALL_SERVER: tcp };
  const shops = ["shop-express.mjs", "shop-koa.mjs"].map((file) =>
    node([`packages/cli/test/main-job/${file}`], env),
  );
  const ports = await Promise.all(
    shops.map(async (shop) => Number((await shop.printed(/^listening (\d+)/m))[1])),
  );
  const all = plan(EXCHANGES_PER_SHOP * 2, 42);
  planned.push(...all);
  await Promise.all(
    ports.map((shopPort, i) =>
      sendAll(shopPort, all.slice(i * EXCHANGES_PER_SHOP, (i + 1) * EXCHANGES_PER_SHOP), LANES),
    ),
  );
  for (const shop of shops) {
    shop.child.kill("SIGTERM");
    stats.push(JSON.parse((await shop.printed(/^stats (.*)$/m))[1] ?? "") as MirrorStats);
  }
  server.child.kill("SIGTERM");
  // Read once the drain is over: the exit code says whether anything was lost, the summary what became of the rest.
  const code = await server.ended;
  expect(server.out.stderr).toContain("nothing was lost");
  expect(code).toBe(0);
  counters = summaryOf(server.out.stderr);
}, 300_000);

afterAll(() => {
  target.closeAllConnections();
  target.close();
});

function summaryOf(text: string): Counters {
  const [, received, delivered] =
    /^output-http .*?: (\d+) received, (\d+) delivered/m.exec(text) ?? [];
  const filtered = Number(/, (\d+) filtered/.exec(text)?.[1] ?? 0);
  return {
    outputs: [
      {
        received: Number(received),
        delivered: Number(delivered),
        filtered: { incomplete: filtered },
      },
    ],
  } as unknown as Counters;
}

describe("10,000 exchanges", () => {
  it("are varied enough to mean something", () => {
    const manners = new Set(planned.map(({ manner }) => manner));
    expect([...manners].toSorted()).toEqual([
      "abort-response",
      "abort-upload",
      "alone",
      "continue",
      "pipelined",
    ]);
    expect(new Set(planned.map(({ method }) => method)).size).toBeGreaterThan(30);
    expect(planned.filter(({ bytes }) => bytes.length > 5_000_000).length).toBeGreaterThanOrEqual(
      8,
    );
  });

  it("were all offered and acknowledged, none dropped", () => {
    for (const { offered, acked, buffered, dropped } of stats) {
      expect({ offered, acked, buffered, dropped }).toEqual({
        offered: EXCHANGES_PER_SHOP,
        acked: EXCHANGES_PER_SHOP,
        buffered: 0,
        dropped: {},
      });
    }
  });

  it("reached the target once each, byte for byte", () => {
    const faults: unknown[] = [];
    for (const { id, method, target: wanted, headers, bodySha1, manner } of planned) {
      const found = arrived.get(id) ?? [];
      const expected =
        manner === "abort-upload" ? [] : [{ method, target: wanted, headers, bodySha1 }];
      if (JSON.stringify(found) !== JSON.stringify(expected))
        faults.push({ id, manner, found, expected });
    }
    expect(faults.slice(0, 3)).toEqual([]);
  });

  it("add up in the ledger", () => {
    const aborted = planned.filter(({ manner }) => manner === "abort-upload").length;
    const [output] = counters.outputs;
    expect(output?.received).toBe(EXCHANGES_PER_SHOP * 2);
    expect(output?.filtered).toEqual({ incomplete: aborted });
    expect(output?.delivered).toBe(EXCHANGES_PER_SHOP * 2 - aborted);
  });
});
