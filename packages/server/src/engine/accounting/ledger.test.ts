// The books alone: what each event does to the law, and that a message settled twice shows.
import { expect, it } from "vitest";
import { get } from "../../../test/kit.ts";
import { InputAccount, OutputAccount, RelayAccount } from "./ledger.ts";
import type { RelayWatcher } from "./ledger.ts";

it("an output's message is settled once; twice is a discrepancy", () => {
  const settled: string[] = [];
  const account = new OutputAccount((batch) => settled.push(...batch.map(({ id }) => id)));
  const message = get("/");
  account.enqueued(1);
  expect([account.received, account.queued, account.outstanding]).toEqual([1, 1, 0]);
  account.dequeued();
  expect([account.received, account.queued, account.outstanding]).toEqual([1, 0, 1]);
  account.delivered([message]);
  expect(account.discrepancy).toBe(0);
  expect(settled).toEqual([message.id]);
  account.failed("timeout", [message]);
  expect(account.discrepancy).toBe(-1);
});

it("losses are what failed and what was dropped; rules and limits are none", () => {
  const account = new OutputAccount();
  account.removed("filtered", "rule", 1);
  account.removed("limited", "rate-limit", 2);
  account.removed("dropped", "queue-full", 4);
  expect(account.lost).toBe(4);
  expect(account.received).toBe(7);
  account.enqueued(8);
  account.dequeued();
  account.abandon("shutdown");
  expect(account.droppedBy).toEqual(new Map([["queue-full", 4], ["shutdown", 8]])); // prettier-ignore
  expect(account.discrepancy).toBe(0);
  account.abandon("shutdown");
  expect(account.lost).toBe(12);
});

it("a relay's watcher hears of each message, with the entry it came from", () => {
  const heard: unknown[] = [];
  const watcher: RelayWatcher = {
    entered: (batch, entry) => void heard.push(["entered", batch.length, entry]),
    returned: (batch) => void heard.push(["returned", batch.length]),
    gone: (batch) => void heard.push(["gone", batch.length]),
  };
  const account = new RelayAccount(watcher);
  const [a, b, c, d] = [get("/a"), get("/b"), get("/c"), get("/d")];
  account.take([a, b, c, d], 7);
  account.returned([a]);
  account.withheld("no-answer", [b]);
  account.lost("middleware-died", [c]);
  expect(heard).toEqual([["entered", 4, 7], ["returned", 1], ["gone", 1], ["gone", 1]]); // prettier-ignore
  expect([account.inside, account.lostCount, account.discrepancy]).toEqual([1, 1, 0]);
  // What a journal keeps is not lost.
  account.abandon("shutdown", 1);
  expect([account.inside, account.lostCount, account.discrepancy]).toEqual([1, 1, 0]);
  account.abandon("shutdown", 0);
  expect([account.inside, account.lostCount, account.discrepancy]).toEqual([0, 2, 0]);
});

it("an input's limit and its losses are two things", () => {
  const account = new InputAccount();
  account.passed(3, 5);
  account.stored(4);
  account.dropped("aborted", 2);
  account.refused("bad-frame");
  expect(account).toMatchObject({ emitted: 3, limited: 2, journalled: 4, lost: 2 });
  expect(account.refusedBy).toEqual(new Map([["bad-frame", 1]]));
});
