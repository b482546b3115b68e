// The command as users meet it: words in, exit codes, messages and drained traffic out.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { ServerResponse } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, mirrorball, node, serving } from "./processes.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function run(
  ...words: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = mirrorball(...words);
  const code = await program.ended;
  return { code, ...program.out };
}

/** A service whose requests are teed to `tcp`; resolves with its port. */
async function service(tcp: string): Promise<number> {
  const program = node(["examples/http.mjs"], { PORT: "0", MIRRORBALL_SERVER: tcp });
  closers.push(() => program.child.kill("SIGKILL"));
  return Number((await program.printed(/^listening (\d+)/m))[1]);
}

async function send(port: number, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    await (await fetch(`http://127.0.0.1:${port}/${i}`)).text();
  }
}

describe("help and version", () => {
  it.each([["--help"], ["-h"], ["help"], ["help", "run"], ["run", "--help"], ["help", "help"], ["--input-tcp", ":1", "--output-null", "--help"]])(
    "shows a page that fits a screen: mirrorball %s %s",
    async (...words) => {
      const { code, stdout, stderr } = await run(...words);
      expect([code, stderr]).toEqual([0, ""]);
      const lines = stdout.trimEnd().split("\n");
      expect(lines.length).toBeGreaterThanOrEqual(24);
      expect(lines.length).toBeLessThanOrEqual(40);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
      expect(stdout.match(/^ {2}--/gm)).toHaveLength(10);
      expect(stdout.match(/^ {4}mirrorball /gm)).toHaveLength(5);
      expect([...stdout.matchAll(/^ {2}mirrorball (\w+)/gm)].map(([, name]) => name)).toEqual(["run", "check", "compare", "page", "inspect", "convert", "learn", "corpus"]);
    },
  ); // prettier-ignore

  it.each([
    [["help", "output-null"], /^ {2}--output-null\n/, "--output-null-queue-len"],
    [["output-null", "--help"], /^ {2}--output-null\n/, "--output-null-queue-len"],
    [["--output-null", "--help"], /^ {2}--output-null\n/, "--output-null-queue-len"],
    [["help", "--output-http-timeout"], /^ {2}--output-http-timeout DURATION\n/, "help output-http."],
    [["help", "output-http-header"], /^ {2}--http-set-header /, "also --http-header"],
    [["help", "set-header"], /^set-header: /, "--http-set-header"],
    [["help", "queue"], /^ {2}/, "--output-…-queue-len N"],
    [["help", "Running"], /\nRunning\n/, "--drain-timeout"],
    [["help", "check"], /^mirrorball check: /, "--config"],
    [["check", "--help"], /^mirrorball check: /, "--config"],
    [["help", "compare"], /^mirrorball compare: /, "--target"],
    [["compare", "--help"], /^mirrorball compare: /, "--target"],
  ])("%j", async (words, begins, holds) => {
    const { code, stdout, stderr } = await run(...words);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(begins);
    expect(stdout).toContain(holds);
  }); // prettier-ignore

  it("tells what every output has once", async () => {
    const { stdout } = await run("help", "all");
    expect(stdout.match(/queue-len/g)).toHaveLength(1);
    expect(stdout).toMatch(/queue-full wait\|drop\n[^-]*drop for --output-http-elasticsearch/);
  });

  it("prints every group, within 100 columns, to standard output", async () => {
    const { code, stdout, stderr } = await run("--help", "all");
    expect(code).toBe(0);
    expect(stderr).toBe("");
    for (const group of ["Inputs", "Outputs", "Running"])
      expect(stdout).toMatch(new RegExp(`^${group}$`, "m"));
    expect(stdout).toContain("--output-http-timeout DURATION");
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });

  it("prints its version", async () => {
    const { version } = JSON.parse(
      readFileSync(new URL("../package.json", import.meta.url), "utf8"),
    ) as { version: string };
    expect(await run("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe("bad words", () => {
  it("exits 2 without any", async () => {
    const { code, stderr } = await run();
    expect(code).toBe(2);
    expect(stderr).toContain("mirrorball --help");
  });

  it("suggests the nearest flag", async () => {
    const { code, stderr } = await run("--input-tcp", ":1", "--output-htp", "http://x");
    expect(code).toBe(2);
    expect(stderr).toMatch(/--output-htp.*--output-http/);
  });

  it("names flag, rule and value, and tells all errors at once", async () => {
    const { code, stderr } = await run(
      "--input-tcp", "nonsense",
      "--output-http", "ftp://x",
      "--output-http-timeout=soon",
      "--output-http-workers", "-2",
      "--output-null-queue-full", "burst",
    ); // prettier-ignore
    expect(code).toBe(2);
    expect(stderr).toMatch(/^mirrorball: --input-tcp: .*"nonsense"$/m);
    expect(stderr).toMatch(/^mirrorball: --output-http: .*"ftp:\/\/x"$/m);
    expect(stderr).toMatch(
      /^mirrorball: --output-http-timeout: must be a duration.*; got "soon"$/m,
    );
    expect(stderr).toMatch(
      /^mirrorball: --output-http-workers: must be a whole number from 0 to 10000; got "-2"$/m,
    );
    expect(stderr).toMatch(
      /^mirrorball: --output-null-queue-full: must be one of wait, drop; got "burst"$/m,
    );
  });

  it("wants an input and an output", async () => {
    expect((await run("--input-tcp", ":1")).code).toBe(2);
    expect((await run("--output-null")).code).toBe(2);
  });
});

describe("what cannot start", () => {
  it("a port in use", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    closers.push(() => taken.close());
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const { code, stderr } = await run("--input-tcp", address, "--output-null");
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^mirrorball: input-tcp ${address}: .*in use`, "m"));
  });

  it("a folder that does not exist", async () => {
    const { code, stderr } = await run(
      "--input-tcp",
      "127.0.0.1:0",
      "--output-file",
      "/no/such/folder/x.gor",
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^mirrorball: output-file \/no\/such\/folder\/x\.gor: .*\/no\/such\/folder/m,
    );
  });
});

describe("running", () => {
  it("writes a gor file, reads no scheme as http, and stops after --exit-after", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
    closers.push(() => rmSync(folder, { recursive: true }));
    const target = createHttpServer((_req, res) => res.end("ok"));
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    closers.push(() => target.close());
    const tcp = `127.0.0.1:${await freePort()}`;
    const file = join(folder, "all.gor");
    const server = await serving(
      "--input-tcp", tcp, "--output-file", file, "--output-stdout",
      "--output-http", `127.0.0.1:${(target.address() as AddressInfo).port}`,
      "--exit-after", "3s",
    ); // prettier-ignore
    await send(await service(tcp), 5);
    expect(await server.ended).toBe(0);
    expect(server.out.stderr).toMatch(/^output-http 127\.0\.0\.1:\d+: 5 received, 5 delivered$/m);
    const names = readFileSync(join(folder, "all_0.gor"), "latin1");
    expect(names.match(/^1 [0-9a-f]{24} \d+ \d+(?: .*)?\nGET \/\d HTTP\/1\.1\r$/gm)).toHaveLength(
      5,
    );
    expect(server.out.stdout.match(/^GET \/\d HTTP\/1\.1\r?$/gm)).toHaveLength(5);
  });

  it("delivers what it accepted when it is told to stop, and a second signal ends it at once", async () => {
    const held: ServerResponse[] = [];
    let arrived: () => void = () => {};
    const target = createHttpServer((_req, res) => {
      held.push(res);
      arrived();
    });
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    closers.push(() => {
      target.closeAllConnections();
      target.close();
    });
    const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}`;
    for (const second of [false, true]) {
      const tcp = `127.0.0.1:${await freePort()}`;
      const server = await serving(
        "--input-tcp",
        tcp,
        "--output-http",
        url,
        "--output-http-timeout",
        "60s",
        "--drain-timeout",
        "60s",
      );
      const seen = new Promise<void>((resolve) => (arrived = resolve));
      await send(await service(tcp), 1);
      await seen;
      server.child.kill("SIGTERM");
      if (second) {
        // The page closes when the stop begins its last step, so only the signal itself can be repeated.
        while (server.child.exitCode === null && server.child.signalCode === null) {
          server.child.kill("SIGTERM");
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        expect(await server.ended).toBe(130);
      } else {
        held[0]?.end("late");
        expect(await server.ended).toBe(0);
        expect(server.out.stderr).toContain("1 received, 1 delivered");
      }
    }
  });

  it("exits 1 and says what was lost when the target is gone", async () => {
    const tcp = `127.0.0.1:${await freePort()}`;
    const server = await serving(
      "--input-tcp",
      tcp,
      "--output-http",
      `http://127.0.0.1:${await freePort()}`,
    );
    await send(await service(tcp), 3);
    while (!(await (await fetch(server.page)).text()).includes('"connect-refused":3')) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    server.child.kill("SIGINT");
    expect(await server.ended).toBe(1);
    expect(server.out.stderr).toMatch(/^lost 3: connect-refused 3$/m);
  });
});
