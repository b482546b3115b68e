// A real gor beside mirrorball: a recorded body stays the body it was, and the words behind gor's four fields survive it, in files
// and in streams of both directions. Needs gor's programs, which `.ci/gors` builds; without them, and outside CI, it is skipped.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { freePort, mirrorball, serving } from "./processes.ts";

const gors =
  process.env["MIRRORBALL_GORS"] ??
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "mirrorball-gors");
const versions = (existsSync(gors) ? readdirSync(gors) : []).filter((name) =>
  /^gor-[\d.]+\d$/.test(name),
);
if (versions.length === 0) {
  const text = `no gor in ${gors}: .ci/gors builds it`;
  if (process.env["CI"] !== undefined) throw new Error(text);
  console.warn(`skipped: ${text}`);
}

const POLL = { timeout: 50_000, interval: 20 };
const MONKEYS = "🐵🙈🙉";
const SEPARATOR = `\n${MONKEYS}\n`;
const BODY = `x${SEPARATOR}1 bbb 1704067200000000001 1\nDELETE /admin HTTP/1.1\r\nHost: a\r\n\r\n`;
const folder = mkdtempSync(join(tmpdir(), "mirrorball-gor-"));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(() => rmSync(folder, { recursive: true }));

function gor(version: string, ...words: string[]): void {
  const child = spawn(join(gors, version), words, { stdio: "ignore" });
  closers.push(() => child.kill("SIGKILL"));
}

interface Seen {
  readonly url: string | undefined;
  readonly body: string;
}

/** A target that keeps what it was asked. */
async function target(): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      seen.push({ url: request.url, body: Buffer.concat(chunks).toString() });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

let runs = 0;
/** A recording of two requests as mirrorball writes it: JSON lines hold any body and any context. */
async function recording(): Promise<string> {
  runs += 1;
  const [lines, path] = [join(folder, `${runs}.jsonl`), join(folder, `recorded-${runs}.gor`)];
  const context = { connection: 7, connectionSeq: 0, peer: "10.0.0.7:51334", service: "shop", route: "/a/:id", tags: ["user", "7"] }; // prettier-ignore
  const first = {
    type: 1,
    id: "a",
    timestampNs: "1704067200000000000",
    latencyNs: 1,
    context,
    head: `POST /a/1 HTTP/1.1\r\nHost: a\r\nContent-Length: ${Buffer.byteLength(BODY)}\r\n\r\n`,
    body: BODY,
  };
  const last = { ...first, id: "z", timestampNs: "1704067200001000000", context: { connection: 7, connectionSeq: 1 }, head: "GET /last HTTP/1.1\r\nHost: a\r\n\r\n", body: "" }; // prettier-ignore
  writeFileSync(lines, `${JSON.stringify(first)}\n${JSON.stringify(last)}\n`);
  const convert = mirrorball("convert", lines, path);
  expect(await convert.ended).toBe(0);
  return path;
}

const RIGHT: readonly Seen[] = [
  { url: "/a/1", body: BODY },
  { url: "/last", body: "" },
];

/** The two records as gor passes them on, in a file. Its own file output keeps what it has until it ends. */
async function passedOn(version: string, ...words: string[]): Promise<string> {
  const child = spawn(join(gors, version), [...words, "--output-stdout"], { stdio: ["ignore", "pipe", "ignore"] }); // prettier-ignore
  closers.push(() => child.kill("SIGKILL"));
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const records = (): string[] => Buffer.concat(chunks).toString().split(SEPARATOR);
  await expect.poll(() => records().length, POLL).toBe(3);
  runs += 1;
  const path = join(folder, `passed-${runs}.gor`);
  writeFileSync(path, Buffer.concat(chunks));
  return path;
}

async function asLines(path: string): Promise<Record<string, unknown>[]> {
  const out = `${path}.jsonl`;
  const convert = mirrorball("convert", path, out);
  expect([await convert.ended, convert.out.stderr]).toEqual([0, ""]);
  return readFileSync(out, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function listens(port: number): Promise<void> {
  const tries = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      }).on("error", () => resolve(false));
    });
  await expect.poll(tries, POLL).toBe(true);
}

const stable = ["--output-http-workers", "1"];

describe.each(versions)("%s", (version) => {
  it("replays a file: the body is whole and no request of its own", async () => {
    const { url, seen } = await target();
    gor(version, "--input-file", await recording(), "--output-http", url, ...stable);
    await expect.poll(() => seen.length, POLL).toBe(2);
    expect(seen).toEqual(RIGHT);
  });

  it("passes a file on, and we read what we wrote: bytes, framing, context", async () => {
    const file = await passedOn(version, "--input-file", await recording());
    const [first, last] = await asLines(file);
    expect(first).toMatchObject({
      body: BODY,
      context: { connection: 7, connectionSeq: 0, peer: "10.0.0.7:51334", service: "shop", route: "/a/:id", tags: ["user", "7"] },
    }); // prettier-ignore
    expect(first?.["head"]).toContain(`Content-Length: ${Buffer.byteLength(BODY)}\r\n`);
    expect(last).toMatchObject({ target: "/last", context: { connection: 7, connectionSeq: 1 } });
  });

  it("passes on what it has rewritten: the body is whole, and the length is not followed", async () => {
    const set = ["--http-set-header", "X-Set: 1"];
    const file = await passedOn(version, "--input-file", await recording(), ...set);
    const { url, seen } = await target();
    const replay = mirrorball("--input-file", file, "--output-http", url, ...stable);
    expect(await replay.ended).toBe(0);
    expect(replay.out.stderr).toContain("stale-length 1");
    expect(seen).toEqual(RIGHT);
  });

  it("takes our stream", async () => {
    const { url, seen } = await target();
    const port = await freePort();
    gor(version, "--input-tcp", `127.0.0.1:${port}`, "--output-http", url, ...stable);
    await listens(port);
    const words = ["--output-tcp-format", "gor", "--output-tcp-workers", "1"];
    const sent = mirrorball(
      "--input-file", await recording(), "--output-tcp", `127.0.0.1:${port}`, ...words,
    ); // prettier-ignore
    expect(await sent.ended).toBe(0);
    await expect.poll(() => seen.length, POLL).toBe(2);
    expect(seen).toEqual(RIGHT);
  });

  it("sends us its own, from a file of ours", async () => {
    const { url, seen } = await target();
    const port = await freePort();
    const server = await serving("--input-tcp", `127.0.0.1:${port}`, "--output-http", url, ...stable); // prettier-ignore
    closers.push(() => server.child.kill("SIGKILL"));
    gor(version, "--input-file", await recording(), "--output-tcp", `127.0.0.1:${port}`);
    await expect.poll(() => seen.length, POLL).toBe(2);
    // Its connections are ten: any order.
    expect(seen.toSorted((a, b) => ((a.url ?? "") < (b.url ?? "") ? -1 : 1))).toEqual(RIGHT);
  });
});

// A file without a test would fail.
if (versions.length === 0) it.skip("a gor is needed", () => {});
