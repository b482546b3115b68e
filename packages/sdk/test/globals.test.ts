// What the SDK changes in a process, and what is left of it: nothing keeps the process alive, and after close() everything is as
// it was. Each program runs on its own, so that nothing else is in the picture.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { ABSENT, hostile, stopped } from "./server-states.ts";
import { Sink } from "./sink.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const SNAPSHOT = `
  import http from "node:http";
  import https from "node:https";
  import net from "node:net";
  import events from "node:events";
  import diagnostics from "node:diagnostics_channel";
  import stream from "node:stream";
  import async_hooks from "node:async_hooks";
  const describe = (target) => Reflect.ownKeys(target).map((key) => [key, Object.getOwnPropertyDescriptor(target, key)]);
  const targets = [http, https, net, net.Socket.prototype, net.Server.prototype, http.Server.prototype, http.IncomingMessage.prototype,
    http.ServerResponse.prototype, http.OutgoingMessage.prototype, http.ClientRequest.prototype, stream.Readable.prototype,
    stream.Writable.prototype, events.EventEmitter.prototype, Promise.prototype, Buffer.prototype, globalThis.fetch];
  const snapshot = () => ({
    described: targets.map(describe),
    listeners: process.eventNames().map((name) => [name, process.listenerCount(name)]),
    maxListeners: [events.defaultMaxListeners, process.getMaxListeners()],
    stackTraceLimit: Error.stackTraceLimit,
    nodeOptions: process.env.NODE_OPTIONS,
    env: JSON.stringify(process.env),
    globals: Reflect.ownKeys(globalThis).filter((key) => key !== Symbol.for("mirrorball.tap.1")),
    channels: ["http.server.request.start", "http.server.response.finish", "http.server.response.created"].map((name) => diagnostics.channel(name).hasSubscribers),
    timers: process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate/.test(name)),
    executionId: async_hooks.executionAsyncId() > 0,
  });
  const warnings = [];
  process.on("warning", (warning) => warnings.push(String(warning)));
`;

async function run(
  program: string,
  env: Record<string, string> = {},
): Promise<{ code: number | null; out: string; error: string }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: root,
    env: { ...process.env, MIRRORBALL_BREAKER: "on", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  closers.push(() => child.kill("SIGKILL"));
  const [out, error]: string[][] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => out?.push(chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => error?.push(chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out: out?.join("") ?? "", error: error?.join("") ?? "" };
}

describe("after close()", () => {
  it("everything is as it was, and 20 mirrors made no warning", async () => {
    const sink = await Sink.listen();
    closers.push(() => sink.close());
    const program = `${SNAPSHOT}
      import assert from "node:assert";
      const { createMirror } = await import("@mirrorball/sdk");
      const before = snapshot();
      assert(before.described.flat().length > 100);
      const tees = Array.from({ length: 20 }, () => createMirror({ log: () => {} }));
      const servers = tees.map((tee) => tee.attach(http.createServer((req, res) => void req.pipe(res))));
      for (const server of servers) {
        await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
        const answer = await new Promise((resolve) => http.request({ port: server.address().port, method: "POST", agent: false }, resolve).end("hello"));
        for await (const chunk of answer) assert.equal(chunk.toString(), "hello");
      }
      // The test can fail: meanwhile something is different.
      assert.notDeepStrictEqual(snapshot(), before);
      for (const tee of tees) assert.equal((await tee.close()).acked, 1);
      for (const server of servers) await new Promise((resolve) => server.close(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepStrictEqual(snapshot(), before);
      assert.deepStrictEqual(warnings, []);
      console.log("same");`;
    const { code, out, error } = await run(program, { MIRRORBALL_SERVER: sink.address });
    expect([error, out, code]).toEqual(["", "same\n", 0]);
  });
});

describe("no handle keeps the process alive", () => {
  it.each<[string, () => Promise<{ address: string; close: () => void }>]>([
    ["healthy", async () => {
      const sink = await Sink.listen();
      return { address: sink.address, close: () => sink.close() };
    }],
    ["absent", () => Promise.resolve({ address: ABSENT, close: () => {} })],
    ["stopped", stopped],
    ["hostile", () => hostile()],
  ])("with a server that is %s", async (_name, make) => {
    const place = await make();
    closers.push(place.close);
    // When the loop runs empty the process lists what holds it, before anybody else hears of that.
    const program = `${SNAPSHOT}
      process.once("beforeExit", () => console.log(JSON.stringify(process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap"))));
      const { createMirror } = await import("@mirrorball/sdk");
      const tee = createMirror({ log: () => {} });
      const server = tee.attach(http.createServer((req, res) => res.end("x")));
      await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
      const answer = await new Promise((resolve) => http.get({ port: server.address().port, agent: false }, resolve));
      for await (const _ of answer);
      server.close();`;
    const { code, out, error } = await run(program, { MIRRORBALL_SERVER: place.address });
    expect([error, out, code]).toEqual(["", "[]\n", 0]);
  }); // prettier-ignore
});
