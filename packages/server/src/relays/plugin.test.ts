// Plugins between a real pipeline's inputs and outputs: what they can do, what becomes of messages when they fail, and that the
// books agree.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { get, planOf, request, responseTo, run } from "../../test/kit.ts";
import { counted, holds, sameGets as gets } from "../../test/kit-relay.ts";
import { ReplayServer } from "../engine/replay-server.ts";

const moods = fileURLToPath(new URL("../../test/plugins/moods.mjs", import.meta.url));
const PLUGIN = ["--middleware", `"${moods}"`, "--output-collect"];

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A folder with one file, for files that must not be in the repository. */
function file(name: string, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
  closers.push(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

describe("a plugin", () => {
  it("passes on what it does not touch: the very same messages, in order", async () => {
    const messages = gets(3000, "/same");
    const ran = await run(messages, PLUGIN);
    holds(ran);
    expect(counted(ran)).toMatchObject({ taken: 3000, returned: 3000, added: 0, lost: {} });
    expect(ran.collected.every((message, i) => message === messages[i])).toBe(true);
  });

  it("edits heads and bodies; what is known of a message stays with it", async () => {
    const before = request(
      "POST /edit HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
      { route: "/edit", connection: 5 },
    ); // prettier-ignore
    const ran = await run([before], PLUGIN);
    holds(ran);
    const [after] = ran.collected;
    expect(Buffer.from(after?.http.raw ?? []).toString()).toBe(
      "POST /edit HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX-Seen: /edit\r\n\r\nABC",
    );
    expect(after).toMatchObject({
      id: before.id,
      context: before.context,
      startedAt: before.startedAt,
    });
  });

  it("drops: withheld, not lost", async () => {
    const ran = await run([...gets(5, "/drop"), ...gets(4, "/keep")], PLUGIN);
    holds(ran);
    expect(ran.counters.lost).toBe(0);
    expect(counted(ran)).toMatchObject({ taken: 9, returned: 4, withheld: { dropped: 5 } });
  });

  it("keeps state for an exchange, from the request to both its responses", async () => {
    const exchanges = ["/one", "/two", "/secret"].flatMap((path) => {
      const sent = get(path);
      const response = responseTo(sent, "HTTP/1.1 200 OK\r\n\r\n");
      return [sent, response, { ...response, kind: MessageKind.replayed }];
    });
    const ran = await run(exchanges, PLUGIN);
    holds(ran);
    const seen = ran.collected
      .filter(({ kind }) => kind !== MessageKind.request)
      .map(({ kind, http }) => `${kind} ${http.head?.headers.join(" ") ?? ""}`);
    expect(seen.toSorted()).toEqual([
      "2 X-Target /one",
      "2 X-Target /two",
      "3 X-Target /one",
      "3 X-Target /secret",
      "3 X-Target /two",
    ]);
  });

  it("may answer later", async () => {
    const ran = await run([...gets(50, "/late"), ...gets(50, "/now")], PLUGIN);
    holds(ran);
    expect(ran.collected).toHaveLength(100);
  });

  it("of TypeScript runs where Node runs TypeScript, else says what is needed", async () => {
    const path = file(
      "p.ts",
      `export const plugin = { onRequest(r: object): false { return false; } };`,
    );
    const running = run([get("/")], ["--middleware", path, "--output-collect"]);
    if ("typescript" in process.features && typeof process.features.typescript === "string") {
      expect(counted(await running).withheld).toEqual({ dropped: 1 });
    } else {
      await expect(running).rejects.toThrow(/does not run TypeScript; use Node 22.18 or newer/);
    }
  });

  it.each([
    ["is not there", "", undefined, /there is no file .*x\.mjs/],
    ["has a fault", "x.mjs", "export const = 1", /cannot load .*x\.mjs: Unexpected token/],
    [
      "exports nothing",
      "x.mjs",
      "export const y = 1",
      /must export its handlers as `plugin` or as/,
    ],
    ["has no handler", "x.mjs", "export default {}", /at least one of onRequest, onResponse/],
    [
      "has a handler that is none",
      "x.mjs",
      "export default { onReplay: 1 }",
      /onReplay must be a f/,
    ],
    ["throws", "x.cjs", "throw new Error('at once')", /cannot load .*x\.cjs: at once/],
    ["ends", "x.mjs", "process.exit(4)", /cannot load .*x\.mjs: it ended with code 4/],
  ])("that %s cannot start, and says why", async (_what, name, content, message) => {
    const path = content === undefined ? "/no/such/x.mjs" : file(name, content);
    await expect(run([], ["--middleware", path, "--output-collect"])).rejects.toThrow(message);
  });

  it("is told from a program by #!", async () => {
    const path = file("cat.mjs", `#!${process.execPath}\nprocess.stdin.pipe(process.stdout);\n`);
    chmodSync(path, 0o755);
    const ran = await run(gets(10, "/"), ["--middleware", path, "--output-collect"]);
    holds(ran);
    expect(ran.collected).toHaveLength(10);
  });
});

describe("a plugin that fails", () => {
  const messages = [...gets(3, "/throw"), ...gets(2, "/reject"), ...gets(4, "/fine")];

  it("has its errors counted and the messages passed on unchanged", async () => {
    const ran = await run(messages, PLUGIN);
    holds(ran);
    expect(counted(ran)).toMatchObject({ returned: 9, events: { "handler-error": 5 }, lost: {} });
    expect(ran.collected.every((message) => messages.includes(message))).toBe(true);
    expect(ran.log.filter((line) => line.includes("a handler failed"))).toHaveLength(1);
    expect(ran.log.join("\n")).toMatch(/this handler (?:throws|rejects) at .*moods\.mjs/);
  });

  it("has them dropped and counted as lost when told so", async () => {
    const ran = await run(messages, [...PLUGIN, "--middleware-on-error", "drop"]);
    holds(ran);
    expect(counted(ran)).toMatchObject({ returned: 4, lost: { "handler-error": 5 } });
    expect(ran.counters.lost).toBe(5);
  });

  it.each([["/die"], ["/crash"]])("and dies at %s is started again, counted", async (path) => {
    const server = await start([get(path), ...gets(5000, "/fine")], PLUGIN);
    await server.ended;
    await until(() => (server.counters().middleware?.events["restart"] ?? 0) > 0);
    const { middleware, outputs, lost } = await server.stop();
    expect(server.discrepancies()).toEqual([0, 0]);
    expect(middleware?.taken).toBe(5001);
    expect(middleware?.lost["middleware-died"] ?? 0).toBe(5001 - (middleware?.returned ?? 0));
    expect(outputs[0]?.delivered).toBe(middleware?.returned);
    expect(lost).toBe(5001 - (middleware?.returned ?? 0));
  });

  it("and hangs is ended and started again, counted", async () => {
    const flags = [...PLUGIN, "--middleware-timeout", "2s"];
    const server = await start([get("/hang"), ...gets(3000, "/fine")], flags);
    await server.ended;
    await until(() => server.counters().middleware?.inside === 0);
    const { middleware } = await server.stop();
    expect(middleware?.events).toMatchObject({ hang: 1, restart: 1 });
    expect(middleware?.lost).toEqual({ "middleware-hung": 3001 - (middleware?.returned ?? 0) });
    expect(server.discrepancies()).toEqual([0, 0]);
  });
});

async function start(
  messages: readonly Message[],
  flags: readonly string[],
): Promise<ReplayServer> {
  const server = await ReplayServer.create(planOf(messages, flags));
  closers.push(() => server.stop());
  void server.start();
  return server;
}

async function until(test: () => boolean): Promise<void> {
  while (!test()) await new Promise((resolve) => setTimeout(resolve, 10));
}
