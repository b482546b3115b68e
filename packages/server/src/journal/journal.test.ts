// What a journal says is safe is on disk, whatever the disk takes and refuses.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BodyState, MessageKind, RecordType, packRecords } from "@mirrorball/protocol";
import type { Message, WireRecord } from "@mirrorball/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TestProducer, helloOf, quietIntake } from "../../test/journal-kit.ts";
import { Journal } from "./journal.ts";
import { Store } from "./disk/store.ts";

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "mirrorball-journal-")), "journal");
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(join(directory, ".."), { recursive: true, force: true });
});

let nowMs = 0;
let emitted: Message[] = [];
beforeEach(() => {
  nowMs = 0;
  emitted = [];
});

function opened(outputs: readonly string[] = ["output-null"], split = false): Journal {
  const journal = Journal.open({
    directory,
    limitBytes: 1024 ** 2,
    split,
    clock: { nowUs: () => 1_795_000_000_000_000, monotonicMs: () => nowMs },
    log: { warn: () => {}, debug: () => {} },
    emit: (batch) => void emitted.push(...batch),
    dropped: () => {},
    onFatalDiskError: () => {},
  });
  for (const output of outputs) journal.cursor(output, () => false);
  return journal;
}

const EMPTY = Buffer.from([0x90]);
const HEAD: WireRecord = [
  RecordType.requestHead, 1, 1, 1, 1, null, "PUT", "/", "HTTP/1.1", [], null, null,
]; // prettier-ignore
const END: WireRecord = [RecordType.responseEnd, 1, 1, BodyState.complete, null];

it("a disk that takes settled cursors and no frames does not make frames safe, here or after a restart", async () => {
  const journal = opened();
  journal.start();
  const producer = new TestProducer(quietIntake(journal), helloOf(1));
  await producer.append(1, EMPTY, []);
  const { write } = Store.prototype;
  const groups: number[] = [];
  // As a full disk does.
  vi.spyOn(Store.prototype, "write").mockImplementation(async function full(this: Store, group) {
    groups.push(group.entries.length);
    return group.entries.length > 0 ? "full" : await write.call(this, group);
  });
  const told = vi.fn();
  void producer.append(2, EMPTY, []).then(told);
  await expect.poll(() => groups).toContain(1);
  expect(journal.counters().state).toBe("degraded");
  // The last group has values alone.
  await journal.close();
  expect(groups.at(-1)).toBe(0);
  expect(told).not.toHaveBeenCalled();
  const next = opened();
  expect(new TestProducer(quietIntake(next), helloOf(1)).joined.safeSeq).toBe(1);
  await next.close();
});

it("is not shared out anew while something is unfinished", async () => {
  const journal = opened(["a", "b"], true);
  journal.start();
  journal.halt();
  await new TestProducer(quietIntake(journal), helloOf(1)).append(1, EMPTY, []);
  await journal.close();
  for (const [outputs, split] of [
    [["b", "a"], true],
    [["a", "b", "c"], true],
    [["a"], true],
    [["a", "b"], false],
  ] as const) {
    const other = opened(outputs, split);
    expect(() => other.start()).toThrow(
      "--split-output: the journal holds 1 entries that were not finished, shared among a, then b; start once more as it was",
    );
    await other.close();
  }
  const same = opened(["a", "b"], true);
  expect(() => same.start()).not.toThrow();
  await same.close();
});

it("is shared out anew when all is finished", async () => {
  const journal = opened(["a", "b"], true);
  journal.start();
  await journal.close();
  const next = opened(["b"], true);
  expect(() => next.start()).not.toThrow();
  await next.close();
});

describe("a producer that moves from one input to another", () => {
  const records = (...all: WireRecord[]): [Uint8Array, WireRecord[]] => [packRecords(all), all];

  it("is here as long as its newest connection is, however late the older one dies", async () => {
    vi.useFakeTimers({ toFake: ["setInterval"] });
    const journal = opened();
    journal.start();
    const older = new TestProducer(quietIntake(journal), helloOf(1));
    await older.append(1, ...records(HEAD));
    const newer = new TestProducer(quietIntake(journal), helloOf(1));
    expect([older.superseded, newer.superseded]).toEqual([1, 0]);
    older.joined.leave(undefined);
    nowMs = 3_600_000;
    vi.advanceTimersByTime(10_000);
    vi.useRealTimers();
    await newer.append(2, ...records(END));
    await journal.drained();
    expect(emitted.map(({ kind, context }) => [kind, context?.bodyState])).toEqual([
      // The request had no end of its own; nothing was given out for an absence.
      [MessageKind.request, BodyState.aborted],
    ]);
    expect(journal.counters().entries).toBe(2);
    await journal.close();
  });

  it("hears what is safe when nothing can come any more of what it has forgotten", async () => {
    const journal = opened();
    journal.start();
    const older = new TestProducer(quietIntake(journal), helloOf(1, 1));
    const first = older.append(1, EMPTY, []);
    const newer = new TestProducer(quietIntake(journal), helloOf(1, 2));
    // The older connection is of another input, and its socket may still give frames.
    void older.append(2, EMPTY, []);
    expect(await newer.joined.safeSeq).toBe(1);
    await first;
    await newer.append(2, EMPTY, []);
    expect(journal.counters()).toMatchObject({ entries: 2, duplicateFrames: 0 });
    await journal.close();
  });

  it("tells the input that it came to last what it took with it", async () => {
    const journal = opened();
    const told: string[] = [];
    const [first, second] = ["first", "second"].map((name) =>
      journal.intake({ stored: () => {}, unaccounted: ({ service }, count) => told.push(`${name} ${service} ${count}`) }),
    ); // prettier-ignore
    if (first === undefined || second === undefined) throw new Error("no intakes");
    const older = new TestProducer(first, helloOf(1));
    older.joined.leave(5);
    new TestProducer(second, helloOf(1)).joined.bye(undefined);
    expect(told).toEqual(["second shop 5"]);
    await journal.close();
  });
});

it("a goodbye of a producer that sent nothing leaves nothing behind", async () => {
  const journal = opened();
  journal.start();
  new TestProducer(quietIntake(journal), helloOf(1)).joined.bye(undefined);
  await journal.drained();
  expect(journal.counters()).toMatchObject({ entries: 0 });
  await journal.close();
});
