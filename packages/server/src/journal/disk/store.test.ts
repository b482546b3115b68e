// The journal on disk: groups come back, foreign, newer and damaged directories are refused and left as they are.
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Store } from "./store.ts";

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "mirrorball-store-")), "journal");
});
afterEach(() => rmSync(join(directory, ".."), { recursive: true, force: true }));

async function filled(): Promise<void> {
  const store = Store.open(directory);
  const entries = [1, 2, 3].map((number) => ({ number, bytes: Buffer.alloc(5000, number) }));
  const values = new Map([["a", "1"], ["b", "2"]]); // prettier-ignore
  expect(await store.write({ entries, values, removeBelow: 1, heldBytes: 0 })).toBe("ok");
  expect(
    await store.write({
      entries: [],
      values: new Map([["a", undefined]]),
      removeBelow: 2,
      heldBytes: 0,
    }),
  ).toBe("ok");
  await store.close();
}

describe("a journal", () => {
  it("holds what was written when it is opened again", async () => {
    await filled();
    const store = Store.open(directory);
    expect([store.firstEntry, store.lastEntry]).toEqual([2, 3]);
    expect(store.entry(3)).toEqual(Buffer.alloc(5000, 3));
    expect(store.entry(1)).toBeUndefined();
    expect(store.values()).toEqual(new Map([["b", "2"]]));
    await store.close();
  });

  it("may lack pages that nothing points at, and is refused as soon as one is missing that something does", async () => {
    const store = Store.open(directory);
    const write = async (
      values: [string, string | undefined][],
      ...numbers: number[]
    ): Promise<void> => {
      const entries = numbers.map((number) => ({ number, bytes: Buffer.alloc(9000, number) }));
      const group = { entries, values: new Map(values), removeBelow: 1, heldBytes: 0 };
      expect(await store.write(group)).toBe("ok");
    };
    await write([], 1, 2, 3, 4);
    await write([["large", "x".repeat(100_000)]]);
    await write([["large", undefined]]);
    // What is written now takes the place of the large value, and leaves the end of the file unused.
    for (let i = 0; i < 8; i += 1) await write([["small", String(i)]]);
    await store.close();
    const data = join(directory, "data.mdb");
    const whole = readFileSync(data);
    const refusals: boolean[] = [];
    for (let bytes = whole.length; bytes > 8192; bytes -= 4096) {
      writeFileSync(data, whole.subarray(0, bytes));
      try {
        const cut = Store.open(directory);
        refusals.push(false);
        for (const number of [1, 2, 3, 4]) {
          expect(cut.entry(number)).toEqual(Buffer.alloc(9000, number));
        }
        const entries = [{ number: 5, bytes: Buffer.alloc(50_000, 5) }];
        const group = { entries, values: new Map(), removeBelow: 1, heldBytes: 0 };
        expect(await cut.write(group)).toBe("ok");
        expect(cut.entry(5)).toEqual(Buffer.alloc(50_000, 5));
        await cut.close();
      } catch (error) {
        expect(String(error)).toMatch(/data.mdb is damaged: it should have/);
        refusals.push(true);
      }
    }
    // Whole without its tail, and from some length on damaged for good.
    const whence = refusals.indexOf(true);
    expect(whence).toBeGreaterThan(1);
    expect(refusals.slice(whence).every((refused) => refused)).toBe(true);
  });

  it("is readable by its owner only", async () => {
    await filled();
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(directory)) {
      expect([name, statSync(join(directory, name)).mode & 0o777]).toEqual([name, 0o600]);
    }
  });
});

describe("is refused, by name, and left untouched:", () => {
  const refused = (rule: RegExp): void => {
    const before = snapshot();
    expect(() => Store.open(directory)).toThrow(rule);
    expect(() => Store.open(directory)).toThrow(directory);
    expect(snapshot()).toEqual(before);
  };
  const snapshot = (): unknown =>
    readdirSync(directory).map((name) => [
      name,
      readFileSync(join(directory, name)).toString("hex"),
    ]);

  it("a directory with other files", () => {
    mkdirSync(directory);
    writeFileSync(join(directory, "holiday.jpg"), "x");
    refused(/not empty and holds no journal/);
  });

  it("a newer journal", async () => {
    await filled();
    writeFileSync(join(directory, "mirrorball.json"), '{"journal":99}');
    refused(/version 99; this mirrorball knows journals up to version 1/);
  });

  it("a damaged mark", async () => {
    await filled();
    writeFileSync(join(directory, "mirrorball.json"), "{");
    refused(/mirrorball.json is damaged/);
  });

  it("a data file cut short", async () => {
    await filled();
    truncateSync(join(directory, "data.mdb"), 8192);
    refused(/data.mdb is damaged: it should have \d+ bytes and has 8192/);
  });

  it("a data file that is none", async () => {
    await filled();
    writeFileSync(join(directory, "data.mdb"), Buffer.alloc(65_536, 7));
    refused(/data.mdb is damaged: it is not a data file/);
  });

  it("an empty data file", async () => {
    await filled();
    writeFileSync(join(directory, "data.mdb"), "");
    refused(/data.mdb is damaged: it is too short/);
  });
});
