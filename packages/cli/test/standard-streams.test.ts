// The log and standard output go away (disk full, reader gone): the command goes on, delivers, counts and exits as ever.
import { spawn } from "node:child_process";
import type { StdioOptions } from "node:child_process";
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort, root } from "./processes.ts";

const RECORDS = 200;
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
  const records = Array.from({ length: RECORDS }, (_, i) => {
    const id = i.toString(16).padStart(24, "0");
    return `1 ${id} 1700000000000000000 0\nGET /${i} HTTP/1.1\r\nHost: a\r\n\r\n\n🐵🙈🙉\n`;
  });
  writeFileSync(join(folder, "in.gor"), records.join(""));
  writeFileSync(
    join(folder, "noise.sh"),
    '#!/bin/sh\nwhile read l; do echo noise >&2; echo "$l"; done\n',
  );
  chmodSync(join(folder, "noise.sh"), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The command that replays the recording at once. */
function replay(): string[] {
  const command = `${root}packages/cli/bin/mirrorball.mjs`;
  return [command, "--input-file", join(folder, "in.gor"), "--input-file-speed", "max"];
}

interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  /** Records in the file that the run wrote beside. */
  readonly witness: number;
}

type Gone = "stdout" | "stderr";

/** Runs the command with one of its streams full (`full`) or without a reader. */
async function runWithout(gone: Gone, how: "full" | "no reader", ...words: string[]): Promise<Ran> {
  const full = openSync("/dev/full", "w");
  const place = how === "full" ? full : "pipe";
  const stdio: StdioOptions =
    gone === "stdout" ? ["ignore", place, "pipe"] : ["ignore", "ignore", place];
  const witness = join(folder, "witness.gor");
  const child = spawn(
    process.execPath,
    [...replay(), "--output-file", witness, "--output-file-append", ...words],
    { stdio },
  );
  closeSync(full);
  if (how === "no reader") child[gone]?.destroy();
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once("close", (...end) => resolve(end));
  });
  return { code, signal, stderr, witness: readFileSync(witness, "utf8").split("🐵").length - 1 };
}

describe("standard error", () => {
  it.each(["full", "no reader"] as const)(
    "%s: a middleware's words are lost, nothing else",
    async (how) => {
      const ran = await runWithout("stderr", how, "--middleware", join(folder, "noise.sh"));
      expect(ran).toEqual({ code: 0, signal: null, stderr: "", witness: RECORDS });
    },
  );

  it.each(["full", "no reader"] as const)(
    "%s: our own words are lost, nothing else",
    async (how) => {
      const target = `http://127.0.0.1:${await freePort()}`;
      const ran = await runWithout("stderr", how, "--verbose", "3", "--output-http", target);
      expect(ran).toEqual({ code: 1, signal: null, stderr: "", witness: RECORDS });
    },
  );

  it("whose reader stands still does not hold the end", async () => {
    const child = spawn(
      process.execPath,
      [
        ...replay(),
        "--output-null",
        "--middleware",
        "sh -c 'head -c 2000000 /dev/zero | tr \"\\\\0\" x >&2; echo >&2; cat'",
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    // Nothing reads `child.stderr`: the pipe fills and stays full.
    const code = await new Promise((resolve) => child.once("exit", resolve));
    expect(code).toBe(0);
  });
});

describe("standard output", () => {
  it.each([
    ["full", "disk-full"],
    ["no reader", "closed"],
  ] as const)(
    "%s: what --output-stdout could not write is counted, the file has all",
    async (how, reason) => {
      const ran = await runWithout("stdout", how, "--output-stdout");
      expect(ran).toMatchObject({ code: 1, signal: null, witness: RECORDS });
      expect(ran.stderr).toContain(
        `output-stdout: ${RECORDS} received, 0 delivered, ${RECORDS} failed (${reason} ${RECORDS})`,
      );
      expect(ran.stderr.match(/output-stdout: cannot write to standard output: /g)).toHaveLength(1);
    },
  );

  it("full: what a tool cannot print is its exit code, and one line", async () => {
    const full = openSync("/dev/full", "w");
    const child = spawn(
      process.execPath,
      [`${root}packages/cli/bin/mirrorball.mjs`, "inspect", join(folder, "in.gor")],
      { stdio: ["ignore", full, "pipe"] },
    );
    closeSync(full);
    let stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code).toBe(1);
    expect(stderr).toBe("mirrorball: standard output cannot be written: ENOSPC\n");
  });
});
