// How far ahead intents are written: as far as the output takes while one is written, and further when it runs dry.
import type { Message } from "@mirrorball/protocol";
import { expect, it } from "vitest";
import { get } from "../../../test/kit.ts";
import { IntentQueue } from "./intent-queue.ts";
import { OutputAccount } from "../accounting/ledger.ts";
import { BoundedQueue } from "./queue.ts";

const COUNT = 4096;

/** An output in front of `COUNT` messages with side effects; each write ends when the test says so. */
function gate(): {
  queue: IntentQueue;
  waiting: Message[];
  writes: () => number;
  finishWrite: () => Promise<void>;
} {
  const inner = new BoundedQueue(new OutputAccount(), COUNT, "wait");
  const waiting: Message[] = [];
  let writes = 0;
  let finish: () => void = () => {};
  const queue = new IntentQueue(inner, {
    needsIntent: () => true,
    intend: (messages) => {
      waiting.push(...messages);
      writes += 1;
      return new Promise((resolve) => {
        finish = resolve;
      });
    },
  });
  inner.put(Array.from({ length: COUNT }, (_, i) => get(`/${i}`)));
  const finishWrite = async (): Promise<void> => {
    finish();
    await Promise.resolve();
  };
  return { queue, waiting, writes: () => writes, finishWrite };
}

it("an output that takes all there is gets more with every write, up to a bound", async () => {
  const { queue, waiting, writes, finishWrite } = gate();
  const taken: Message[] = [];
  while (taken.length < COUNT) {
    taken.push(...queue.takeBatch(COUNT));
    expect(waiting.slice(0, taken.length)).toEqual(taken);
    expect(waiting.length - taken.length).toBeLessThanOrEqual(512);
    await finishWrite();
  }
  // One for four of them would be a thousand.
  expect(writes()).toBeLessThan(60);
});

it("for a slow output little is written ahead", async () => {
  const { queue, waiting, finishWrite } = gate();
  await finishWrite();
  for (let taken = 1; taken <= 100; taken += 1) {
    expect(queue.take()).toBeDefined();
    await finishWrite();
    expect(waiting.length - taken).toBeLessThanOrEqual(8);
  }
});
