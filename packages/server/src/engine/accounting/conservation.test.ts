// The conservation law, over outputs that settle messages in every way and order: received = delivered + filtered + failed +
// dropped when all is over, nothing is settled twice, and a queue that waits loses nothing.
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { get, run } from "../../../test/kit.ts";
import { defineOutput } from "../../component/define.ts";
import type { OutputDeclaration } from "../../component/define.ts";

type Fate = "delivered" | "failed" | "dropped" | "filtered";

/** Settles messages by the fates given, `lag` of them at a time and only after a turn of the event loop. */
function moody(fates: readonly Fate[], lag: number): OutputDeclaration {
  return defineOutput({
    name: "output-moody",
    summary: "Settles as the test says.",
    argument: undefined,
    accepts: [MessageKind.request],
    options: {},
    create: ({ queue, ledger }) => {
      let taken = 0;
      let busy = false;
      let drained: () => void = () => {};
      const settle = (messages: readonly Message[]): void => {
        for (const message of messages) {
          const fate = fates[taken % fates.length] ?? "delivered";
          taken += 1;
          if (fate === "delivered") ledger.delivered([message]);
          else ledger[fate]("mood", [message]);
        }
      };
      const pull = (): void => {
        if (busy) return;
        const messages = queue.takeBatch(lag);
        if (messages.length === 0) {
          drained();
          return;
        }
        busy = true;
        setImmediate(() => {
          busy = false;
          settle(messages);
          pull();
        });
      };
      queue.onReadable = pull;
      return {
        start: async () => {},
        drain: () =>
          new Promise<void>((resolve) => {
            drained = resolve;
            pull();
          }),
        close: async () => {},
      };
    },
  });
}

const total = (reasons: Readonly<Record<string, number>>): number =>
  Object.values(reasons).reduce((sum, n) => sum + n, 0);

describe("the ledger", () => {
  it("adds up for any fates, batches, queue lengths and lags", async () => {
    const fate = fc.constantFrom<Fate>("delivered", "failed", "dropped", "filtered");
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 10 }),
        fc.constantFrom("wait", "drop"),
        fc.array(fate, { minLength: 1, maxLength: 5 }),
        async (count, batch, queueLen, lag, full, fates) => {
          const messages = Array.from({ length: count }, (_, i) => get(`/${i}`));
          const flags = [
            "--output-moody",
            "--output-moody-queue-len",
            String(queueLen),
            "--output-moody-queue-full",
            full,
            "--output-collect",
          ];
          const ran = await run(messages, flags, { batch, outputs: [moody(fates, lag)] });
          expect(ran.discrepancies).toEqual([0, 0]);
          const [output] = ran.counters.outputs;
          expect(output?.received).toBe(count);
          expect(output?.queued).toBe(0);
          expect(output?.inFlight).toBe(0);
          const settled =
            (output?.delivered ?? 0) +
            total(output?.filtered ?? {}) +
            total(output?.failed ?? {}) +
            total(output?.dropped ?? {});
          expect(settled).toBe(count);
          if (full === "wait")
            expect(
              Object.keys(output?.dropped ?? {}).filter((reason) => reason !== "mood"),
            ).toEqual([]);
          // A slow neighbour that drops must not cost the other output anything.
          expect(ran.collected.map(({ id }) => id)).toEqual(messages.map(({ id }) => id));
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("the limit behind |", () => {
  it("on an output leaves out and counts, and costs its neighbour nothing", async () => {
    const messages = Array.from({ length: 50 }, (_, i) => get(`/${i}`));
    const ran = await run(messages, ["--output-http", "http://127.0.0.1:1|0", "--output-collect"]);
    expect(ran.counters.outputs[0]?.limited).toEqual({ "rate-limit": 50 });
    expect(ran.collected).toHaveLength(50);
    expect(ran.counters.lost).toBe(0);
    expect(ran.discrepancies).toEqual([0, 0]);
  });
});
