// Who has a journal directory: one living process, whatever dead ones have left there.
import { mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Lock } from "./lock.ts";
import { Store } from "./store.ts";

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "mirrorball-lock-"));
  file = join(directory, "lock");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function leave(holder: { pid?: number; host?: string; start?: string }): void {
  writeFileSync(
    file,
    JSON.stringify({ pid: process.pid, host: hostname(), start: "1", ...holder }),
  );
}

it("is one process's, and the next one's when it is released", () => {
  const lock = Lock.take(directory);
  expect(() => Lock.take(directory)).toThrow(
    `${directory} is in use by process ${process.pid}; a journal serves one server at a time`,
  );
  lock.release();
  expect(readdirSync(directory)).toEqual([]);
  Lock.take(directory).release();
});

it.each([
  ["of a process that is gone", { pid: 2 ** 22 + 1 }],
  ["of a process whose number is used again", { pid: process.pid, start: "17" }],
])("is taken over when it is %s", (_name, holder) => {
  leave(holder);
  const lock = Lock.take(directory);
  expect(readFileSync(file, "utf8")).toContain(`"pid":${process.pid}`);
  lock.release();
});

it("is taken over when it is damaged", () => {
  writeFileSync(file, "{");
  Lock.take(directory).release();
});

it("of another host counts as long as it gives signs of life", () => {
  leave({ host: "elsewhere", pid: 1 });
  expect(() => Lock.take(directory)).toThrow("in use by process 1 on elsewhere");
  const before = new Date(Date.now() - 60_000);
  utimesSync(file, before, before);
  Lock.take(directory).release();
});

it("guards a store until it is closed, and a second one changes nothing", async () => {
  const store = Store.open(join(directory, "journal"));
  expect(() => Store.open(join(directory, "journal"))).toThrow("is in use by process");
  await store.close();
  const again = Store.open(join(directory, "journal"));
  await again.close();
});
