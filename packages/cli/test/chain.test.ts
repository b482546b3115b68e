// Two real servers in a row, fed by a real producer: nothing is lost on the way, whatever becomes of the second one.
import { mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, node, serving } from "./processes.ts";
import type { Program } from "./processes.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

type Server = Program & { page: string };
interface Page {
  readonly inputs: readonly { readonly emitted: number; readonly dropped: object }[];
  readonly outputs: readonly { readonly received: number; readonly delivered: number }[];
  readonly lost: number;
}

const POLL = { timeout: 50_000, interval: 5 };
const SEPARATOR = "\n🐵🙈🙉\n";
const folder = (): string => mkdtempSync(join(tmpdir(), "mirrorball-"));

async function start(...words: string[]): Promise<Server> {
  const server = await serving(...words);
  closers.push(() => server.child.kill("SIGKILL"));
  return server;
}

async function counters({ page }: Server): Promise<Page> {
  return (await (await fetch(page)).json()) as Page;
}

/** Waits until the server has taken so many messages, or until there are no more to come. */
async function reached(server: Server, messages: number, source: Program): Promise<void> {
  while (source.child.exitCode === null) {
    if (((await counters(server)).inputs[0]?.emitted ?? 0) > messages) return;
  }
}

async function stop(
  { child, ended }: Program,
  signal: NodeJS.Signals = "SIGTERM",
): Promise<number | null> {
  child.kill(signal);
  return ended;
}

/** Where two servers in a row listen and record. */
interface Chain {
  readonly near: number;
  readonly files: string;
  first(): Promise<Server>;
  /** Takes what the first one forwards, and writes it to a file. */
  second(...words: string[]): Promise<Server>;
}

async function chain(): Promise<Chain> {
  const [near, far] = [await freePort(), await freePort()];
  const files = folder();
  const [nearAddress, farAddress] = [`127.0.0.1:${near}`, `127.0.0.1:${far}`];
  const target = join(files, "all.gor");
  return {
    near,
    files,
    first: () => start("--input-tcp", nearAddress, "--output-tcp", farAddress),
    second: (...words) => start("--input-tcp", farAddress, "--output-file", target, ...words),
  };
}

/** Sends `count` exchanges, each a request and a response, as an application would. */
function producer(port: number, count: number): Program {
  const program = node(["bench/producer.mjs", String(port), String(count)]);
  closers.push(() => program.child.kill("SIGKILL"));
  return program;
}

/** `KIND ID` of every record in the files of `directory`. */
function recorded(directory: string): string[] {
  const keys: string[] = [];
  for (const name of readdirSync(directory).toSorted()) {
    for (const record of readFileSync(join(directory, name), "latin1").split(
      Buffer.from(SEPARATOR).toString("latin1"),
    )) {
      const key = /^\d \S+/.exec(record)?.[0];
      if (key !== undefined) keys.push(key);
    }
  }
  return keys;
}

describe("a chain", () => {
  it("of two servers delivers every message once, and the ledgers of both add up", async () => {
    const paths = new Map<string, number>();
    const sink = createServer((req, res) => {
      paths.set(req.url ?? "", (paths.get(req.url ?? "") ?? 0) + 1);
      req.resume().on("end", () => res.end());
    });
    await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
    closers.push(() => {
      sink.closeAllConnections();
      sink.close();
    });
    const { near, files, ...servers } = await chain();
    const { port } = sink.address() as AddressInfo;
    const second = await servers.second("--output-http", `http://127.0.0.1:${port}`);
    const first = await servers.first();
    expect(await producer(near, 4000).ended).toBe(0);
    expect(await stop(first)).toBe(0);
    expect(first.out.stderr).toMatch(/output-tcp \S+: 8000 received, 8000 delivered\n/);
    expect(await stop(second)).toBe(0);
    expect(second.out.stderr).toMatch(/input-tcp \S+: 8000 received\n/);
    const keys = recorded(files);
    expect(keys).toHaveLength(8000);
    expect(new Set(keys).size).toBe(8000);
    expect(paths.size).toBe(4000);
    expect(Math.max(...paths.values())).toBe(1);
  });

  it("whose second server is stopped and started in the middle loses and doubles nothing", async () => {
    const { near, files, ...servers } = await chain();
    const first = await servers.first();
    let second = await servers.second();
    const program = producer(near, 20_000);
    for (const mark of [2000, 3000]) {
      await reached(second, mark, program);
      expect(await stop(second)).toBe(0);
      second = await servers.second();
    }
    expect(await program.ended).toBe(0);
    expect(await stop(first)).toBe(0);
    expect(await stop(second)).toBe(0);
    const keys = recorded(files);
    expect(new Set(keys).size).toBe(40_000);
    expect(keys).toHaveLength(40_000);
  });

  it("whose second server is killed loses at most what that one held in memory, and the first one nothing", async () => {
    const { near, files, ...servers } = await chain();
    const first = await servers.first();
    const second = await servers.second();
    const program = producer(near, 20_000);
    await reached(second, 3000, program);
    await stop(second, "SIGKILL");
    const third = await servers.second();
    expect(await program.ended).toBe(0);
    await expect.poll(async () => (await counters(first)).outputs[0]?.delivered, POLL).toBe(40_000);
    expect((await counters(first)).lost).toBe(0);
    expect(await stop(first)).toBe(0);
    expect(await stop(third)).toBe(0);
    // Its output's queue of 1000, one batch beyond, and what was being written.
    expect(new Set(recorded(files)).size).toBeGreaterThan(40_000 - 4000);
  });

  it("whose second server has a journal and is killed loses nothing at all", async () => {
    const { near, files, ...servers } = await chain();
    const journal = ["--journal", folder()];
    const first = await servers.first();
    const second = await servers.second(...journal);
    const program = producer(near, 20_000);
    await reached(first, 3000, program);
    await stop(second, "SIGKILL");
    const third = await servers.second(...journal);
    expect(await program.ended).toBe(0);
    expect(await stop(first)).toBe(0);
    await stop(third);
    // What was written and not yet settled is written again: at least once, as for every output that only adds.
    expect(new Set(recorded(files)).size).toBe(40_000);
  });

  it("waits for a second server that is not there yet", async () => {
    const { near, files, ...servers } = await chain();
    const first = await servers.first();
    const program = producer(near, 500);
    await first.printed(/output-tcp \S+: cannot send: /);
    const second = await servers.second();
    expect(await program.ended).toBe(0);
    await first.printed(/connected to \S+ again/);
    expect(await stop(first)).toBe(0);
    expect(await stop(second)).toBe(0);
    expect(recorded(files)).toHaveLength(1000);
  });
});
