// `mirrorball check`: prints the plan and starts nothing; tells every fault with exit code 2.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { mirrorball } from "./processes.ts";

const folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
afterAll(() => rmSync(folder, { recursive: true }));

function config(text: string): string {
  const file = join(folder, "replay.yaml");
  writeFileSync(file, text);
  return file;
}

it("prints inputs, stages in order, outputs and what is not default, without secrets", async () => {
  const file = config('input-tcp: ":1"\ninput-tcp-token: hush-hush-hush-hush\nhttp-rewrite-url: "/a:/b"\nhttp-allow-url: /a\n'); // prettier-ignore
  const program = mirrorball("check", "--config", file, "--output-http", "http://u:secret@staging|10", "--output-http-timeout", "9s"); // prettier-ignore
  expect(await program.ended).toBe(0);
  expect(program.out.stderr).toBe("");
  expect(program.out.stdout).toMatch(/^inputs\n {2}input-tcp :1\nstages, in order\n {2}allow-url: .*\n {2}rewrite-url: .*\noutputs\n {2}output-http http:\/\/u:\*\*\*@staging, at most 10 requests a second\n/); // prettier-ignore
  expect(program.out.stdout).toContain("--output-http-timeout 9s (default 5s)");
  expect(program.out.stdout).not.toMatch(/hush|secret/);
});

it("tells every fault, of file and words, and exits 2", async () => {
  const file = config("output-htp: x\nhttp-allow-url: (?=x)\nhttp-allow-header: nocolon\n");
  const program = mirrorball("check", "--config", file, "--input-tcp", ":1", "--output-null", "--output-ws", "ws://x"); // prettier-ignore
  expect(await program.ended).toBe(2);
  const lines = program.out.stderr.trimEnd().split("\n");
  expect(lines).toHaveLength(4);
  expect(program.out.stderr).toContain(`${file}:2: http-allow-url: must be a regular expression in Go's syntax (RE2), which has no look-around`); // prettier-ignore
  expect(program.out.stderr).toContain(`${file}:3: http-allow-header: must be NAME:REGEXP`);
  expect(program.out.stderr).toContain("--output-ws: not supported: ");
});

it("is what a run says of a rule without its colon", async () => {
  const program = mirrorball("--input-tcp", ":1", "--output-null", "--http-rewrite-url", "/a");
  expect(await program.ended).toBe(2);
  expect(program.out.stderr).toBe('mirrorball: --http-rewrite-url: must be REGEXP:TARGET, as in \'/v1/user/([^/]+)/ping:/v2/user/$1/ping\'; got "/a"\n'); // prettier-ignore
});
