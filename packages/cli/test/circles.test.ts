// A run that would feed itself is refused before anything is opened, with exit code 2 and one line.
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { mirrorball, root } from "./processes.ts";

const RECORD =
  "1 000000000000000000000001 1700000000000000000 0\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n\n🐵🙈🙉\n";

function recording(): string {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "a.gor");
  writeFileSync(path, RECORD);
  return path;
}

it("a file that is appended to while it is read", async () => {
  const path = recording();
  const program = mirrorball("--input-file", path, "--output-file", path, "--output-file-append");
  expect(await program.ended).toBe(2);
  expect(program.out.stderr).toBe(
    `mirrorball: --output-file ${path}: --input-file ${path} reads what is written there, so that records would go round in a circle; give another file\n`,
  );
  expect(readFileSync(path, "utf8")).toBe(RECORD);
});

it("a file behind standard output", async () => {
  const path = recording();
  const stdout = openSync(path, "a");
  const command = `${root}packages/cli/bin/mirrorball.mjs`;
  const child = spawn(process.execPath, [command, "--input-file", path, "--output-stdout"], {
    stdio: ["ignore", stdout, "pipe"],
  });
  closeSync(stdout);
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  expect(await new Promise((resolve) => child.once("close", resolve))).toBe(2);
  expect(stderr).toMatch(
    /^mirrorball: --output-stdout: --input-file \S+ reads what is written there.*\n$/,
  );
  expect(readFileSync(path, "utf8")).toBe(RECORD);
});

it.each(["http://[::1]:8080", "http://127.0.0.2:8080"])(
  "what goes to %s is not what is captured of 127.0.0.1",
  async (target) => {
    const program = mirrorball("check", "--input-raw", "127.0.0.1:8080", "--output-http", target);
    expect(await program.ended).toBe(0);
  },
);
