// Live capture on the loopback interface: real servers, real clients, both engines at once over the same packets.
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { isResponseHead, timestampToUs } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import express from "express";
import { afterEach, describe, expect, it } from "vitest";
import { startInput } from "../../test/kit-input.ts";
import type { StartedInput } from "../../test/kit-input.ts";

const run = promisify(execFile);
/** CI has everything and may skip nothing; elsewhere what is not there cannot be tested. */
const isCi = process.env["CI"] !== undefined;
const isRoot = process.getuid?.() === 0;
const has = (command: string): boolean =>
  (process.env["PATH"] ?? "")
    .split(":")
    .concat("/usr/sbin")
    .some((folder) => existsSync(join(folder, command)));
const engines = [
  ...(isCi || hasPcap() ? ["libpcap"] : []),
  ...(isCi || has("tcpdump") ? ["tcpdump"] : []),
];
const canCapture = isCi || (isRoot && engines.length > 0);

function hasPcap(): boolean {
  try {
    createRequire(import.meta.url)("pcap/build/Release/pcap_binding.node");
    return true;
  } catch {
    return false;
  }
}

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** One capture an engine, of the same port. */
async function capture(port: number, ...flags: string[]): Promise<StartedInput[]> {
  const started = await Promise.all(
    engines.map((engine) =>
      startInput([
        "--input-raw",
        `:${port}`,
        "--input-raw-engine",
        engine,
        "--input-raw-track-response",
        ...flags,
      ]),
    ),
  );
  closers.push(() => Promise.all(started.map(({ server }) => server.stop())));
  return started;
}

/** The kernel asks its clock for each of both captures: one may get its answer a moment later. */
const CLOCKS_APART_US = 50_000;

const atUs = ({ startedAt }: Message): number => timestampToUs(startedAt);

/** In the order of each connection, which is the same whatever the clocks. */
function ordered(messages: readonly Message[]): Message[] {
  const peer = ({ context }: Message): string => context?.peer ?? "";
  return messages.toSorted(
    (a, b) => peer(a).localeCompare(peer(b)) || a.kind - b.kind || atUs(a) - atUs(b),
  );
}

/** What both engines must agree on, beside times. */
function records(messages: readonly Message[]): unknown[] {
  return messages.map(({ kind, id, http, context }) => ({
    kind,
    // The last digits hold the connection's first microsecond.
    id: id.slice(0, 16),
    raw: Buffer.from(http.raw).toString("latin1"),
    peer: context?.peer,
  }));
}

function expectSame(one: readonly Message[], other: readonly Message[]): void {
  const [a, b] = [ordered(one), ordered(other)];
  expect(records(a)).toEqual(records(b));
  const apartUs = a.map((message, i) => Math.abs(atUs(message) - atUs(b[i] ?? message)));
  expect(Math.max(...apartUs)).toBeLessThan(CLOCKS_APART_US);
}

async function collected(
  started: readonly StartedInput[],
  count: number,
): Promise<readonly Message[]> {
  await Promise.all(started.map(({ arrived }) => arrived(count)));
  const counters = await Promise.all(started.map(({ server }) => server.stop()));
  for (const { inputs, lost } of counters) {
    expect(lost).toBe(0);
    const of = (name: string): number => inputs[0]?.stats.figures[name] ?? Number.NaN;
    const fates = ["Delivered", "Duplicate", "Lost", "NotHttp", "Evicted", "Pending"];
    expect(fates.reduce((sum, fate) => sum + of(`bytes${fate}`), 0)).toBe(of("bytesSeen"));
    expect(of("bytesLost")).toBe(0);
    expect(of("packetsDroppedByKernel")).toBe(0);
  }
  const [first, ...others] = started;
  expect(first?.messages).toHaveLength(count);
  for (const other of others) expectSame(other.messages, first?.messages ?? []);
  return first?.messages ?? [];
}

async function curl(...words: string[]): Promise<string> {
  const { stdout } = await run("curl", ["-s", "-g", "--max-time", "30", ...words], {
    maxBuffer: 2 ** 26,
  });
  return stdout;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const kinds = (messages: readonly Message[]): string[] =>
  messages.map(({ kind, http }) => {
    const { head } = http;
    if (head === undefined) return "?";
    return isResponseHead(head)
      ? `${kind} ${head.status}`
      : `${kind} ${head.method} ${head.target}`;
  });

describe.skipIf(!canCapture)("captured live", () => {
  it("an Express app, over IPv4 and IPv6", async () => {
    const app = express();
    app.use(express.raw({ type: () => true, limit: "8mb" }));
    app.all("/echo", (req, res) => void res.type("bin").send(req.body as Buffer));
    app.get("/hello", (_req, res) => void res.json({ hello: "wörld" }));
    const server = app.listen(0, "::");
    await new Promise((resolve) => server.once("listening", resolve));
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const started = await capture(port);
    const body = Buffer.from(Uint8Array.from({ length: 700_000 }, (_, i) => (i * 31) & 0xff));
    for (const host of ["127.0.0.1", "[::1]"]) {
      const base = `http://${host}:${port}`;
      expect(await (await fetch(`${base}/hello`)).json()).toEqual({ hello: "wörld" });
      const echoed = await (await fetch(`${base}/echo`, { method: "POST", body })).arrayBuffer();
      expect(Buffer.from(echoed).equals(body)).toBe(true);
      expect((await fetch(`${base}/missing`, { method: "HEAD" })).status).toBe(404);
    }
    const messages = await collected(started, 12);
    const one = ["1 GET /hello", "2 200", "1 POST /echo", "2 200", "1 HEAD /missing", "2 404"];
    expect(kinds(messages)).toEqual([...one, ...one]);
    for (const at of [2, 3, 8, 9]) {
      expect(Buffer.from(messages[at]?.http.body ?? []).equals(body)).toBe(true);
    }
    expect(messages[0]?.context?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(messages[6]?.context?.peer).toMatch(/^\[::1\]:\d+$/);
  });

  it("nginx and curl, over IPv4 and IPv6", async () => {
    const port = await freePort();
    const nginx = await startNginx(port);
    closers.push(() => nginx.kill());
    const started = await capture(port);
    for (const host of ["127.0.0.1", "[::1]"]) {
      const base = `http://${host}:${port}`;
      // One connection, several requests; then an upload that asks first; then the head alone.
      expect(await curl(`${base}/a`, `${base}/b?c=d`)).toBe("okok");
      await curl("-X", "PUT", "-d", "hello", "-H", "Expect: 100-continue", `${base}/put`);
      await curl("-I", `${base}/head`);
      await curl("--http1.0", `${base}/old`);
    }
    const messages = await collected(started, 20);
    const one = ["1 GET /a", "2 200", "1 GET /b?c=d", "2 200", "1 PUT /put", "2 200", "1 HEAD /head", "2 200", "1 GET /old", "2 200"]; // prettier-ignore
    expect(kinds(messages)).toEqual([...one, ...one]);
  });

  it("leaves out what carries the mark of a replay, unless told not to", async () => {
    const port = await freePort();
    const nginx = await startNginx(port);
    closers.push(() => nginx.kill());
    const guarded = await capture(port);
    const open = await capture(port, "--no-loop-guard");
    await curl("-H", "X-Mirrorball-Replay: 1", `http://127.0.0.1:${port}/replay`);
    await curl(`http://127.0.0.1:${port}/own`);
    expect(kinds(await collected(guarded, 2))).toEqual(["1 GET /own", "2 200"]);
    expect(kinds(await collected(open, 4))).toContain("1 GET /replay");
  });

  it("counts what is not HTTP, and goes on", async () => {
    const server = createServer((socket) => socket.on("error", () => {}).resume());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const started = await capture(port);
    for (const text of ["\x16\x03\x01\x00\x05hello", "GET /x HTTP/1.1\r\n\r\n"]) {
      const socket = connect(port, "127.0.0.1");
      await new Promise<void>((resolve) => socket.end(text, "latin1", resolve));
    }
    const messages = await collected(started, 1);
    expect(kinds(messages)).toEqual(["1 GET /x"]);
    expect(started[0]?.server.counters().inputs[0]?.stats.figures).toMatchObject({
      "notHttpBytes.unsupported:tls": 10,
    });
  });

  it.each(engines)("%s says what is wrong with a filter and with an interface", async (engine) => {
    const flags = ["--input-raw-engine", engine];
    await expect(startInput(["--input-raw", "nope0:80", ...flags])).rejects.toThrow(
      /no interface .*nope0/,
    );
    await expect(
      startInput(["--input-raw", "lo:80", ...flags, "--input-raw-bpf-filter", "tcp port of call"]),
    ).rejects.toThrow(/the filter "tcp port of call" is not one/);
  });
});

it("a missing tcpdump is said in one sentence", async () => {
  const path = process.env["PATH"];
  process.env["PATH"] = "/nowhere";
  closers.push(() => (process.env["PATH"] = path));
  await expect(
    startInput(["--input-raw", "lo:80", "--input-raw-engine", "tcpdump"]),
  ).rejects.toThrow(/needs the command tcpdump/);
});

async function startNginx(port: number): Promise<ChildProcess> {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-nginx-"));
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`); // prettier-ignore
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; events {}
     http { access_log off; ${paths.join(" ")}
       server { listen 127.0.0.1:${port}; listen [::1]:${port}; location / { return 200 "ok"; } } }`,
  );
  const command = existsSync("/usr/sbin/nginx") ? "/usr/sbin/nginx" : "nginx";
  const child = spawn(command, ["-c", join(folder, "nginx.conf"), "-p", folder], {
    stdio: "ignore",
  });
  for (;;) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () =>
        resolve(false),
      );
      socket.once("connect", () => socket.destroy());
    });
    if (isUp) return child;
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
