// SIGHUP: at a terminal a drain, elsewhere never an end: files are opened anew. And `nohup`, which Node by itself undoes.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { freePort, root } from "./processes.ts";
import { have } from "./programs.ts";

const command = `${process.execPath} ${root}packages/cli/bin/mirrorball.mjs`;
let folder = "";
let child: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
});
afterEach(() => {
  child?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const path = (name: string): string => join(folder, name);
const text = (name: string): string =>
  existsSync(path(name)) ? readFileSync(path(name), "utf8") : "";
const recordsIn = (name: string): number => text(name).split("🐵").length - 1;

async function until(test: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await test())) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function send(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/x`)).ok;
  } catch {
    return false;
  }
}

/** Resolves with its exit code and signal. */
function endOf(process: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve) => process.once("close", (...end) => resolve(end)));
}

/** Runs `shell`, in which `$M` is the command with its flags, as process `pid` of the file of that name. */
function start(shell: string, flags: string): Promise<[number | null, NodeJS.Signals | null]> {
  const started = spawn("sh", ["-c", shell], {
    cwd: folder,
    env: { ...process.env, M: `${command} ${flags}` },
    stdio: "ignore",
  });
  child = started;
  return endOf(started);
}

it("under nohup the run goes on, and the file that was moved away is opened anew", async () => {
  const port = await freePort();
  const ended = start(
    "echo $$ > pid; exec nohup $M > log 2>&1",
    `--input-http 127.0.0.1:${port} --output-file out.gor --output-file-append --verbose 1`,
  );
  await until(() => send(port));
  await until(() => recordsIn("out.gor") === 1);
  const pid = Number(text("pid"));
  renameSync(path("out.gor"), path("old.gor"));
  process.kill(pid, "SIGHUP");
  await until(() => text("log").includes("the next record opens its file anew"));
  expect(text("log")).toContain(
    "SIGHUP: certificates are read again and files opened anew; options need",
  );
  expect(await send(port)).toBe(true);
  await until(() => recordsIn("out.gor") === 1);
  expect(recordsIn("old.gor")).toBe(1);
  process.kill(pid, "SIGTERM");
  expect(await ended).toEqual([0, null]);
  expect(text("log")).toMatch(/2 received, 2 delivered\nnothing was lost\n$/);
});

it("a config file that has changed is named, and the run goes on as it was", async () => {
  const [port, other] = [await freePort(), await freePort()];
  const config = (at: number): string =>
    `input-http: "127.0.0.1:${at}"\noutput-file: out.gor\noutput-file-append: true\n`;
  writeFileSync(path("run.yaml"), config(port));
  const ended = start("echo $$ > pid; exec $M > log 2>&1", "--config run.yaml --verbose 1");
  await until(() => send(port));
  const pid = Number(text("pid"));
  process.kill(pid, "SIGHUP");
  await until(() => text("log").includes("the next record opens its file anew"));
  expect(text("log")).not.toContain("has changed");
  writeFileSync(path("run.yaml"), config(other));
  process.kill(pid, "SIGHUP");
  await until(() => text("log").includes("run.yaml has changed"));
  expect(text("log")).toContain(
    "mirrorball: SIGHUP: run.yaml has changed, and its options need a restart; mirrorball check --config run.yaml says whether they are right\n",
  );
  expect(await send(port)).toBe(true);
  expect(await send(other)).toBe(false);
  process.kill(pid, "SIGTERM");
  expect(await ended).toEqual([0, null]);
});

it("without anything to reopen it goes on, and says so", async () => {
  const port = await freePort();
  const ended = start(
    "echo $$ > pid; exec $M > log 2>&1",
    `--input-http 127.0.0.1:${port} --output-null`,
  );
  await until(() => send(port));
  process.kill(Number(text("pid")), "SIGHUP");
  await until(() =>
    text("log").includes("SIGHUP: there is nothing to read again or to open anew; going on"),
  );
  expect(await send(port)).toBe(true);
  process.kill(Number(text("pid")), "SIGTERM");
  expect(await ended).toEqual([0, null]);
});

it.runIf(have("script"))("at a terminal it delivers what was accepted, and ends", async () => {
  const port = await freePort();
  const flags = `--input-http 127.0.0.1:${port} --output-file out.gz --output-file-append --output-file-flush-interval 1h`;
  const ended = start("exec script -qec 'echo $$ > pid; exec $M' log", flags);
  await until(() => send(port));
  const pid = Number(text("pid"));
  process.kill(pid, "SIGHUP");
  process.kill(pid, "SIGHUP");
  await ended;
  expect(text("log")).toMatch(/nothing was lost/);
  expect(existsSync(path("out.gz"))).toBe(true);
});
