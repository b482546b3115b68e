// Parcels there and back: every message has exactly one outcome, whatever handlers do and whenever they do it.
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExchangeStore } from "./exchange-store.ts";
import { PluginRunner } from "./plugin-runner.ts";
import type { Handlers } from "./plugin-runner.ts";
import { Outcome, packBatch, readOutcomes } from "./plugin-wire.ts";

function request(i: number): Message {
  const http = HttpMessage.fromRaw(Buffer.from(`GET /${i} HTTP/1.1\r\n\r\n`));
  const context = i % 3 === 0 ? { connection: i } : undefined;
  return {
    kind: MessageKind.request,
    id: `id${i}`,
    startedAt: i * 1000,
    latencyNs: i,
    http,
    context,
  };
}

interface Settled {
  readonly outcome: number;
  readonly text: string;
}

async function outcomesOf(
  batches: readonly (readonly Message[])[],
  handlers: Handlers,
  onError: "pass" | "drop" = "pass",
): Promise<Map<number, Settled>> {
  const settled = new Map<number, Settled>();
  let done = 0;
  const runner = new PluginRunner(handlers, onError, (parcel) => {
    done += parcel.batchDone ? 1 : 0;
    readOutcomes(parcel, (seq, outcome, changed) => {
      expect(settled.has(seq)).toBe(false);
      settled.set(seq, { outcome, text: Buffer.from(changed ?? []).toString() });
    });
  });
  let first = 0;
  for (const batch of batches) {
    runner.run(packBatch(batch, first));
    first += batch.length;
  }
  await runner.idle();
  expect(done).toBe(batches.length);
  return settled;
}

describe("PluginRunner", () => {
  it("gives handlers what is known of a message", async () => {
    const seen: unknown[] = [];
    const handlers: Handlers = {
      onRequest: ({ id, target, startedAtMs, latencyMs, context }) => {
        seen.push([id, target, startedAtMs, latencyMs, context]);
      },
    };
    await outcomesOf([[request(0), request(1)], [request(3)]], handlers);
    expect(seen).toEqual([
      ["id0", "/0", 0, 0, { connection: 0 }],
      ["id1", "/1", 1, 1e-6, {}],
      ["id3", "/3", 3, 3e-6, { connection: 3 }],
    ]);
  });

  it("leaves messages without a handler as they are", async () => {
    const settled = await outcomesOf([[request(1)]], { onReplay: () => false });
    expect(settled.get(0)?.outcome).toBe(Outcome.unchanged);
  });

  it("settles every message once, in whatever way and order", async () => {
    const ways = ["keep", "drop", "edit", "throw"] as const;
    const behaviour = fc.record({ way: fc.constantFrom(...ways), turns: fc.nat({ max: 4 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(behaviour)), fc.boolean(), async (plan, drops) => {
        const flat = plan.flat();
        const handlers: Handlers = {
          onRequest: (message) => {
            const { way, turns } = flat[Number(message.target.slice(1))] ?? {
              way: "keep",
              turns: 0,
            };
            const act = (): false | void => {
              if (way === "throw") throw new Error("no");
              if (way === "edit") message.setHeader("X", message.id);
              return way === "drop" ? false : undefined;
            };
            return turns === 0 ? act() : later(turns).then(act);
          },
        };
        let next = 0;
        const batches = plan.map((batch) => batch.map(() => request(next++)));
        const settled = await outcomesOf(batches, handlers, drops ? "drop" : "pass");
        expect(settled.size).toBe(flat.length);
        for (const [i, { way }] of flat.entries()) {
          const { outcome, text } = settled.get(i) ?? { outcome: Number.NaN, text: "" };
          if (way === "keep") expect(outcome).toBe(Outcome.unchanged);
          if (way === "drop") expect(outcome).toBe(Outcome.dropped);
          if (way === "edit") expect(text).toBe(`GET /${i} HTTP/1.1\r\nX: id${i}\r\n\r\n`);
          if (way === "throw") {
            expect(outcome).toBe(drops ? Outcome.failedDropped : Outcome.failedPassed);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});

async function later(turns: number): Promise<void> {
  for (let i = 0; i < turns; i += 1) await Promise.resolve();
}

describe("ExchangeStore", () => {
  it("keeps an object for an id, forgets the oldest, and stays bounded", () => {
    const store = new ExchangeStore(10);
    const first = store.of("first");
    expect(store.of("first")).toBe(first);
    for (let i = 0; i < 10; i += 1) store.of(`a${i}`);
    // Used again, it is among the newest.
    expect(store.of("first")).toBe(first);
    for (let i = 0; i < 10; i += 1) store.of(`b${i}`);
    expect(store.of("first")).toBe(first);
    for (let i = 0; i < 30; i += 1) store.of(`c${i}`);
    expect(store.of("first")).not.toBe(first);
  });
});
