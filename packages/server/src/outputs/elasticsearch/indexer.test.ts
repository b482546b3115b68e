// How often a document is sent again, without sockets and without waiting.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Verdict } from "./bulk.ts";
import { Indexer } from "./indexer.ts";
import type { DocumentStore, Pending } from "./indexer.ts";

/** More than any document is tried that makes the server fail. */
const MANY = 100;
const MINUTE_MS = 60_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

/** An indexer whose server answers each document so, `MANY` times, and stores it then. */
function indexer(verdict: Verdict): {
  made: Indexer<Pending>;
  settled: string[];
  calls: () => number;
} {
  let calls = 0;
  const server: DocumentStore = {
    ensureIndex: async () => undefined,
    store: async (items) => {
      calls += 1;
      const answer = calls > MANY ? "stored" : verdict;
      return { kind: "answered", verdicts: items.map(() => answer), reason: "why" };
    },
  };
  const settled: string[] = [];
  const made = new Indexer<Pending>(server, {
    stored: (documents) => settled.push(...documents.map(({ id }) => `${id} stored`)),
    rejected: (documents) => settled.push(...documents.map(({ id }) => `${id} rejected`)),
    say: () => {},
  });
  return { made, settled, calls: () => calls };
}

async function settle({ made, settled }: ReturnType<typeof indexer>): Promise<void> {
  made.push({ id: "a", source: "{}", attempts: 0 });
  for (let i = 0; i <= MANY && settled.length === 0; i += 1)
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
  made.close();
}

it("a document that the server has no time for is sent until it has", async () => {
  const busy = indexer("busy");
  await settle(busy);
  expect(busy.settled).toEqual(["a stored"]);
  expect(busy.calls()).toBe(MANY + 1);
});

it("a document that makes the server fail is given up", async () => {
  const failing = indexer("again");
  await settle(failing);
  expect(failing.settled).toEqual(["a rejected"]);
  expect(failing.calls()).toBeLessThan(MANY);
});

it("a document that is refused is sent once", async () => {
  const refused = indexer("rejected");
  await settle(refused);
  expect(refused.settled).toEqual(["a rejected"]);
  expect(refused.calls()).toBe(1);
});

it("sends one bulk at a time, whatever comes while it waits for a busy server", async () => {
  let [under, most, calls] = [0, 0, 0];
  const store: DocumentStore["store"] = async (items) => {
    most = Math.max(most, (under += 1));
    calls += 1;
    const isFirst = calls === 1;
    await new Promise((resolve) => setTimeout(resolve, MINUTE_MS));
    under -= 1;
    const verdicts = items.map(({ id }): Verdict => (isFirst && id === "b" ? "busy" : "stored"));
    return { kind: "answered", verdicts, reason: undefined };
  };
  const settled: string[] = [];
  const empty: boolean[] = [];
  const server: DocumentStore = { ensureIndex: async () => undefined, store };
  const made = new Indexer<Pending>(server, {
    stored: (documents) => {
      settled.push(...documents.map(({ id }) => id));
      empty.push(made.isEmpty);
      // There is room again, and more waits.
      if (settled.length === 1) made.push({ id: "c", source: "{}", attempts: 0 });
    },
    rejected: () => {},
    say: () => {},
  });
  for (const id of ["a", "b"]) made.push({ id, source: "{}", attempts: 0 });
  made.hurry();
  for (let i = 0; i < MANY && !made.isEmpty; i += 1) await vi.advanceTimersByTimeAsync(1000);
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  expect(settled.toSorted()).toEqual(["a", "b", "c"]);
  expect(most).toBe(1);
  // Whoever waits for the end is told of it once, at the end.
  expect(empty).toEqual([false, true]);
  made.close();
});

it("says why the server stores nothing, until it does", async () => {
  let answers = 0;
  const made: Indexer<Pending> = new Indexer<Pending>(
    {
      ensureIndex: async () => (answers > 0 ? undefined : "connection refused"),
      store: async (items) => ({
        kind: "answered",
        verdicts: items.map(() => "stored" as const),
        reason: undefined,
      }),
    },
    { stored: () => {}, rejected: () => {}, say: () => {} },
  );
  expect(made.trouble).toBeUndefined();
  made.push({ id: "a", source: "{}", attempts: 0 });
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(made.trouble).toBe("connection refused");
  answers = 1;
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect([made.isEmpty, made.trouble]).toEqual([true, undefined]);
  made.close();
});
