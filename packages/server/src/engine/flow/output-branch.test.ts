// Which messages of a batch go into an output's queue, and that each of the others is counted once and told to the observer once.
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { get, responseTo } from "../../../test/kit.ts";
import type { OutputObserver } from "../../component/types.ts";
import { createLimiter } from "../../core/limit/limiter.ts";
import { OutputCursor, freshCursor } from "../../journal/outputs/output-cursor.ts";
import type { StoredCursor } from "../../journal/outputs/output-cursor.ts";
import { OutputAccount } from "../accounting/ledger.ts";
import { OutputBranch } from "./output-branch.ts";
import { BoundedQueue } from "./queue.ts";

const ALL_KINDS = [MessageKind.request, MessageKind.response, MessageKind.replayed];

interface Shape {
  readonly lengthMax?: number;
  readonly policy?: "wait" | "drop";
  readonly accepts?: readonly MessageKind[];
  /** Requests a second; the clock stands still. */
  readonly perSecond?: number | undefined;
  readonly stored?: StoredCursor | undefined;
  readonly mustNotRepeat?: boolean;
}

/** A branch, its queue and its books, without an output: the test takes and settles. */
class World {
  readonly seen: Message[] = [];
  readonly gone: Message[] = [];
  readonly cursor: OutputCursor | undefined;
  readonly account: OutputAccount;
  readonly queue: BoundedQueue;
  readonly branch: OutputBranch;

  constructor({
    lengthMax = 10,
    policy = "wait",
    accepts = [MessageKind.request],
    perSecond,
    stored,
    mustNotRepeat = false,
  }: Shape) {
    const { seen, gone } = this;
    const observer: OutputObserver = {
      seen: (batch) => void seen.push(...batch),
      gone: (message) => void gone.push(message),
    };
    this.cursor =
      stored === undefined
        ? undefined
        : new OutputCursor("test", stored, 9, () => mustNotRepeat, () => {}, undefined); // prettier-ignore
    const limiter =
      perSecond === undefined ? undefined : createLimiter({ kind: "absolute", perSecond }, "salt");
    this.account = new OutputAccount((batch) => this.cursor?.settled(batch));
    this.queue = new BoundedQueue(this.account, lengthMax, policy);
    this.branch = new OutputBranch({
      account: this.account,
      queue: this.queue,
      takesAsides: false,
      accepts: new Set(accepts),
      limits: limiter === undefined ? undefined : (message) => limiter.admits(message, 0),
      cursor: this.cursor,
      observer,
    });
  }

  offer(messages: readonly Message[], entry = 0): boolean {
    return this.branch.offer(messages, entry) !== undefined;
  }
}

const requests = (count: number): Message[] =>
  Array.from({ length: count }, (_, i) => get(`/${i}`));

describe("a branch", () => {
  it("takes the kinds of its output, and counts no others", () => {
    const world = new World({});
    const request = get("/");
    const response = responseTo(request, "");
    world.offer([request, response]);
    expect(world.queue.takeBatch(9)).toEqual([request]);
    expect(world.account.received).toBe(1);
    expect(world.seen).toEqual([request, response]);
    expect(world.gone).toEqual([]);
  });

  it("spends no limit on what a full queue refuses", () => {
    const world = new World({ lengthMax: 2, policy: "drop", perSecond: 3 });
    for (const request of requests(5)) world.offer([request]);
    expect(world.account.droppedBy).toEqual(new Map([["queue-full", 3]]));
    expect(world.account.limitedBy.size).toBe(0);
    world.queue.takeBatch(2);
    for (const request of requests(2)) world.offer([request]);
    expect(world.account.limitedBy).toEqual(new Map([["rate-limit", 1]]));
    expect(world.account.received).toBe(7);
    expect(world.gone).toHaveLength(4);
    expect(world.account.discrepancy).toBe(0);
  });

  it("asks only those to wait who put something in", async () => {
    const world = new World({ lengthMax: 1, accepts: [MessageKind.request] });
    expect(world.offer([responseTo(get("/"), "")])).toBe(false);
    const wait = world.branch.offer(requests(1), 0);
    expect(wait).toBeInstanceOf(Promise);
    expect(world.offer([responseTo(get("/"), "")])).toBe(false);
    world.queue.take();
    await wait;
  });

  it("keeps the entry of a message open until it is settled, and of a limited or dropped one not at all", () => {
    const world = new World({ lengthMax: 2, policy: "drop", perSecond: 1, stored: freshCursor(1) });
    const [a, b, c] = requests(3);
    if (a === undefined || b === undefined || c === undefined) throw new Error("no messages");
    world.offer([a], 1);
    world.offer([b], 2);
    const third = new World({ lengthMax: 1, policy: "drop", stored: freshCursor(1) });
    third.offer([a], 1);
    third.offer([b], 2);
    for (const { cursor } of [world, third]) {
      cursor?.tracker.read(1);
      cursor?.tracker.read(2);
      expect(cursor?.tracker.cursor).toBe(1);
    }
    for (const each of [world, third]) {
      each.account.delivered(each.queue.takeBatch(9));
      expect(each.cursor?.tracker.cursor).toBe(3);
      expect(each.account.discrepancy).toBe(0);
    }
    expect(world.account.limitedBy.get("rate-limit")).toBe(1);
    expect(third.account.droppedBy.get("queue-full")).toBe(1);
    // A drop is final: the next run must not try it again.
    expect(third.cursor?.tracker.takeDone(2)).toEqual([`1${b.id}`]);
  });

  it("knows before it looks at the queue what was delivered before a crash: that is no loss", () => {
    const [before, open] = requests(2);
    if (before === undefined || open === undefined) throw new Error("no messages");
    const stored = {
      ...freshCursor(5),
      done: new Map([[`1${before.id}`, 1]]),
      intended: new Map([[`1${open.id}`, 1]]),
    };
    const world = new World({ lengthMax: 1, policy: "drop", perSecond: 1, stored, mustNotRepeat: true }); // prettier-ignore
    world.offer(requests(1));
    expect(world.queue.length).toBe(1);
    world.offer([before, open], 5);
    expect(world.account.droppedBy).toEqual(new Map([["uncertain", 1]]));
    expect(world.gone).toEqual([before, open]);
    expect(world.account.limitedBy.size).toBe(0);
    expect(world.account.discrepancy).toBe(0);
  });

  it("tells the observer of what it refuses at the end, and leaves it to the journal", () => {
    const world = new World({ stored: freshCursor(1) });
    const [late] = requests(1);
    if (late === undefined) throw new Error("no message");
    world.branch.close();
    expect(world.offer([late], 1)).toBe(false);
    expect(world.account.droppedBy).toEqual(new Map([["shutdown", 1]]));
    expect(world.gone).toEqual([late]);
    expect(world.cursor?.tracker.takeDone(1)).toEqual([]);
  });
});

const step = fc.oneof(
  fc.record({
    do: fc.constant("offer" as const),
    kinds: fc.array(fc.constantFrom(...ALL_KINDS), { maxLength: 6 }),
    again: fc.boolean(),
  }),
  fc.record({ do: fc.constant("take" as const), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({
    do: fc.constant("settle" as const),
    fate: fc.constantFrom("delivered", "failed", "dropped", "filtered"),
    at: fc.nat({ max: 20 }),
  }),
);

it("the conservation law holds at every moment, with limits, drops, repeats and a journal", () => {
  const shape = fc.record({
    lengthMax: fc.integer({ min: 1, max: 6 }),
    policy: fc.constantFrom("wait" as const, "drop" as const),
    accepts: fc.subarray(ALL_KINDS, { minLength: 1 }),
    perSecond: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }),
    stored: fc.option(fc.constant(freshCursor(1)), { nil: undefined }),
    mustNotRepeat: fc.boolean(),
  });
  fc.assert(
    fc.property(shape, fc.array(step, { maxLength: 60 }), fc.boolean(), (given, steps, ends) => {
      const world = new World(given);
      const { account, queue, cursor, branch } = world;
      const entryOf = new Map<string, number>();
      const outstanding: Message[] = [];
      const taken: Message[] = [];
      let entry = 0;
      let offered = 0;
      let last: Message[] = [];
      for (const what of steps) {
        if (what.do === "offer") {
          if (!what.again) last = what.kinds.map((kind) => ({ ...get("/"), kind }));
          entry += 1;
          offered += last.filter(({ kind }) => given.accepts.includes(kind)).length;
          world.offer(last, entry);
          cursor?.tracker.read(entry);
          // Of one that was offered twice only the books know which is open.
          for (const { id } of last) entryOf.set(id, entryOf.has(id) ? Infinity : entry);
        } else if (what.do === "take") {
          const batch = queue.takeBatch(what.count);
          taken.push(...batch);
          outstanding.push(...batch);
        } else {
          const settled = outstanding.splice(what.at % Math.max(1, outstanding.length), 1);
          if (what.fate === "delivered") account.delivered(settled);
          else account[what.fate as "failed"]("mood", settled);
        }
        expect(account.discrepancy).toBe(0);
        expect(account.received).toBe(offered);
        expect(account.queued).toBe(queue.length);
        expect(account.outstanding).toBe(outstanding.length);
        expect(world.gone.length + taken.length + queue.length).toBe(offered);
        const open = outstanding.map(({ id }) => entryOf.get(id) ?? Infinity);
        if (cursor !== undefined)
          expect(cursor.tracker.cursor).toBeLessThanOrEqual(Math.min(entry + 1, ...open));
      }
      if (ends) branch.close();
      account.abandon("shutdown");
      expect(account.discrepancy).toBe(0);
      expect(account.queued + account.outstanding).toBe(0);
    }),
    { numRuns: 500 },
  );
});
