// Who may send to the server, and to whom a service sends: every wrong certificate, name and token is refused with its reason,
// nothing ever goes out in plain text instead, and certificates change under load without a loss.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { createMirror } from "@mirrorball/sdk";
import type { MirrorOptions } from "@mirrorball/sdk";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../processes.ts";
import { have } from "../programs.ts";
import { Authority } from "./certificates.ts";
import type { Pair } from "./certificates.ts";
import { report } from "./figures.ts";
import { Producer } from "./oracle.ts";
import { running } from "./running.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

// Certificates are made by openssl.
const canIssue = have("openssl");
beforeEach(({ skip }) => skip(!canIssue, "needs openssl"));

let directory: string;
let ours: Authority;
let foreign: Authority;
let right: Pair;
let client: Pair;
beforeAll(() => {
  if (!canIssue) return;
  directory = mkdtempSync(join(tmpdir(), "mirrorball-tls-"));
  ours = new Authority(directory, "ours");
  foreign = new Authority(directory, "foreign");
  right = ours.issue("127.0.0.1");
  client = ours.issue("127.0.0.1");
});
afterAll(() => canIssue && rmSync(directory, { recursive: true, force: true }));

const MARK = "/a-path-that-must-not-be-seen";

/** A mirrored service that has answered one request; its mirror and what it said. */
async function service(
  options: MirrorOptions,
): Promise<{ tee: ReturnType<typeof createMirror>; lines: string[] }> {
  const lines: string[] = [];
  const tee = createMirror({ ...options, log: (line) => lines.push(line) });
  const host = createHttpServer((_req, res) => res.end("x"));
  await new Promise<void>((resolve) => tee.attach(host).listen(0, "127.0.0.1", resolve));
  closers.push(
    () => tee.close({ timeoutMs: 0 }),
    () => host.close(),
  );
  const { port } = host.address() as AddressInfo;
  await (
    await fetch(`http://127.0.0.1:${port}${MARK}`, {
      headers: { connection: "close", "x-id": "1" },
    })
  ).text();
  return { tee, lines };
}

function secure({ cert, key }: Pair, ...more: string[]): string[] {
  return [
    "--input-tcp-secure",
    "--input-tcp-certificate",
    cert,
    "--input-tcp-certificate-key",
    key,
    ...more,
  ];
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

function pems({ cert, key }: Pair): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

interface Case {
  readonly server: () => string[];
  readonly sdk: () => MirrorOptions;
  /** What the server counts; undefined when the service turns away first. */
  readonly refused?: string;
  /** What the service says. */
  readonly says?: RegExp;
}

const trust = (): { ca: Buffer } => ({ ca: readFileSync(ours.cert) });
const mutual = (): string[] => secure(right, "--input-tcp-client-ca", ours.cert);
const mutualUnix = (): string[] =>
  secure(ours.issue("localhost"), "--input-tcp-client-ca", ours.cert);
const withToken = (): string[] => ["--input-tcp-token", "open sesame, please"];

const REFUSED: Readonly<Record<string, Case>> = {
  "the server's certificate is expired": { server: () => secure(ours.issue("127.0.0.1", -1)), sdk: () => ({ tls: trust() }), refused: "tls", says: /certificate has expired/ },
  "the server's authority is unknown": { server: () => secure(foreign.issue("127.0.0.1")), sdk: () => ({ tls: trust() }), refused: "tls", says: /unable to verify|self-signed|unable to get/ },
  "the server's certificate has another name": { server: () => secure(ours.issue("10.9.8.7")), sdk: () => ({ tls: trust() }), says: /does not match|not in the cert/ },
  "the client shows no certificate": { server: mutual, sdk: () => ({ tls: trust() }), refused: "client-certificate" },
  "the client's certificate is expired": { server: mutual, sdk: () => ({ tls: { ...trust(), ...pems(ours.issue("127.0.0.1", -1)) } }), refused: "client-certificate" },
  "the client's authority is unknown": { server: mutual, sdk: () => ({ tls: { ...trust(), ...pems(foreign.issue("127.0.0.1")) } }), refused: "client-certificate" },
  "the client speaks plain text": { server: () => secure(right), sdk: () => ({}), refused: "tls" },
  "the server speaks plain text": { server: () => [], sdk: () => ({ tls: trust() }), refused: "foreign", says: /SSL|TLS|wrong version|socket disconnected/i },
  "the token is wrong": { server: withToken, sdk: () => ({ token: "open barley, please" }), says: /token/ },
  "the token is missing": { server: withToken, sdk: () => ({}), says: /token-required/ },
  "the server has no token": { server: () => [], sdk: () => ({ token: "open sesame, please" }), says: /server-not-proven/ },
}; // prettier-ignore

/** The same over a unix socket: who has the file is not enough. */
const REFUSED_UNIX: Readonly<Record<string, Case>> = {
  "unix: the client shows no certificate": { server: mutualUnix, sdk: () => ({ tls: trust() }), refused: "client-certificate" },
  "unix: the client's certificate is expired": { server: mutualUnix, sdk: () => ({ tls: { ...trust(), ...pems(ours.issue("localhost", -1)) } }), refused: "client-certificate" },
  "unix: the client's authority is unknown": { server: mutualUnix, sdk: () => ({ tls: { ...trust(), ...pems(foreign.issue("localhost")) } }), refused: "client-certificate" },
  "unix: the server's authority is unknown": { server: () => secure(foreign.issue("localhost")), sdk: () => ({ tls: trust() }), refused: "tls", says: /unable to verify|self-signed|unable to get/ },
  "unix: the server's certificate has another name": { server: () => secure(ours.issue("elsewhere.test")), sdk: () => ({ tls: trust() }), says: /does not match|not in the cert/ },
  "unix: the client speaks plain text": { server: mutualUnix, sdk: () => ({}), refused: "tls" },
  "unix: the token is wrong": { server: withToken, sdk: () => ({ token: "open barley, please" }), says: /token/ },
}; // prettier-ignore

let refusals = 0;
afterAll(() => {
  report("certificates and tokens", { "refused, each for its reason": refusals, passed: 0 });
});

describe("nothing passes when", () => {
  const cases = [...Object.entries(REFUSED), ...Object.entries(REFUSED_UNIX)];
  it.each(cases)("%s", async (name, { server, sdk, refused, says }) => {
    const socket = name.startsWith("unix: ") ? join(directory, "listening") : undefined;
    const listen = socket === undefined ? {} : { listen: `unix:${socket}` };
    const run = await running("memory", { words: server(), ...listen });
    closers.push(() => run.close());
    const where = socket === undefined ? `127.0.0.1:${run.port}` : `unix:${socket}`;
    const { tee, lines } = await service({ server: where, ...sdk() });
    if (refused !== undefined) await until(async () => (await run.refused(refused)) > 0);
    if (says !== undefined) await until(() => says.test(lines.join("\n")));
    const { acked, offered, buffered } = tee.stats();
    expect([offered, acked, buffered]).toEqual([1, 0, 1]);
    expect(run.target.arrived.size).toBe(0);
    refusals += 1;
  });

  it("and over a unix socket passes what should", async () => {
    const socket = join(directory, "listening");
    const words = [...mutualUnix(), ...withToken()];
    const run = await running("memory", { words, listen: `unix:${socket}` });
    closers.push(() => run.close());
    const { tee } = await service({
      server: `unix:${socket}`,
      token: "open sesame, please",
      tls: { ...trust(), ...pems(ours.issue("localhost")) },
    });
    await until(() => tee.stats().acked === 1);
    await until(() => run.target.arrived.size === 1);
  });

  it("and what passes is what should: mutual TLS and a token together", async () => {
    const run = await running("memory", { words: [...mutual(), ...withToken()] });
    closers.push(() => run.close());
    const { tee } = await service({
      server: `127.0.0.1:${run.port}`,
      token: "open sesame, please",
      tls: { ...trust(), ...pems(client) },
    });
    await until(() => tee.stats().acked === 1);
    await until(() => run.target.arrived.size === 1);
    expect(await run.refused()).toBe(0);
  });
});

it("a service with TLS never says a word in plain text", async () => {
  const heard: Buffer[] = [];
  const sockets = new Set<Socket>();
  // Each time it is called, another way to fail.
  const plain = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      heard.push(chunk);
      if (heard.length % 3 === 0) socket.destroy();
      else if (heard.length % 3 === 1) socket.end("no TLS here\r\n");
      else socket.end(Buffer.from("15030100020228", "hex")); // a TLS alert
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => plain.listen(port, "127.0.0.1", resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    plain.close();
  });
  const { tee } = await service({
    server: `127.0.0.1:${port}`,
    tls: true,
    token: "open sesame, please",
  });
  await until(() => heard.length >= 5);
  for (const first of heard) expect(first.toString("hex", 0, 2)).toBe("1603");
  expect(Buffer.concat(heard).includes(MARK)).toBe(false);
  expect(tee.stats()).toMatchObject({ offered: 1, acked: 0, buffered: 1 });
});

describe("somebody in the middle who ends TLS with a certificate that is trusted", () => {
  /** Passes on what it hears, from one TLS connection to another. */
  async function middle(port: number): Promise<number> {
    const proxy = createTlsServer(pems(ours.issue("127.0.0.1")), (near) => {
      const far = connectTls({ port, host: "127.0.0.1", ...trust() });
      near.on("error", () => far.destroy()).on("close", () => far.destroy());
      far.on("error", () => near.destroy()).on("close", () => near.destroy());
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    closers.push(() => proxy.close());
    return (proxy.address() as AddressInfo).port;
  }

  const token = "open sesame, please";

  it("gets nothing past a token: the proof is bound to the channel", async () => {
    const run = await running("memory", { words: [...secure(right), ...withToken()] });
    closers.push(() => run.close());
    const server = `127.0.0.1:${await middle(run.port)}`;
    const { tee, lines } = await service({ server, token, tls: trust() });
    await until(async () => (await run.refused("token-differs")) > 0);
    await until(() => lines.join().includes("something between them ends TLS"));
    expect(tee.stats()).toMatchObject({ offered: 1, acked: 0, buffered: 1 });
    expect(run.target.arrived.size).toBe(0);
  });

  it("is let through when the server is told to expect a proxy", async () => {
    const words = [...secure(right), ...withToken(), "--input-tcp-token-unbound"];
    const run = await running("memory", { words });
    closers.push(() => run.close());
    const server = `127.0.0.1:${await middle(run.port)}`;
    const { tee } = await service({ server, token, tls: trust() });
    await until(() => tee.stats().acked === 1);
    await until(() => run.target.arrived.size === 1);
    expect(await run.refused()).toBe(0);
  });
});

const RELOADS = 5;
/** A load that any machine carries: the changes are the test, not the rate. */
const PER_SECOND = 500;

it("certificates change under load: nothing is lost, and a bad file changes nothing", async () => {
  const served = { cert: join(directory, "served.pem"), key: join(directory, "served.key") };
  const install = (pair: Pair): void => {
    copyFileSync(pair.cert, served.cert);
    copyFileSync(pair.key, served.key);
  };
  install(right);
  // Made before the load: the target lives in this process, and would answer nobody while openssl works for us.
  const renewed = Array.from({ length: RELOADS }, () => ours.issue("127.0.0.1"));
  // A target on a busy machine is slow, and a request given up for that is lost: not what is asked here.
  const patient = ["--output-http-timeout", "10m"];
  const words = [...secure(served, "--input-tcp-client-ca", ours.cert), ...patient];
  const run = await running("memory", { words });
  closers.push(() => run.close());
  const tls = { ...trust(), ...pems(client) };
  const producer = new Producer(run.port, PER_SECOND, { tls });
  closers.push(() => producer.close());
  const serial = async (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({ port: run.port, host: "127.0.0.1", ...tls }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
      socket.once("error", reject);
    });
  const progress = async (): Promise<void> => {
    const before = producer.acked;
    await until(() => producer.acked > before + 100);
  };

  const serials = new Set([await serial()]);
  let reloads = 0;
  for (const [change, pair] of renewed.entries()) {
    await progress();
    install(pair);
    run.server.child.kill("SIGHUP");
    reloads += 1;
    const all = new RegExp(`(certificates were read again[^]*){${reloads}}`);
    await run.server.printed(all);
    serials.add(await serial());
    await progress();
    // Old connections live on; so a new one is asked for.
    expect(producer.connections).toBe(change + 1);
    producer.reconnect();
    await until(() => producer.connections === change + 2);
  }
  const last = await serial();
  writeFileSync(served.cert, "no certificate");
  run.server.child.kill("SIGHUP");
  await run.server.printed(/certificates stay as they were/);
  expect(await serial()).toBe(last);

  await producer.finish();
  const { lost } = await run.finish();
  const { missing, repeated, againSafe } = run.target.faults(producer.offered);
  expect([missing, repeated, againSafe, lost]).toEqual([[], [], 0, 0]);
  expect(serials.size).toBe(RELOADS + 1);
  report("certificates read again under load", {
    reloads,
    offered: producer.offered,
    acked: producer.acked,
    lost,
    twice: 0,
  });
});
