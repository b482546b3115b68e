// A forwarder that shows a certificate to a server that asks for one: the right one passes; a wrong, an expired and a missing one
// are refused, and both sides say why; a new one is taken without a restart. Files that cannot be used end the command at once.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { freePort, mirrorball, serving } from "../processes.ts";
import type { Program } from "../processes.ts";
import { have } from "../programs.ts";
import { Authority } from "./certificates.ts";
import type { Pair } from "./certificates.ts";
import { Producer } from "./oracle.ts";
import { running } from "./running.ts";
import type { Running } from "./running.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

// Certificates are made by openssl.
const canIssue = have("openssl");
beforeEach(({ skip }) => skip(!canIssue, "needs openssl"));

let directory: string;
let ours: Authority;
let foreign: Authority;
let server: Pair;
beforeAll(() => {
  if (!canIssue) return;
  directory = mkdtempSync(join(tmpdir(), "mirrorball-forward-tls-"));
  ours = new Authority(directory, "ours");
  foreign = new Authority(directory, "foreign");
  server = ours.issue("127.0.0.1");
});
afterAll(() => canIssue && rmSync(directory, { recursive: true, force: true }));

const shows = ({ cert, key }: Pair): string[] => [
  "--output-tcp-certificate",
  cert,
  "--output-tcp-certificate-key",
  key,
];
const secure = (): string[] => ["--output-tcp-secure", "--output-tcp-ca", ours.cert];

/** A server that asks for certificates of our authority. */
async function central(): Promise<Running> {
  const run = await running("memory", {
    words: [
      "--input-tcp-secure",
      "--input-tcp-certificate",
      server.cert,
      "--input-tcp-certificate-key",
      server.key,
      "--input-tcp-client-ca",
      ours.cert,
    ],
  });
  closers.push(() => run.close());
  return run;
}

interface Forwarder extends Program {
  readonly port: number;
}

async function forwarder(to: Running, ...words: string[]): Promise<Forwarder> {
  const port = await freePort();
  const all = ["--input-tcp", `127.0.0.1:${port}`, "--output-tcp", `127.0.0.1:${to.port}`];
  const program = await serving(...all, ...words);
  closers.push(() => program.child.kill("SIGKILL"));
  return { ...program, port };
}

function offer({ port }: Forwarder, offers: number): Producer {
  const producer = new Producer(port, 5000, { offers });
  closers.push(() => producer.close());
  return producer;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("a forwarder", () => {
  it("with the right certificate is let in", async () => {
    const run = await central();
    const near = await forwarder(run, ...secure(), ...shows(ours.issue("127.0.0.1")));
    await offer(near, 100).finish();
    await until(() => run.target.arrived.size === 100);
    expect(await run.refused()).toBe(0);
    expect(near.out.stderr).not.toMatch(/cannot send|expired/);
  });

  const REFUSED: readonly (readonly [string, () => string[], RegExp, RegExp])[] = [
    ["of an authority that is not the server's", () => shows(foreign.issue("127.0.0.1")), /this server refuses the certificate that was shown: \S+/, /its certificate was refused/],
    ["that has expired", () => shows(ours.issue("127.0.0.1", -1)), /this server refuses the certificate that was shown: CERT_HAS_EXPIRED/, /its certificate was refused: CERT_HAS_EXPIRED/],
    ["that it does not have", () => [], /this server asks for a client certificate, and none was shown/, /it presented no certificate/],
  ]; // prettier-ignore
  it.each(REFUSED)(
    "with a certificate %s is refused, and both say so",
    async (_, words, near, far) => {
      const run = await central();
      const program = await forwarder(run, ...secure(), ...words());
      offer(program, 10);
      await program.printed(
        new RegExp(
          `cannot send: client-certificate: ${near.source} \\(see --output-tcp-certificate\\)`,
        ),
      );
      await run.server.printed(far);
      expect(await run.refused("client-certificate")).toBeGreaterThan(0);
      expect(run.target.arrived.size).toBe(0);
    },
  );

  it("says at the start that its certificate has expired", async () => {
    const run = await central();
    const near = await forwarder(run, ...secure(), ...shows(ours.issue("127.0.0.1", -1)));
    await near.printed(/--output-tcp-certificate: \S+ expired on /);
  });

  it("takes a new certificate on SIGHUP, and keeps the old one when the new one is no good", async () => {
    const shown = { cert: join(directory, "shown.pem"), key: join(directory, "shown.key") };
    const install = (pair: Pair): void => {
      copyFileSync(pair.cert, shown.cert);
      copyFileSync(pair.key, shown.key);
    };
    install(ours.issue("127.0.0.1", -1));
    const run = await central();
    const near = await forwarder(run, ...secure(), ...shows(shown));
    const producer = offer(near, 100);
    await near.printed(/CERT_HAS_EXPIRED/);
    install(ours.issue("127.0.0.1"));
    copyFileSync(server.key, shown.key);
    near.child.kill("SIGHUP");
    await near.printed(/certificates stay as they were: \S+ is not the private key of \S+/);
    expect(run.target.arrived.size).toBe(0);
    install(ours.issue("127.0.0.1"));
    near.child.kill("SIGHUP");
    await near.printed(/certificates were read again; the next connection uses them/);
    await producer.finish();
    await until(() => run.target.arrived.size === 100);
    const { missing, repeated, againSafe } = run.target.faults(100);
    expect([missing, repeated, againSafe]).toEqual([[], [], 0]);
  });
});

describe("files that cannot be used are named at once", () => {
  const bad = (): string => {
    const path = join(directory, "bad.pem");
    writeFileSync(path, "nothing of the kind");
    return path;
  };
  const NAMED: readonly (readonly [string, () => string[], RegExp])[] = [
    ["a key is missing", () => [...secure(), "--output-tcp-certificate", server.cert], /--output-tcp-certificate needs --output-tcp-certificate-key FILE/],
    ["a certificate is missing", () => [...secure(), "--output-tcp-certificate-key", server.key], /--output-tcp-certificate-key needs --output-tcp-certificate FILE/],
    ["TLS is not asked for", () => shows(server), /--output-tcp-certificate needs --output-tcp-secure/],
    ["a file is not there", () => [...secure(), ...shows({ cert: "/nowhere.pem", key: server.key })], /--output-tcp-certificate: cannot read \/nowhere\.pem: ENOENT/],
    ["it is no certificate", () => [...secure(), ...shows({ cert: bad(), key: server.key })], /--output-tcp-certificate: \S+bad\.pem is no certificate in PEM/],
    ["it is no key", () => [...secure(), ...shows({ cert: server.cert, key: bad() })], /--output-tcp-certificate-key: \S+bad\.pem is no private key in PEM/],
    ["they are not a pair", () => [...secure(), ...shows({ cert: server.cert, key: ours.issue("127.0.0.1").key })], /\S+ is not the private key of \S+/],
  ]; // prettier-ignore
  it.each(NAMED)("%s", async (_, words, says) => {
    const program = mirrorball("--input-dummy", "1", "--output-tcp", "127.0.0.1:9", ...words());
    expect(await program.ended).not.toBe(0);
    expect(program.out.stderr).toMatch(says);
  });
});
