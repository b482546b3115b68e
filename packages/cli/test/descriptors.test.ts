// Few file descriptors: what was never sent waits for one, is not lost, and the log names the limit.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { freePort, root } from "./processes.ts";

const REQUESTS = 300;
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
  writeFileSync(
    join(folder, "a.gor"),
    Array.from({ length: REQUESTS }, (_, i) => record(i)).join(""),
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

function record(i: number): string {
  const id = i.toString(16).padStart(24, "0");
  return `1 ${id} 1700000000000000000 0\nGET /${i} HTTP/1.1\r\nHost: a\r\n\r\n\n🐵🙈🙉\n`;
}

async function runWith(
  descriptors: number,
  ...words: string[]
): Promise<{ code: number | null; stderr: string }> {
  const command = [process.execPath, `${root}packages/cli/bin/mirrorball.mjs`, ...words];
  const child = spawn("sh", ["-c", `ulimit -n ${descriptors}; exec "$@"`, "sh", ...command], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stderr };
}

it("its own code is loaded with few: Node opens all at once what a module imports", async () => {
  const { code, stderr } = await runWith(96, "check", "--input-tcp", ":1", "--output-null");
  expect([code, stderr]).toEqual([0, ""]);
});

it.each(["200", "0"])("requests, with %s workers", async (workers) => {
  const seen = new Set<string>();
  let open = 0;
  let most = 0;
  const server = createServer((req, res) => {
    open += 1;
    most = Math.max(most, open);
    // Answers that take a moment, so that as many connections as there may be are wanted.
    setTimeout(() => {
      open -= 1;
      seen.add(req.url ?? "");
      res.end("ok");
    }, 50);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const replay = ["--input-file", join(folder, "a.gor"), "--input-file-speed", "max"];
  const target = ["--output-http", `http://127.0.0.1:${port}`, "--output-http-workers", workers];
  const { code, stderr } = await runWith(128, ...replay, ...target);
  server.closeAllConnections();
  server.close();
  expect(stderr).toContain("nothing was lost");
  expect(code).toBe(0);
  expect(seen.size).toBe(REQUESTS);
  expect(most).toBeLessThan(128);
  if (workers === "200") {
    expect(stderr).toContain(
      "no file descriptor is free for another connection: this process may have 128 files open (ulimit -n); requests wait for one, and nothing is lost\n",
    );
  }
});

it("a file for each request, and a file for each record to read", async () => {
  const one = ["--input-file", join(folder, "a.gor"), "--input-file-speed", "max"];
  const written = await runWith(128, ...one, "--output-file", join(folder, "%r.gor"));
  expect(written.stderr).toContain("nothing was lost");
  expect(written.code).toBe(0);
  expect(readdirSync(folder)).toHaveLength(REQUESTS + 1);
  mkdirSync(join(folder, "in"));
  for (let i = 0; i < REQUESTS; i += 1) writeFileSync(join(folder, "in", `r_${i}.gor`), record(i));
  const many = ["--input-file", join(folder, "in", "r_*.gor"), "--input-file-speed", "max"];
  const read = await runWith(128, ...many, "--output-null");
  expect(read.stderr).toContain(`${REQUESTS} received, ${REQUESTS} delivered\nnothing was lost`);
  expect(read.code).toBe(0);
});

it.each([
  [
    "--input-http",
    "GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    /input-http \S+: 64 connections are open already, more are refused: this process may have 128 files open/,
  ],
  [
    "--input-tcp",
    record(0),
    /input-tcp \S+: 64 connections at most instead of 1024: this process may have 128 files open/,
  ],
])(
  "a flood of clients of %s is refused and counted, and it answers again afterwards",
  async (flag, text, told) => {
    const port = await freePort();
    const page = await freePort();
    const command = `${root}packages/cli/bin/mirrorball.mjs`;
    const words = [flag, `127.0.0.1:${port}`, "--output-null", "--http-pprof", `127.0.0.1:${page}`];
    const shell = ["-c", 'ulimit -n 128; exec "$@"', "sh", process.execPath, command, ...words];
    const child = spawn("sh", shell, { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = new Promise((resolve) => child.once("close", (...end) => resolve(end)));
    while (!(await connects(port))) await new Promise((resolve) => setTimeout(resolve, 10));

    const refused: unknown[] = [];
    const clients = Array.from({ length: 100 }, () => {
      const client = connect(port, "127.0.0.1");
      client.on("error", () => {});
      client.once("close", () => refused.push(client));
      return client.resume();
    });
    // The probes before may still hold a place or two.
    while (refused.length < 36) await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await fetch(`http://127.0.0.1:${page}/debug/vars`)).ok).toBe(true);
    for (const client of clients) client.destroy();
    while (!(await isHeard(port, text, page)))
      await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    expect(stderr).toMatch(told);
    expect(stderr).toMatch(/connections refused \(.*connections \d+/);
  },
);

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(port, "127.0.0.1", () => resolve(client.destroy() !== undefined));
    client.once("error", () => resolve(false));
  });
}

/** Says `text` and goes; true when the counters page has something that was received. */
async function isHeard(port: number, text: string, page: number): Promise<boolean> {
  await new Promise<void>((resolve) => {
    const client = connect(port, "127.0.0.1");
    client.on("error", () => {});
    client.once("close", () => resolve());
    client.resume().end(text);
  });
  const counters: unknown = await (await fetch(`http://127.0.0.1:${page}/debug/vars`)).json();
  return /"emitted":[1-9]/.test(JSON.stringify(counters));
}
