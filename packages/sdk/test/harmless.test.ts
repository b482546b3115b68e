// What users give, and a process in trouble: the host notices nothing, every exchange is counted.
import { createMirror } from "@mirrorball/sdk";
import type { MirrorOptions } from "@mirrorball/sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lawHolds, serve } from "./service.ts";
import type { Service } from "./service.ts";
import { ask, bodyOf, talk } from "./wire.ts";

const closers: (() => unknown)[] = [];
const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => void rejections.push(reason);
beforeEach(() => {
  rejections.length = 0;
  process.on("unhandledRejection", onRejection);
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  process.off("unhandledRejection", onRejection);
});

const service = (options: MirrorOptions): Promise<Service> =>
  serve({ createMirror, closers, options });

const REQUESTS = 3;
const faulty: Record<string, () => unknown> = {
  throws: () => {
    throw new Error("mine");
  },
  "throws nothing at all": () => {
    // oxlint-disable-next-line no-throw-literal -- users do
    throw undefined;
  },
  rejects: () => Promise.reject(new Error("mine")),
  "rejects later": async () => {
    await Promise.resolve();
    throw new Error("mine");
  },
  "never settles": () => new Promise(() => {}),
  "answers a thenable that throws": () => ({
    // oxlint-disable-next-line unicorn/no-thenable -- that is the point
    then() {
      throw new Error("mine");
    },
  }),
  "answers a text": () => "yes",
};

describe.each<["filter" | "tags"]>([["filter"], ["tags"]])("a %s function that", (name) => {
  describe.each(Object.entries(faulty))("%s", (_what, callback) => {
    it.each<["drop" | "keep" | undefined]>([[undefined], ["drop"], ["keep"]])(
      "with onCallbackError %s",
      async (onCallbackError) => {
        const { tee, port, sink } = await service({
          [name]: callback,
          ...(onCallbackError === undefined ? {} : { onCallbackError }),
        });
        for (let i = 0; i < REQUESTS; i += 1) {
          const answer = await talk(port, ask("POST /", ["Content-Length: 4"], "fine"));
          expect(bodyOf(answer)).toContain("fine");
        }
        const stats = await tee.close();
        lawHolds(tee);
        const kept = (onCallbackError ?? (name === "filter" ? "drop" : "keep")) === "keep";
        expect(stats.callbackErrors[name]).toBe(REQUESTS);
        expect(stats.offered).toBe(REQUESTS);
        expect(stats.acked).toBe(kept ? REQUESTS : 0);
        expect(stats.dropped).toEqual(kept ? {} : { [`${name}-threw`]: REQUESTS });
        expect(sink.whole).toHaveLength(kept ? REQUESTS : 0);
        expect(rejections).toEqual([]);
      },
    );
  });
});

describe("a log function that", () => {
  it.each(Object.entries(faulty))("%s harms nobody", async (_what, log) => {
    const called = { times: 0 };
    const { port } = await service({
      server: "127.0.0.1:1",
      log: () => {
        called.times += 1;
        return log();
      },
    });
    const before = process.listenerCount("uncaughtException");
    while (called.times === 0)
      expect(bodyOf(await talk(port, ask("POST /", ["Content-Length: 1"], "x")))).toContain("x");
    expect(rejections).toEqual([]);
    expect(process.listenerCount("uncaughtException")).toBe(before);
  });
});

describe("the breaker", () => {
  it("bypasses while the event loop is late, and counts that", async () => {
    // Every process is later than this.
    const { tee, port, lines, sink } = await service({
      breaker: { loopDelayMs: 1e-9, heapShare: 1, startupMs: 0 },
    });
    const block = setInterval(() => {
      const until = performance.now() + 60;
      while (performance.now() < until);
    }, 80);
    closers.push(() => clearInterval(block));
    expect(tee.stats().breaker).toBe("closed");
    let asked = 0;
    while (tee.stats().breaker !== "open") {
      await talk(port, ask("GET /"));
      asked += 1;
    }
    // It may have opened while the last one was on its way.
    const missed = tee.stats().dropped.breaker ?? 0;
    for (let i = 0; i < REQUESTS; i += 1)
      expect((await talk(port, ask("GET /"))).toString()).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(tee.stats()).toMatchObject({
      offered: asked + REQUESTS,
      dropped: { breaker: missed + REQUESTS },
    });
    lawHolds(tee);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /event loop is late by \d+ ms, for 5 seconds; nothing is recorded until/,
    );
    expect((await tee.close()).acked).toBe(asked - missed);
    expect(sink.whole).toHaveLength(asked - missed);
  });

  it("recovers by itself when the trouble is over, with one line", async () => {
    // Limits that only the blocking below reaches, also on a busy machine.
    const { tee, port, lines } = await service({
      breaker: { loopDelayMs: 400, heapShare: 1, startupMs: 0 },
    });
    const block = setInterval(() => {
      const until = performance.now() + 500;
      while (performance.now() < until);
    }, 1);
    closers.push(() => clearInterval(block));
    // Several at once: only a second in which a request comes counts, and each takes some turns of the loop.
    const clients = Array.from({ length: 4 }, async () => {
      while (tee.stats().breaker !== "open") await talk(port, ask("GET /"));
    });
    await Promise.all(clients);
    await talk(port, ask("GET /"));
    clearInterval(block);
    while (tee.stats().breaker === "open") await new Promise((resolve) => setTimeout(resolve, 50));
    const { dropped, offered } = tee.stats();
    await talk(port, ask("GET /"));
    expect(tee.stats().offered).toBe(offered + 1);
    expect(tee.stats().dropped).toEqual(dropped);
    expect(lines.filter((line) => /recording again; \d+ exchanges/.test(line))).toHaveLength(1);
    lawHolds(tee);
  });

  it("is off when told so", async () => {
    const { tee } = await service({ breaker: false });
    expect(tee.stats().breaker).toBe("off");
  });
});
