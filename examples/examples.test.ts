// Every example is started as a user would start it, gets a request, and must have it replayed; the story must replay all.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ReplayServer, catalogue, planFrom } from "@mirrorball/server";
import { afterEach, describe, expect, it } from "vitest";
import { freePort } from "./story/processes.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Target {
  readonly port: number;
  /** The first request that arrives. */
  readonly first: Promise<string>;
}

async function target(): Promise<Target> {
  let arrived: (line: string) => void = () => {};
  const first = new Promise<string>((resolve) => (arrived = resolve));
  const server = createServer((req, res) => {
    req.resume();
    req.on("end", () => res.end());
    arrived(`${req.method} ${req.url}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, first };
}

/** Runs `node ...words`; resolves with the text after the first line that starts with `opening`. */
function program(words: string[], env: Record<string, string>, opening: string): Promise<string> {
  const child = spawn(process.execPath, words, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  closers.push(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${words.join(" ")} ended with code ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith(opening)) resolve(line.slice(opening.length).trim());
    });
  });
}

describe("an example service", () => {
  it.each([
    ["express", ["examples/express.mjs"]],
    ["koa", ["examples/koa.mjs"]],
    ["http", ["examples/http.mjs"]],
    ["fastify", ["examples/fastify.mjs"]],
    ["hono", ["examples/hono.mjs"]],
    ["register", ["--import", "@mirrorball/sdk/register", "examples/untouched.mjs"]],
  ])("%s has its request replayed", async (_name, words) => {
    const { port, first } = await target();
    const tcp = await freePort();
    const made = planFrom(
      ["--input-tcp", `127.0.0.1:${tcp}`, "--output-http", `http://127.0.0.1:${port}`],
      catalogue,
    );
    if ("errors" in made) throw new Error(made.errors.join("\n"));
    const server = await ReplayServer.create(made.plan);
    await server.start();
    closers.push(() => server.stop());
    const service = await program(
      words,
      { PORT: "0", MIRRORBALL_SERVER: `127.0.0.1:${tcp}` },
      "listening ",
    );
    const answer = await fetch(`http://127.0.0.1:${service}/?example=${_name}`, {
      headers: { connection: "close" },
    });
    expect(await answer.json()).toEqual({ hello: "world" });
    expect(await first).toBe(`GET /?example=${_name}`);
  });
});

describe("the replay server as a library", () => {
  it("replays what a service sends it", async () => {
    const { port, first } = await target();
    const tcp = await freePort();
    await program(
      ["examples/replay-server.mjs", `http://127.0.0.1:${port}`, `127.0.0.1:${tcp}`],
      {},
      "replaying ",
    );
    const service = await program(
      ["examples/http.mjs"],
      { PORT: "0", MIRRORBALL_SERVER: `127.0.0.1:${tcp}` },
      "listening ",
    );
    await fetch(`http://127.0.0.1:${service}/library`, { headers: { connection: "close" } });
    expect(await first).toBe("GET /library");
  });
});

describe("the story", () => {
  const tell = (...words: string[]): { child: ChildProcess; output: () => string; ended: Promise<number | null> } => {
    const child = spawn(process.execPath, ["examples/story/story.mjs", ...words], {
      cwd: root,
      // A group of its own: Ctrl-C of a terminal reaches the whole group.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    }
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    return { child, output: () => output, ended };
  }; // prettier-ignore

  it("replays its 1,000 requests, finds the three faults of staging and exits 0", async () => {
    const { output, ended } = tell("--once");
    const code = await ended;
    expect(output()).toContain(
      "1000 requests answered by production, 1000 replayed against staging",
    );
    expect(output()).toMatch(/^DIFFERENT: /m);
    expect(output()).toContain("nothing was lost");
    expect(output()).toContain(
      "the comparison found the three faults of staging, and nothing else",
    );
    expect(code).toBe(0);
  });

  // The first line comes before anything is started, the third when the first figures are shown.
  it.each([1, 2, 3, 6])(
    "ends cleanly at a Ctrl-C behind line %i, and its summary adds up",
    async (line) => {
      const { child, output, ended } = tell();
      await new Promise<void>((resolve) => {
        child.stdout?.on("data", () => {
          if (output().split("\n").length > line) resolve();
        });
      });
      process.kill(-(child.pid ?? 0), "SIGINT");
      const code = await ended;
      expect(output()).not.toMatch(/Error|broke off|\bat .*:\d+/);
      const answered = /^(\d+) requests answered by production, (\d+) replayed/m.exec(output());
      if (answered === null) expect(output()).toContain("stopped before anything was replayed");
      else {
        expect(answered[1]).toBe(answered[2]);
        expect(output()).toContain("nothing was lost");
      }
      expect(code).toBe(0);
    },
  );
});
