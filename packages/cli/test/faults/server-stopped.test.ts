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
    app.get("/figures", (req, res) => res.json({ ...tee.stats(), rss: process.memoryUsage().rss }));
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

/** Requests that warm the applications up before anything is measured. */
const WARM_UP = LONG ? 2000 : 200;
/** What the mirrored application may grow by: the SDK's buffer (16 MB), and V8's spaces for what passes through it. */
const GROWTH_BYTES_MAX = 64 * 1024 ** 2;

interface Figures {
  readonly offered: number;
  readonly buffered: number;
  readonly dropped: Record<string, number>;
  readonly rss: number;
}

async function figuresOf(port: number): Promise<Figures> {
  return (await (await fetch(`http://127.0.0.1:${port}/figures`)).json()) as Figures;
}

it(
  `the server is stopped for ${STOPPED_MS} ms`,
  { timeout: 2 * STOPPED_MS + 120_000 },
  async () => {
    const run = await running("memory");
    closers.push(() => run.close());
    // Two without a mirror: what differs between them is the machine's.
    const ports = [
      await application(undefined),
      await application(undefined),
      await application(`127.0.0.1:${run.port}`),
    ];
    const mirrored = ports[2] ?? 0;
    const agent = new Agent({ keepAlive: true });
    closers.push(() => agent.destroy());
    let id = 0;
    let times: number[][] = [[], [], []];
    // One after the other, in turns, so that all see the same machine.
    const askAll = async (): Promise<void> => {
      id += 1;
      const texts = new Set<string>();
      for (let turn = 0; turn < ports.length; turn += 1) {
        const which = (id + turn) % ports.length;
        const { ms, text } = await ask(ports[which] ?? 0, agent, id);
        times[which]?.push(ms);
        texts.add(text);
      }
      expect([...texts]).toHaveLength(1);
    };
    /** Asks at an even pace for as long as the server is stopped later; every application's times, sorted. */
    const phase = async (): Promise<number[][]> => {
      times = [[], [], []];
      const startedMs = performance.now();
      for (let turn = 1; performance.now() - startedMs < STOPPED_MS; turn += 1) {
        await askAll();
        const dueMs = (turn / PER_SECOND) * 1000 - (performance.now() - startedMs);
        if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
      }
      return times.map((list) => list.toSorted((a, b) => a - b));
    };
    for (let i = 0; i < WARM_UP; i += 1) await askAll();
    const [, , healthy = []] = await phase();
    while (run.target.arrived.size < id) await new Promise((resolve) => setTimeout(resolve, 5));
    let before = await figuresOf(mirrored);
    while (before.buffered > 0) before = await figuresOf(mirrored);

    run.server.child.kill("SIGSTOP");
    const beforeStop = id;
    const [one = [], other = [], withMirror = []] = await phase();
    const arrivedWhileStopped = run.target.arrived.size - beforeStop;
    const stopped = await figuresOf(mirrored);
    run.server.child.kill("SIGCONT");
    while (run.target.arrived.size < id) await new Promise((resolve) => setTimeout(resolve, 5));

    const after = await figuresOf(mirrored);
    await run.finish();
    const { missing } = run.target.faults(id);
    expect([missing, after.offered, after.dropped]).toEqual([[], id, {}]);
    expect([...run.target.arrived.values()].every((count) => count === 1)).toBe(true);
    // The fault happened: nothing arrived, everything was kept.
    expect([arrivedWhileStopped, stopped.buffered]).toEqual([0, id - beforeStop]);
    expect(stopped.rss - before.rss).toBeLessThan(GROWTH_BYTES_MAX);
    report(`server stopped with SIGSTOP for ${STOPPED_MS / 1000} s`, {
      requests: id - beforeStop,
      "p99 ms, stopped": percentile(withMirror, 0.99),
      "p99 ms before, with the server well": percentile(healthy, 0.99),
      "p99 ms without": percentile(one, 0.99),
      "p99 ms of a second one without": percentile(other, 0.99),
      "p50 ms without": percentile(one, 0.5),
      "p50 ms of a second one without": percentile(other, 0.5),
      "p50 ms, stopped": percentile(withMirror, 0.5),
      "p50 ms before, with the server well": percentile(healthy, 0.5),
      "kept meanwhile": stopped.buffered,
      "grown MB": (stopped.rss - before.rss) / 1024 ** 2,
      "answers different": 0,
      lost: 0,
      twice: 0,
    });
  },
);
