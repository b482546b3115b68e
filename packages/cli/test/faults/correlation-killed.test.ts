// A server that holds requests for their tokens is killed: with a journal none of them is lost, and they go in order with the target's tokens.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProducerSession, RecordType, packRecords } from "@mirrorball/protocol";
import type { ExchangeRecord } from "@mirrorball/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, serving } from "../processes.ts";
import type { Program } from "../processes.ts";

const OLD = "q7Zt9KpL2mXw4Rb8Aa11";
const NEW = "Zq8Lm2Xw4Rb8Kp9Tt7Bb";
const FOLLOWERS = 5;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** One exchange of a session, each behind the end of the one before it. */
function exchange(id: number, path: string, fields: string[], answer: string): ExchangeRecord {
  const at = 1.7e15 + id * 1000;
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${answer.length}\r\n\r\n`;
  return [
    RecordType.exchange, id, at, 10, 1, id, "127.0.0.1:1", "GET", path, "HTTP/1.1",
    ["Host", "shop.test", ...fields], null, 0, null, at, 10, head, Buffer.from(answer), 0, null, null, null,
  ]; // prettier-ignore
}

const session = (): ExchangeRecord[] => [
  exchange(1, "/login", [], JSON.stringify({ token: OLD })),
  ...Array.from({ length: FOLLOWERS }, (_, i) =>
    exchange(i + 2, `/me/${i}`, ["Authorization", `Bearer ${OLD}`], "{}"),
  ),
];

/** Resolves when the server has acknowledged them: then they are in its journal. */
async function store(port: number, records: ExchangeRecord[]): Promise<void> {
  const sender = new ProducerSession({
    producerId: randomBytes(16),
    service: "shop",
    agent: "test/1",
    token: undefined,
  });
  const socket = connect({ port, host: "127.0.0.1" });
  const write = (): void => {
    for (const piece of sender.takeOutput()) socket.write(piece);
  };
  await new Promise<void>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("connect", () => {
      sender.connect(randomBytes(16), performance.now());
      sender.enqueue(packRecords(records), records.length);
      write();
    });
    socket.on("data", (chunk) => {
      sender.receive(chunk, performance.now());
      write();
      if (sender.ackedWeight === records.length) resolve();
    });
  });
  socket.destroy();
}

interface Target {
  readonly url: string;
  /** What it was asked, with the token. */
  readonly asked: string[];
  /** Resolves when it was asked so often. */
  askedTimes(count: number): Promise<void>;
  /** Paths that it does not answer. */
  silent: RegExp;
}

async function startTarget(): Promise<Target> {
  const asked: string[] = [];
  let look = (): void => {};
  const server = createServer(({ url = "", headers }, response: ServerResponse) => {
    asked.push(`${url} ${headers.authorization ?? ""}`.trim());
    look();
    if (target.silent.test(url)) return;
    const isKnown = url === "/login" || headers.authorization === `Bearer ${NEW}`;
    response.writeHead(isKnown ? 200 : 401, { "Content-Type": "application/json" });
    response.end(url === "/login" ? JSON.stringify({ token: NEW }) : "{}");
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const target: Target = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    askedTimes: (count) =>
      new Promise((resolve) => {
        look = () => {
          if (asked.length >= count) resolve();
        };
        look();
      }),
    silent: /^$/,
  };
  return target;
}

async function starter(target: Target): Promise<[number, () => Promise<Program>]> {
  const directory = mkdtempSync(join(tmpdir(), "mirrorball-held-"));
  closers.push(() => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  const words = `--input-tcp 127.0.0.1:${port} --journal ${directory} --output-http ${target.url} --output-http-timeout 1m --correlate auto --correlate-wait 1h`;
  return [port, () => serving(...words.split(" "))];
}

async function killed(server: Program): Promise<void> {
  server.child.kill("SIGKILL");
  await server.ended;
}

describe("a kill", () => {
  it("loses nothing that was held for its token", async () => {
    const target = await startTarget();
    target.silent = /login/;
    const [port, start] = await starter(target);
    const first = await start();
    await store(port, session());
    await target.askedTimes(1);
    await killed(first);
    target.silent = /^$/;
    const second = await start();
    await target.askedTimes(2 + FOLLOWERS);
    second.child.kill("SIGTERM");
    expect(await second.ended).toBe(0);
    const followers = Array.from({ length: FOLLOWERS }, (_, i) => `/me/${i} Bearer ${NEW}`);
    expect(target.asked).toEqual(["/login", "/login", ...followers]);
    expect(second.out.stdout + second.out.stderr).toContain("journal: nothing is left in it");
  });

  it("makes what was learned before it stale, and the summary says so", async () => {
    const target = await startTarget();
    target.silent = /me/;
    const [port, start] = await starter(target);
    const first = await start();
    await store(port, session().slice(0, 2));
    await target.askedTimes(2);
    await killed(first);
    target.silent = /^$/;
    const second = await start();
    await target.askedTimes(3);
    second.child.kill("SIGTERM");
    await second.ended;
    expect(target.asked[1]).toBe(`/me/0 Bearer ${NEW}`);
    // The login was answered, and may or may not have been written down as such before the kill.
    const isRepeated = target.asked[2] === "/login";
    const said = isRepeated ? "1 learned" : "(stale 1)";
    expect(second.out.stdout + second.out.stderr).toContain(said);
  });
});
