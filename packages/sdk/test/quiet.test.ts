// A process that serves nothing, or whose replay server is absent: no connection before there is something to send, next to nothing in the log.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { ABSENT } from "./server-states.ts";

const register = fileURLToPath(new URL("../cjs/register.js", import.meta.url));
const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

async function run(
  program: string,
  server: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; out: string; error: string }> {
  const child = spawn(process.execPath, ["-r", register, "-e", program], {
    env: { ...process.env, MIRRORBALL_SERVER: server, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  closers.push(() => child.kill("SIGKILL"));
  const [out, error]: string[][] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => out?.push(chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => error?.push(chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out: out?.join("") ?? "", error: error?.join("") ?? "" };
}

/** A server that counts who connects, and says nothing. */
async function counting(): Promise<{ address: string; connections: () => number }> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.on("error", () => {}).resume();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  closers.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, connections: () => count };
}

const CLIENT = `
  const http = require("http"), net = require("net");
  net.createServer().listen(0, function () { this.close(); });
  setTimeout(() => { console.log("done"); }, 300);`;
const SERVICE = `
  const http = require("http");
  const server = http.createServer((req, res) => res.end("x")).listen(0, "127.0.0.1", () =>
    http.get({ port: server.address().port, agent: false }, (res) => res.resume().on("end", () => setTimeout(() => server.close(), 3000))));`;

it("a fault in the environment is told at the first request, once, and the service runs", async () => {
  const faulty = { MIRRORBALL_SAMPLE: "7" };
  expect(await run(CLIENT, ABSENT, faulty)).toEqual({ code: 0, out: "done\n", error: "" });
  const { code, error } = await run(SERVICE, ABSENT, faulty);
  expect(code).toBe(0);
  expect(error.split("\n")).toEqual([
    expect.stringMatching(/^mirrorball: not mirroring: .*sample: must be a share from 0 to 1.*7/),
    "",
  ]);
});

describe("a process without an HTTP server", () => {
  it("never connects, and says nothing", async () => {
    const { address, connections } = await counting();
    expect(await run(CLIENT, address)).toEqual({ code: 0, out: "done\n", error: "" });
    expect(connections()).toBe(0);
    // It can: a service does.
    await run(SERVICE, address);
    expect(connections()).toBe(1);
  });

  it("says nothing of a server that is absent; a service says it once, for many attempts", async () => {
    expect(await run(CLIENT, ABSENT)).toEqual({ code: 0, out: "done\n", error: "" });
    const { error } = await run(SERVICE, ABSENT);
    expect(error.split("\n")).toEqual([expect.stringContaining("cannot reach 127.0.0.1:1: "), ""]);
  });
});
