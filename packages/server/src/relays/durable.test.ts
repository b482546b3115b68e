// Middleware that dies or hangs while there is a journal: what it held is given to the next one, and what kills every one of
// them costs itself and next to nothing else.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Message } from "@mirrorball/protocol";
import { afterEach, expect, it } from "vitest";
import { get, responseTo, run } from "../../test/kit.ts";
import type { Ran } from "../../test/kit.ts";

const program = fileURLToPath(new URL("../../test/programs/middleware.mjs", import.meta.url));
const plugin = fileURLToPath(new URL("../../test/plugins/moods.mjs", import.meta.url));

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function mood(name: string, number = 0): string {
  return `"${process.execPath}" "${program}" ${name} ${number}`;
}

function gets(count: number, path: string): Message[] {
  return Array.from({ length: count }, () => get(path));
}

async function ranWith(
  middleware: string,
  messages: readonly Message[],
  ...words: string[]
): Promise<Ran> {
  const directory = mkdtempSync(join(tmpdir(), "mirrorball-durable-"));
  closers.push(() => rmSync(directory, { recursive: true, force: true }));
  const flags = ["--middleware", middleware, "--journal", join(directory, "journal"), ...words];
  const all = [...flags, "--drain-timeout", "50s", "--output-collect"];
  const ran = await run(messages, all, { endless: true });
  expect(ran.discrepancies.every((discrepancy) => discrepancy === 0)).toBe(true);
  return ran;
}

function nameOf({ kind, id }: Message): string {
  return `${kind} ${id}`;
}

it("a program that dies again and again loses nothing, and keeps the order", async () => {
  const messages = gets(1000, "/").flatMap((request) => [
    request,
    responseTo(request, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
  ]);
  const ran = await ranWith(mood("dies", 700), messages);
  expect(ran.counters.middleware?.lost).toEqual({});
  expect(ran.counters.middleware?.events["restart"]).toBeGreaterThanOrEqual(2);
  expect(ran.collected.map(nameOf)).toEqual(messages.map(nameOf));
});

it("what kills every program is lost after a few, and next to nothing else", async () => {
  const fine = [...gets(300, "/fine"), ...gets(100, "/drop"), ...gets(1500, "/fine")];
  const messages = fine.toSpliced(1000, 0, get("/poison"));
  const { counters, collected } = await ranWith(mood("sickens"), messages);
  const lost = counters.middleware?.lost["middleware-died"] ?? 0;
  // Three, and more when the last words of one are lost with it, so that others are suspected too.
  expect(counters.middleware?.events["restart"]).toBeGreaterThanOrEqual(3);
  expect(lost).toBeGreaterThanOrEqual(1);
  expect(lost).toBeLessThanOrEqual(64);
  // What it drops is given to each of them, and dropped by each.
  expect(collected.length).toBe(1801 - lost);
});

it.each([
  ["/die", "middleware-died"],
  ["/hang", "middleware-hung"],
])("what kills every plugin, by %s, is lost, and next to nothing else", async (path, reason) => {
  const messages = [...gets(300, "/fine"), get(path), ...gets(1500, "/fine")];
  const ran = await ranWith(`"${plugin}"`, messages, "--middleware-timeout", "500ms");
  const { middleware } = ran.counters;
  const lost = middleware?.lost[reason] ?? 0;
  expect(lost).toBeGreaterThanOrEqual(1);
  expect(lost).toBeLessThanOrEqual(8);
  expect(ran.counters.lost).toBe(lost);
  expect(ran.collected.length).toBe(1801 - lost);
});
