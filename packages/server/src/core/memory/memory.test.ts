// Accounts share a budget so that nobody takes all of it; pieces cost what they take, and come out as they went in.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryBudget } from "./budget.ts";
import { HeldBytes } from "./held-bytes.ts";

describe("a budget", () => {
  it("gives one account half, and always leaves something for the next", () => {
    const budget = new MemoryBudget(1_000_000);
    const hogs = Array.from({ length: 10 }, () => budget.account());
    let more = true;
    while (more) {
      more = false;
      for (const hog of hogs) if (hog.charge(1000)) more = true;
    }
    for (const hog of hogs) expect(hog.usedBytes).toBeGreaterThan(80_000);
    expect(budget.account().charge(40_000)).toBe(true);
  });

  it("is charged what its accounts are charged, whatever they do", () => {
    const step = fc.tuple(fc.nat(4), fc.integer({ min: -500, max: 500 }));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const budget = new MemoryBudget(2000);
        const accounts = Array.from({ length: 5 }, () => budget.account());
        for (const [who, bytes] of steps) {
          const account = accounts[who] ?? budget.account();
          if (bytes > 0) account.charge(bytes);
          else account.free(Math.min(-bytes, account.usedBytes));
          const sum = accounts.reduce((total, { usedBytes }) => total + usedBytes, 0);
          expect(budget.usedBytes).toBe(sum);
          expect(sum).toBeLessThanOrEqual(2000);
        }
      }),
    );
  });
});

describe("held bytes", () => {
  it("come out as they went in, however they were cut, and whoever overwrites the pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9000 })), fc.boolean(), (pieces, copies) => {
        const account = new MemoryBudget(2 ** 30).account();
        const held = new HeldBytes(account, copies);
        const expected = Buffer.concat(pieces);
        for (const piece of pieces) {
          // In the middle of a larger buffer, as sockets give them.
          const given = Buffer.alloc(piece.length + 64, 1);
          given.set(piece, 32);
          held.add(given.subarray(32, 32 + piece.length));
          if (copies) given.fill(0xff);
        }
        expect(held.length).toBe(expected.length);
        expect(Buffer.from(held.head(100)).subarray(0, 100)).toEqual(expected.subarray(0, 100));
        expect(held.take().equals(expected)).toBe(true);
        expect([account.usedBytes, held.length, held.take().length]).toEqual([0, 0, 0]);
      }),
    );
  });

  it("cost little more than they are, in whatever pieces they come", () => {
    for (const size of [1, 13, 4095, 4096, 100_000]) {
      const held = new HeldBytes(new MemoryBudget(2 ** 30).account());
      const piece = new Uint8Array(size);
      while (held.length < 1_000_000) held.add(piece);
      expect(held.costBytes, String(size)).toBeLessThan(held.length * 1.3);
    }
  });

  it("do not keep a large buffer alive for a small part of it", () => {
    const held = new HeldBytes();
    const large = new ArrayBuffer(1_000_000);
    held.add(new Uint8Array(large, 0, 5000));
    expect(held.take().buffer).not.toBe(large);
  });

  it("are refused when there is no room, and nothing of them is kept", () => {
    const account = new MemoryBudget(20_000).account();
    const held = new HeldBytes(account);
    expect(held.add(new Uint8Array(9000))).toBe(true);
    expect(held.add(new Uint8Array(5000))).toBe(false);
    expect(held.length).toBe(9000);
    held.clear();
    expect(account.usedBytes).toBe(0);
  });
});
