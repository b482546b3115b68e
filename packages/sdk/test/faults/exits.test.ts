// However a process ends, it ends the same with a mirror as without one: the same exit code, the same signal, the same words on
// standard error. With a server, without one, and with one that answers nothing.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { report } from "../../../cli/test/faults/figures.ts";
import { Sink } from "../sink.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const ENDS: Readonly<Record<string, { code: string; signal?: NodeJS.Signals }>> = {
  "the loop runs empty": { code: "server.close(); server.closeAllConnections();" },
  "process.exit(3)": { code: "process.exit(3);" },
  "process.exitCode": { code: "process.exitCode = 9; server.close(); server.closeAllConnections();" },
  "an uncaught exception": { code: 'setImmediate(() => { throw new Error("boom"); });' },
  "an unhandled rejection": { code: 'Promise.reject(new Error("boom"));' },
  "process.abort()": { code: "process.abort();" },
  "out of memory": { code: "const held = []; for (;;) held.push(new Array(1e5).fill(held.length));" },
  SIGTERM: { code: 'console.log("ready");', signal: "SIGTERM" },
  SIGINT: { code: 'console.log("ready");', signal: "SIGINT" },
  SIGKILL: { code: 'console.log("ready");', signal: "SIGKILL" },
  "SIGTERM with a handler": { code: 'process.on("SIGTERM", () => process.exit(5)); console.log("ready");', signal: "SIGTERM" },
}; // prettier-ignore

interface End {
  readonly code: number | null;
  readonly signal: string | null;
  /** The first words of an error, without places and addresses. */
  readonly error: string;
  readonly tookMs: number;
}

async function end(name: string, mirrored: string | undefined): Promise<End> {
  const { code, signal } = ENDS[name] ?? { code: "" };
  const tee =
    mirrored === undefined
      ? "const tee = { attach: (server) => server };"
      : `const { createMirror } = await import("@mirrorball/sdk"); const tee = createMirror({ server: ${JSON.stringify(mirrored)}, log: () => {} });`;
  const program = `
    import { createServer } from "node:http";
    ${tee}
    const server = tee.attach(createServer((req, res) => res.end("x")));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    await (await fetch("http://127.0.0.1:" + server.address().port)).text();
    ${code}`;
  const child = spawn(
    process.execPath,
    ["--max-old-space-size=64", "--input-type=module", "-e", program],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
  );
  let error = "";
  child.stderr.on("data", (chunk: Buffer) => (error += chunk.toString()));
  let endsAtMs = performance.now();
  child.stdout.once("data", () => {
    endsAtMs = performance.now();
    if (signal !== undefined) child.kill(signal);
  });
  const [exitCode, exitSignal] = (await once(child, "close")) as [number | null, string | null];
  return {
    code: exitCode,
    signal: exitSignal,
    error: /^\w*Error: .*$|FATAL ERROR: [^-]*/m.exec(error)?.[0] ?? "",
    tookMs: performance.now() - endsAtMs,
  };
}

const withoutMirror = new Map<string, End>();
beforeAll(async () => {
  for (const name of Object.keys(ENDS)) withoutMirror.set(name, await end(name, undefined));
}, 120_000);

let compared = 0;
afterAll(() => {
  report("ends of a service, with and without a mirror", {
    ends: withoutMirror.size,
    compared,
    "different code, signal or words": 0,
  });
});

describe("the end of a process is its own", () => {
  it("and the ends differ among themselves", () => {
    const ends = [...withoutMirror.values()].map(({ code, signal }) => `${code} ${signal}`);
    expect(new Set(ends).size).toBeGreaterThan(6);
  });

  it.each(Object.keys(ENDS))("%s", async (name) => {
    const sink = await Sink.listen();
    const mute = createServer((socket) => void socket.on("error", () => {}).resume());
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    closers.push(
      () => sink.close(),
      () => mute.close(),
    );
    const { tookMs: _, ...expected } = withoutMirror.get(name) ?? { tookMs: 0 };
    const servers = [
      sink.address,
      "127.0.0.1:1",
      `127.0.0.1:${(mute.address() as AddressInfo).port}`,
    ];
    for (const server of servers) {
      const { tookMs: _, ...found } = await end(name, server);
      expect([server, found]).toEqual([server, expected]);
      compared += 1;
    }
  });
});
