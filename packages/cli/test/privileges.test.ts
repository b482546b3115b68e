// The real command and its privileges: started with too few, started by root and giving them up, and without libpcap.
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs"; // prettier-ignore
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, mirrorball, node, root, serving } from "./processes.ts";
import { have, hasPcap } from "./programs.ts";

/** Where the tests must not be skipped, they are run by root. */
const isCi = process.env["CI"] !== undefined;
const canDrop = isCi || (process.getuid?.() === 0 && have("setpriv", "tcpdump") && hasPcap());
const ENGINES = ["libpcap", "tcpdump"];
const USER = "nobody";
const POLL = { timeout: 20_000, interval: 10 };
const command = `${root}packages/cli/bin/mirrorball.mjs`;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const idOf = (what: string): number => Number(execFileSync("id", [what, USER]).toString());

/** A directory that is the user's. */
function owned(): string {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-privileges-"));
  chownSync(folder, idOf("-u"), idOf("-g"));
  return folder;
}

/** A directory that is root's, in one that everybody may enter. */
function foreign(): string {
  const folder = join(owned(), "root");
  mkdirSync(folder, { mode: 0o755 });
  return folder;
}

async function site(): Promise<string> {
  const server = createServer((_, res) => res.end("ok"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The values of one line of the status of every thread. */
function ofThreads(pid: number | undefined, name: string): string[] {
  const values = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "latin1");
    return new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";
  });
  return [...new Set(values)];
}

function children(pid: number | undefined): number[] {
  const words = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ");
  return words.filter((word) => word !== "").map(Number);
}

/** Starts the command as a user that may read every file, wherever the tests are, and has no other right but those given. */
function nobody(words: readonly string[], ...rights: string[]): ChildProcess {
  const all = ["-all", "+dac_read_search", ...rights].join(",");
  const who = ["--reuid", String(idOf("-u")), "--regid", String(idOf("-g")), "--clear-groups"];
  const caps = ["--inh-caps", all, "--ambient-caps", all, "--no-new-privs"];
  const child = spawn("setpriv", [...who, ...caps, process.execPath, command, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  closers.push(() => child.kill("SIGKILL"));
  return child;
}

async function asNobody(...words: string[]): Promise<[code: number | null, stderr: string]> {
  const child = nobody(words);
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return [code, stderr];
}

describe.skipIf(!canDrop)("--drop-privileges", () => {
  it.each(ENGINES)(
    "%s: goes on capturing as another user, who owns what is written",
    async (engine) => {
      // prettier-ignore
      const address = await site();
      const folder = owned();
      const program = await serving(
        "--input-raw",
        address,
        "--input-raw-engine",
        engine,
        "--drop-privileges",
        USER,
        "--output-file",
        join(folder, "a.gor"),
        "--output-file-queue-limit",
        "1",
      );
      closers.push(() => program.child.kill("SIGKILL"));
      const { pid } = program.child;
      const ids = (id: number): string[] => [[id, id, id, id].join("\t")];
      for (const each of [pid, ...children(pid)]) {
        expect(ofThreads(each, "Uid")).toEqual(ids(idOf("-u")));
        expect(ofThreads(each, "Gid")).toEqual(ids(idOf("-g")));
        expect(ofThreads(each, "CapEff")).toEqual(["0000000000000000"]);
      }
      expect(children(pid)).toHaveLength(engine === "tcpdump" ? 1 : 0);
      // Each of them is in a file of its own, so that files are made now.
      for (const path of ["/1", "/2", "/3"]) await fetch(`http://${address}${path}`);
      await expect.poll(() => filled(folder), POLL).toHaveLength(3);
      for (const file of readdirSync(folder)) {
        expect(statSync(join(folder, file)).uid).toBe(idOf("-u"));
      }
      // It must be allowed to end its child.
      program.child.kill("SIGTERM");
      expect(await program.ended).toBe(0);
      expect(program.out.stderr).not.toMatch(/running as root/);
    },
  );

  it("keeps a journal that is the user's", async () => {
    const folder = owned();
    const journal = join(folder, "journal");
    const program = await serving(
      "--input-tcp",
      `127.0.0.1:${await freePort()}`,
      "--output-null",
      "--journal",
      journal,
      "--drop-privileges",
      USER,
    );
    closers.push(() => program.child.kill("SIGKILL"));
    for (const path of [journal, ...readdirSync(journal).map((name) => join(journal, name))]) {
      expect([path, statSync(path).uid]).toEqual([path, idOf("-u")]);
    }
    program.child.kill("SIGTERM");
    expect(await program.ended).toBe(0);
  });

  it("says what the user may not do, before anything runs", async () => {
    const folder = foreign();
    const drop = ["--drop-privileges", USER];
    const input = ["--input-raw", "lo:80"];
    const cases: [words: string[], pattern: RegExp][] = [
      [[...input, "--output-file", join(folder, "a.gor"), ...drop], /a\.gor: permission denied/],
      [
        [...input, "--output-file", join(folder, "%H.gor"), ...drop],
        /\d\d\.gor: permission denied/,
      ],
      [
        [...input, "--output-null", "--journal", join(folder, "j"), ...drop],
        /--journal: nobody must be able to write to .*\/j/,
      ],
      [
        ["--input-http", "127.0.0.1:81", "--output-null", ...drop],
        /ports below 1024 need privileges/,
      ],
      [
        [...input, "--output-null", "--drop-privileges", "no such user"],
        /there is no user no such/,
      ],
      [[...input, "--output-null", "--drop-privileges", "root"], /without privileges; got root/],
      [
        ["--input-raw", "zz*:80", "--output-null", ...drop],
        /no interface that is up is named zz\*.*leave --drop-privileges out/,
      ],
    ];
    for (const [words, pattern] of cases) {
      const { ended, out } = mirrorball(...words);
      expect([words, await ended]).toEqual([words, 1]);
      expect(out.stderr).toMatch(pattern);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it("warns that later interfaces are not captured, and without it that root is not needed", async () => {
    for (const [words, pattern] of [
      [["--drop-privileges", USER], /interfaces that appear later are not captured: as nobody/],
      [[], /running as root, which nothing needs once .*--drop-privileges/],
    ] as const) {
      const program = mirrorball("--input-raw", ":80", "--output-null", ...words);
      closers.push(() => program.child.kill("SIGKILL"));
      await program.printed(pattern);
      program.child.kill("SIGTERM");
      await program.ended;
    }
  });
});

describe.skipIf(!canDrop)("without the right to capture", () => {
  it.each(ENGINES)("%s says what to do", async (engine) => {
    for (const address of [":80", "lo:80"]) {
      const [code, stderr] = await asNobody(
        "--input-raw",
        address,
        "--input-raw-engine",
        engine,
        "--output-null",
      );
      expect(stderr).toMatch(
        /no permission to capture on lo\. Run as root; or give tcpdump the right .*setcap .*AmbientCapabilities/,
      );
      expect(code).toBe(1);
    }
  });

  it("--drop-privileges has nothing to drop", async () => {
    const words = ["--input-raw", "lo:80", "--output-null", "--drop-privileges"];
    const [code, stderr] = await asNobody(...words, "daemon");
    expect(stderr).toMatch(/only root can become daemon; this is user \d+, leave it out/);
    expect(code).toBe(1);
    // It is that user already: what is missing is the right to capture.
    expect((await asNobody(...words, USER))[1]).toMatch(/no permission to capture/);
  });
});

describe.skipIf(!canDrop)("with the right to capture and no other", () => {
  it.each(ENGINES)("%s captures, as under AmbientCapabilities", async (engine) => {
    const address = await site();
    const output = ["--output-stdout", "--verbose", "1"];
    const words = ["--input-raw", address, "--input-raw-engine", engine, ...output];
    const child = nobody(words, "+net_raw");
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")));
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    await expect.poll(() => said, POLL).toMatch(/capturing on lo/);
    await fetch(`http://${address}/by-right`);
    await expect.poll(() => said, POLL).toMatch(/^GET \/by-right HTTP/m);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });
});

describe("without the package pcap", () => {
  const hook = join(mkdtempSync(join(tmpdir(), "mirrorball-hook-")), "hook.cjs");
  writeFileSync(
    hook,
    `const Module = require("node:module");
     const find = Module._resolveFilename;
     Module._resolveFilename = (request, ...rest) => {
       if (!/^pcap\\b/.test(request)) return find(request, ...rest);
       throw Object.assign(new Error("Cannot find module " + request), { code: "MODULE_NOT_FOUND" });
     };`,
  );
  const start = (...words: string[]): ReturnType<typeof node> =>
    node(["--require", hook, command, ...words]);

  it("the libpcap engine says what to install, and what needs no build", async () => {
    const { ended, out } = start("--input-raw", "lo:80", "--output-null");
    expect(await ended).toBe(1);
    expect(out.stderr).toMatch(/apt-get install libpcap-dev build-essential\) and install again/);
    expect(out.stderr).toMatch(/--input-raw-engine tcpdump, which needs no build/);
  });

  it("captures are read all the same", async () => {
    const capture = `${root}packages/server/test/fixtures/shop.pcap:8181`;
    const { ended, out } = start("--input-raw", capture, "--output-null");
    expect(await ended).toBe(0);
    expect(out.stderr).toMatch(/26 requests/);
  });
});

function filled(folder: string): string[] {
  return readdirSync(folder).filter((name) => statSync(join(folder, name)).size > 0);
}
