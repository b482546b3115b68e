// The two ways into a process without a change of its code. `-r` leaves a CommonJS program as it is. `--import` makes Node start it
// through its loader of ES modules, which a program can tell: by Node, not by us, as an empty module shows.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RecordType } from "@mirrorball/protocol";
import { Sink } from "./sink.ts";

const programs = fileURLToPath(new URL("programs/", import.meta.url));
const root = fileURLToPath(new URL("../../..", import.meta.url));
const register = "@mirrorball/sdk/register";

let sink: Sink;
beforeAll(async () => {
  sink = await Sink.listen();
});
afterAll(() => sink.close());

async function said(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, args, {
    // Where the name of the package is known.
    cwd: root,
    env: { ...process.env, MIRRORBALL_SERVER: sink.address },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  await once(child, "close");
  return out;
}

/** A kind of source that only a hook of CommonJS can read, as compilers install them. */
function compiled(): { hook: string; entry: string } {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-preload-"));
  const hook = join(folder, "hook.cjs");
  const entry = join(folder, "entry.odd");
  writeFileSync(
    hook,
    'require.extensions[".odd"] = (module, file) => module._compile(require("fs").readFileSync(file, "utf8").slice(3), file);',
  );
  writeFileSync(entry, 'odd console.log("entry ran", require.main === module);');
  return { hook, entry };
}

describe("a CommonJS program under -r", () => {
  it("has the order of its first ticks, and is the main module", async () => {
    const program = join(programs, "tick-order.cjs");
    expect(await said("-r", register, program)).toBe("tick, promise, main true true\n");
    expect(await said(program)).toBe("tick, promise, main true true\n");
  });

  it("gets the handle that its cluster sent it first", async () => {
    const program = join(programs, "early-handle.cjs");
    expect(await said("-r", register, program)).toBe("socket true\n");
  });

  it("is read by the hooks that were there before", async () => {
    const { hook, entry } = compiled();
    expect(await said("-r", hook, "-r", register, entry)).toBe("entry ran true\n");
    expect(await said("-r", register, "-r", hook, entry)).toBe("entry ran true\n");
  });
});

describe("a CommonJS program under --import", () => {
  it.each(["tick-order.cjs", "odd"])("runs as behind any other module: %s", async (name) => {
    const { hook, entry } = compiled();
    const args = name === "odd" ? ["-r", hook, entry] : [join(programs, name)];
    const behindOurs = await said("--import", register, ...args);
    expect(behindOurs.replaceAll(/\(node:\d+\)/g, "")).toBe(
      (await said("--import", "data:text/javascript,", ...args)).replaceAll(/\(node:\d+\)/g, ""),
    );
  });
});

describe.each([
  ["-r", "cjs"],
  ["-r", "mjs"],
  ["--import", "cjs"],
  ["--import", "mjs"],
])("%s and a service in .%s", (flag, kind) => {
  it("is mirrored from its first request on", async () => {
    const before = sink.whole.length;
    const load = kind === "mjs" ? 'import http from "node:http";' : 'const http = require("http");';
    const program = join(mkdtempSync(join(tmpdir(), "mirrorball-preload-")), `service.${kind}`);
    writeFileSync(
      program,
      `${load}
      const server = http.createServer((req, res) => res.end("fine")).listen(0, "127.0.0.1", () =>
        http.get({ port: server.address().port, path: "/first", agent: false }, (res) => {
          res.resume().on("end", () => server.close());
        }));`,
    );
    expect(await said(flag, register, program)).toBe("");
    const [record] = (await sink.exchanges(before + 1)).slice(before);
    expect(record?.[0]).toBe(RecordType.exchange);
    expect(record).toContain("/first");
  });
});

describe("the two forms of the package in one process", () => {
  it("are one mirror: an exchange is recorded once, and the last one takes the tap out", async () => {
    const before = sink.whole.length;
    const lines = (await said(join(programs, "both-forms.mjs"))).trimEnd().split("\n");
    const result: unknown = JSON.parse(lines.pop() ?? "");
    expect(result).toEqual({ two: true, offered: [1, 0], shared: true, restored: true });
    expect(lines).toEqual([
      "mirrorball: this server is mirrored by another mirror already; this one leaves it alone",
    ]);
    expect(sink.whole.length).toBe(before + 1);
  });

  it("are one mirror behind -r, too: register has what no mirror of the code claims", async () => {
    const before = sink.whole.length;
    const lines = await said("-r", register, join(programs, "both-forms.mjs"));
    expect(lines).toContain('"offered":[1,0]');
    expect(sink.whole.length).toBe(before + 1);
  });
});
