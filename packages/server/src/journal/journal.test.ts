// What a journal says is safe is on disk, whatever the disk takes and refuses.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
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

const PRODUCER = "00112233445566778899aabbccddeeff1";

function opened(outputs: readonly string[] = ["output-null"], split = false): Journal {
  const journal = Journal.open({
    directory,
    limitBytes: 1024 ** 2,
    split,
    clock: { nowUs: () => 1_795_000_000_000_000, monotonicMs: () => 0 },
    log: { warn: () => {}, debug: () => {} },
    emit: () => undefined,
    dropped: () => {},
    dead: () => {},
  });
  for (const output of outputs) journal.lane(output, () => false);
  return journal;
}

const frame = (seq: number): { seq: number; payload: Uint8Array; records: [] } => ({
  seq,
  payload: Buffer.from([0x90]),
  records: [],
});

it("a disk that takes settled cursors and no frames does not make frames safe, here or after a restart", async () => {
  const journal = opened();
  journal.start();
  await journal.append(PRODUCER, "app", frame(1));
  const { write } = Store.prototype;
  const groups: number[] = [];
  // As a full disk does.
  vi.spyOn(Store.prototype, "write").mockImplementation(async function full(this: Store, group) {
    groups.push(group.entries.length);
    return group.entries.length > 0 ? "full" : await write.call(this, group);
  });
  const told = vi.fn();
  void journal.append(PRODUCER, "app", frame(2)).then(told);
  await expect.poll(() => groups).toContain(1);
  expect(journal.counters().state).toBe("degraded");
  // The last group has values alone.
  await journal.close();
  expect(groups.at(-1)).toBe(0);
  expect(told).not.toHaveBeenCalled();
  const next = opened();
  expect(next.ackedSeq(PRODUCER)).toBe(1);
  await next.close();
});

it("is not shared out anew while something is unfinished", async () => {
  const journal = opened(["a", "b"], true);
  journal.start();
  journal.halt();
  await journal.append(PRODUCER, "app", frame(1));
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
