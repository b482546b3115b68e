// A small bank with logins, tokens, cookies, CSRF, uuids, cursors, clocks and shuffled lists is recorded through the SDK and replayed against fresh
// copies: nothing is said of a copy whose ids start elsewhere, and each fault is said at its place and nothing else.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { node, root } from "./processes.ts";

const folder = mkdtempSync(join(tmpdir(), "mirrorball-truth-"));
let lines: string[] = [];

beforeAll(async () => {
  const program = node([`${root}bench/truth/short.mjs`, folder]);
  await program.ended;
  expect(program.out.stderr).not.toMatch(/Error/);
  lines = program.out.stdout.trim().split("\n");
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("real sessions", () => {
  it("say nothing of a copy whose ids and clock start elsewhere: every status as recorded, from the SDK and from packets", () => {
    expect(lines.slice(0, 2)).toEqual([
      expect.stringMatching(/^max: same: (\d+) of \1 statuses, 0 differences, exit 0$/),
      expect.stringMatching(/^capture: same: (\d+) of \1 statuses, 0 differences, exit 0$/),
    ]);
  });

  it("say each fault at its place and nothing beside it: with and without a control, from packets, and live", () => {
    const rest = lines.slice(2);
    expect(rest).toHaveLength(11);
    expect(rest.filter((line) => !line.endsWith(": found"))).toEqual([]);
  });
});
