// All who wait go at once; who comes later waits for the next time.
import { expect, it } from "vitest";
import { Waiters } from "./waiters.ts";

it("lets go all who wait, and nobody who comes later", async () => {
  const waiters = new Waiters();
  const gone: string[] = [];
  const first = waiters.wait().then(() => gone.push("first"));
  const second = waiters.wait().then(() => gone.push("second"));
  expect(waiters.any).toBe(true);
  waiters.release();
  expect(waiters.any).toBe(false);
  const third = waiters.wait().then(() => gone.push("third"));
  await Promise.all([first, second]);
  expect(gone).toEqual(["first", "second"]);
  waiters.release();
  await third;
  expect(gone).toEqual(["first", "second", "third"]);
  waiters.release();
  expect(waiters.any).toBe(false);
});
