// The server is stopped with SIGSTOP under a real Express application, and goes on later. The application's answers stay the
// same, its times stay what they were, and what it kept arrives when the server is back.
import { Agent, request } from "node:http";
import { afterEach, expect, it } from "vitest";
import { node } from "../processes.ts";
import { report } from "./figures.ts";
import { LONG } from "./oracle.ts";
import { running } from "./running.ts";

const STOPPED_MS = LONG ? 60_000 : 3000;
/** A minute of this fits the buffer of the SDK, with room. */
const PER_SECOND = 100;
const BODY = "b".repeat(200);

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

/** An Express application, with a mirror when there is a server; `/figures` says how the mirror is. */
async function application(server: string | undefined): Promise<number> {
  const program = `
    import express from "express";
    import { mirror } from "@mirrorball/sdk/express";
    const app = express();
    const tee = ${server === undefined ? "undefined" : `mirror({ server: ${JSON.stringify(server)}, log: () => {}, filter: (req) => req.url !== "/figures" })`};
    if (tee !== undefined) app.use(tee);
    app.get("/figures", (req, res) => res.json(tee.stats()));
    app.get("/:id", (req, res) => res.json({ id: req.params.id, body: ${JSON.stringify(BODY)} }));
    const server = app.listen(0, "127.0.0.1", () => console.log("listening " + server.address().port));`;
  const app = node(["--input-type=module", "-e", program]);
  closers.push(() => app.child.kill("SIGKILL"));
  const [, port] = await app.printed(/listening (\d+)/);
  return Number(port);
}

async function ask(port: number, agent: Agent, id: number): Promise<{ ms: number; text: string }> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const req = request({
      port,
      host: "127.0.0.1",
      path: `/${id}`,
      agent,
      headers: { "X-Id": id },
    });
    req.once("error", reject);
    req.once("response", (res) => {
      let text = `${res.statusCode} ${Object.keys(res.headers).join()} `;
      res.on("data", (chunk: Buffer) => (text += chunk.toString()));
      res.once("end", () => resolve({ ms: performance.now() - startedMs, text }));
    });
    req.end();
  });
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}

it(`the server is stopped for ${STOPPED_MS} ms`, { timeout: STOPPED_MS + 60_000 }, async () => {
  const run = await running("memory");
  closers.push(() => run.close());
  const plain = await application(undefined);
  const mirrored = await application(`127.0.0.1:${run.port}`);
  const agent = new Agent({ keepAlive: true });
  closers.push(() => agent.destroy());
  await ask(plain, agent, 1);
  await ask(mirrored, agent, 1);
  while (run.target.arrived.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));

  run.server.child.kill("SIGSTOP");
  const startedMs = performance.now();
  const plainMs: number[] = [];
  const mirroredMs: number[] = [];
  let id = 1;
  while (performance.now() - startedMs < STOPPED_MS) {
    id += 1;
    // One after the other, in turns, so that both see the same machine.
    const first = id % 2 === 0 ? plain : mirrored;
    const one = await ask(first, agent, id);
    const other = await ask(first === plain ? mirrored : plain, agent, id);
    expect(other.text).toBe(one.text);
    plainMs.push(first === plain ? one.ms : other.ms);
    mirroredMs.push(first === plain ? other.ms : one.ms);
    const dueMs = ((id - 1) / PER_SECOND) * 1000 - (performance.now() - startedMs);
    if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
  }
  const arrivedWhileStopped = run.target.arrived.size;
  run.server.child.kill("SIGCONT");
  while (run.target.arrived.size < id) await new Promise((resolve) => setTimeout(resolve, 5));

  const figures = (await (await fetch(`http://127.0.0.1:${mirrored}/figures`)).json()) as {
    offered: number;
    dropped: Record<string, number>;
  };
  await run.finish();
  const { missing } = run.target.faults(id);
  expect([missing, figures.offered, figures.dropped]).toEqual([[], id, {}]);
  expect([...run.target.arrived.values()].every((times) => times === 1)).toBe(true);
  // The fault happened.
  expect(arrivedWhileStopped).toBe(1);
  plainMs.sort((a, b) => a - b);
  mirroredMs.sort((a, b) => a - b);
  report(`server stopped with SIGSTOP for ${STOPPED_MS / 1000} s`, {
    requests: id,
    "p99 ms without": percentile(plainMs, 0.99),
    "p99 ms with": percentile(mirroredMs, 0.99),
    "p50 ms without": percentile(plainMs, 0.5),
    "p50 ms with": percentile(mirroredMs, 0.5),
    "answers different": 0,
    lost: 0,
    twice: 0,
  });
});
