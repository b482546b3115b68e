// Recording and replaying with the real command: ends, exit codes, reports, and what kill -9 leaves.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, gunzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { ProgressLine, progressText } from "../src/commands/progress.ts";
import { mirrorball } from "./processes.ts";

const shop = fileURLToPath(new URL("../../server/test/fixtures/shop.gor", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "mirrorball-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function run(
  ...words: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = mirrorball(...words);
  return { code: await program.ended, ...program.out };
}

function record(id: string, atMs: number): string {
  return `1 ${id} ${1_732_406_400_000 + atMs}000000 0\nGET /${id} HTTP/1.1\r\nHost: a\r\n\r\n\n🐵🙈🙉\n`;
}

function file(name: string, ...records: string[]): string {
  writeFileSync(join(folder, name), records.join(""));
  return join(folder, name);
}

/** A recording whose second message comes in an hour. */
const hour = file("hour.gor", record("a", 0), record("b", 3_600_000), record("c", 3_600_001));

async function until(test: () => boolean): Promise<void> {
  while (!test()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("a replay", () => {
  it("ends by itself, says what it did, and exits 0 when all was delivered", async () => {
    const { code, stderr } = await run("--input-file", shop, "--output-null");
    expect(stderr).toMatch(/shop\.gor: 48 received\n[^]*48 delivered\nnothing was lost/);
    expect(code).toBe(0);
  });

  it("writes the same bytes again", async () => {
    const copy = join(folder, "copy.gor");
    const { code } = await run(
      "--input-file", shop, "--input-file-speed", "max", "--input-file-read-depth", "1",
      "--output-file", copy, "--output-file-append",
    ); // prettier-ignore
    expect(code).toBe(0);
    expect(readFileSync(copy).equals(readFileSync(shop))).toBe(true);
  });

  it("exits 1 when something of the file was no record", async () => {
    const path = file("bad.gor", record("a", 0), "rubbish\n\n🐵🙈🙉\n", record("b", 1));
    const { code, stderr } = await run("--input-file", path, "--output-null");
    expect(stderr).toMatch(/bad\.gor: no record at byte \d+/);
    expect(stderr).toMatch(/lost 1: bad-record 1/);
    expect(code).toBe(1);
  });

  it("of nothing is an error before it starts", async () => {
    const { code, stderr } = await run("--input-file", join(folder, "none*"), "--output-null");
    expect(stderr).toMatch(/no file matches .*none\*/);
    expect(code).toBe(1);
  });

  it("stopped before its end says so", async () => {
    const { code, stderr } = await run("--input-file", hour, "--output-null", "--exit-after", "1s");
    expect(stderr).toMatch(/1 received, 2 dropped \(stopped-before-end 2\)/);
    expect(code).toBe(1);
  });

  it("loops until it is stopped, and that is its end", async () => {
    const program = mirrorball("--input-file", shop, "--input-file-loop", "--input-file-speed", "max", "--output-stdout"); // prettier-ignore
    await program.printed(/(?:^1 83601ff57f0000011faa42a6 [^]*?){3}/m);
    program.child.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    expect(program.out.stderr).toMatch(/nothing was lost/);
  });

  it("tells what it would do, in gor's words", async () => {
    const path = file("dry.gor", record("a", 0), record("b", 100), record("c", 60_100), record("d", 50), record("e", 60_200)); // prettier-ignore
    const { code, stdout } = await run(
      "--input-file", `${path}|200%`, "--input-file-dry-run", "--input-file-read-depth", "1",
      "--output-null",
    ); // prettier-ignore
    expect(stdout.split("\n")).toEqual([
      "Records found: 5",
      "Files processed: 1",
      `Bytes processed: ${readFileSync(path).length}`,
      "Max wait: 30s",
      "Min wait: 0s",
      "First wait: 50ms",
      "It will take `30.1s` to replay at current speed.",
      "Found 1 records with out of order timestamp",
      "",
    ]);
    expect(code).toBe(0);
  });

  it("names every mistake in its flags", async () => {
    const { code, stderr } = await run(
      "--input-file", shop, "--output-null", "--input-file-speed", "fast", "--input-file-rate=0",
      "--input-file-max-wait", "5", "--input-file-read-depth", "0",
    ); // prettier-ignore
    expect(code).toBe(2);
    for (const name of ["speed", "rate", "max-wait", "read-depth"])
      expect(stderr).toMatch(new RegExp(`--input-file-${name}: must be`));
  });
});

describe("kill -9", () => {
  it.each(["r.gor", "r.gz"])(
    "leaves what was recorded until the last interval in %s",
    async (name) => {
      const path = join(folder, `kill-${name}`);
      const program = mirrorball(
      "--input-file", hour, "--output-file", path, "--output-file-flush-interval", "100ms",
    ); // prettier-ignore
      const chunk = (): string | undefined =>
        readdirSync(folder).find(
          (entry) => entry.startsWith("kill-r_0") && entry.endsWith(name.slice(1)),
        );
      const content = (): Buffer => readFileSync(join(folder, chunk() ?? ""));
      await until(() => chunk() !== undefined && content().length > 0);
      program.child.kill("SIGKILL");
      await program.ended;
      const bytes = name.endsWith(".gz")
        ? gunzipSync(content(), { finishFlush: constants.Z_FINISH })
        : content();
      expect(bytes.toString()).toBe(record("a", 0));
    },
  );
});

describe("the line that says how far a replay is", () => {
  const progress = { records: 500, share: 0.25, behindMs: 2, loops: false };

  it("tells records, rate, schedule, share and what is left", () => {
    expect(progressText([progress], 100, 10_000)).toBe(
      "500 records, 100/s, on schedule, 25 %, 0:30 left",
    );
    expect(progressText([{ ...progress, behindMs: 1500 }], 100, 4_000_000)).toBe(
      "500 records, 100/s, 1.5 s behind schedule, 25 %, 3:20:00 left",
    );
    expect(progressText([{ ...progress, behindMs: undefined, loops: true }], 100, 1000)).toBe(
      "500 records, 100/s, looping",
    );
  });

  it("makes way for lines of the log", () => {
    const written: string[] = [];
    const target = { columns: 30, write: (text: string) => written.push(text) };
    const line = new ProgressLine(target, () => [{ progress }]);
    line.show();
    line.log("a warning");
    line.stop();
    expect(written[0]?.length).toBeLessThan(30 + 4);
    expect(written.slice(1)).toEqual(["\r\u001B[K", "a warning\n"]);
  });
});
