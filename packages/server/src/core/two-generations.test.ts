// What is remembered, and for how long.
import { expect, it } from "vitest";
import { TwoGenerations } from "./two-generations.ts";

it("remembers at least one generation and at most two", () => {
  const kept = new TwoGenerations<number>(3);
  expect(kept.isEmpty).toBe(true);
  for (let i = 0; i < 5; i += 1) kept.set(String(i), i);
  expect([0, 1, 2, 3, 4].map((i) => kept.get(String(i)))).toEqual([0, 1, 2, 3, 4]);
  kept.set("5", 5);
  expect([0, 2, 3, 5].map((i) => kept.get(String(i)))).toEqual([undefined, undefined, 3, 5]);
  expect(kept.has("2")).toBe(false);
  expect(kept.isEmpty).toBe(false);
});

it("keeps what is set again, and forgets what is deleted in either generation", () => {
  const kept = new TwoGenerations<string>(2);
  kept.set("a", "old");
  kept.set("b", "b");
  expect(kept.isOld("a")).toBe(true);
  kept.set("a", "new");
  expect(kept.get("a")).toBe("new");
  expect(kept.isOld("a")).toBe(false);
  kept.delete("a");
  kept.delete("b");
  expect(kept.has("a")).toBe(false);
  expect(kept.isEmpty).toBe(true);
});
