// Few file descriptors: what was never sent waits for one, is not lost, and the log names the limit.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { root } from "./processes.ts";

const REQUESTS = 300;
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
  writeFileSync(
    join(folder, "a.gor"),
    Array.from({ length: REQUESTS }, (_, i) => record(i)).join(""),
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

function record(i: number): string {
  const id = i.toString(16).padStart(24, "0");
  return `1 ${id} 1700000000000000000 0\nGET /${i} HTTP/1.1\r\nHost: a\r\n\r\n\n🐵🙈🙉\n`;
}

async function runWith(
  descriptors: number,
  ...words: string[]
): Promise<{ code: number | null; stderr: string }> {
  const command = [process.execPath, `${root}packages/cli/bin/mirrorball.mjs`, ...words];
  const child = spawn("sh", ["-c", `ulimit -n ${descriptors}; exec "$@"`, "sh", ...command], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stderr };
}

it.each(["200", "0"])("requests, with %s workers", async (workers) => {
  const seen = new Set<string>();
  let open = 0;
  let most = 0;
  const server = createServer((req, res) => {
    open += 1;
    most = Math.max(most, open);
    // Answers that take a moment, so that as many connections as there may be are wanted.
    setTimeout(() => {
      open -= 1;
      seen.add(req.url ?? "");
      res.end("ok");
    }, 50);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const replay = ["--input-file", join(folder, "a.gor"), "--input-file-speed", "max"];
  const target = ["--output-http", `http://127.0.0.1:${port}`, "--output-http-workers", workers];
  const { code, stderr } = await runWith(128, ...replay, ...target);
  server.closeAllConnections();
  server.close();
  expect(stderr).toContain("nothing was lost");
  expect(code).toBe(0);
  expect(seen.size).toBe(REQUESTS);
  expect(most).toBeLessThan(128);
  if (workers === "200") {
    expect(stderr).toContain(
      "no file descriptor is free for another connection: this process may have 128 files open (ulimit -n); requests wait for one, and nothing is lost\n",
    );
  }
});

it("a file for each request, and a file for each record to read", async () => {
  const one = ["--input-file", join(folder, "a.gor"), "--input-file-speed", "max"];
  const written = await runWith(128, ...one, "--output-file", join(folder, "%r.gor"));
  expect(written.stderr).toContain("nothing was lost");
  expect(written.code).toBe(0);
  expect(readdirSync(folder)).toHaveLength(REQUESTS + 1);
  mkdirSync(join(folder, "in"));
  for (let i = 0; i < REQUESTS; i += 1) writeFileSync(join(folder, "in", `r_${i}.gor`), record(i));
  const many = ["--input-file", join(folder, "in", "r_*.gor"), "--input-file-speed", "max"];
  const read = await runWith(128, ...many, "--output-null");
  expect(read.stderr).toContain(`${REQUESTS} received, ${REQUESTS} delivered\nnothing was lost`);
  expect(read.code).toBe(0);
});
