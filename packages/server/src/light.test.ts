// Declarations are light: what only asks what there is (`--help`, `check`, docs) loads nothing that does the work. A process of its own
// loads them and says what it has loaded beside.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

const HOOK = `
import { writeSync } from "node:fs";
export async function load(url, context, next) {
  writeSync(2, "loads " + url + "\\n");
  return next(url, context);
}`;
const dataUrl = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`;

function loadedBy(program: string): string[] {
  const hooked = `import { register } from "node:module"; register(${JSON.stringify(dataUrl(HOOK))});`;
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--import", dataUrl(hooked), "--input-type=module", "--eval", program],
    { cwd: root, encoding: "utf8" },
  );
  expect(status, stderr).toBe(0);
  return stderr.split("\n").flatMap((line) => (line.startsWith("loads ") ? line.slice(6) : []));
}

/** Packages that only work needs, and built-in modules that take long to load. */
const HEAVY =
  /node_modules\/|^node:(?:http|https|http2|tls|worker_threads|child_process|dgram|dns|crypto)\b|protocol\/dist\/(?:index|producer|consumer|record)\.js/;

const HELP = `
import { catalogue, flagsOf, planFrom } from "@mirrorball/server";
flagsOf(catalogue);
planFrom(["--input-tcp", ":0", "--output-http", "http://127.0.0.1:1", "--output-file", "x.gor"], catalogue);`;

describe("what --help and check load", () => {
  it("is light", () => {
    const loaded = loadedBy(HELP);
    expect(loaded.some((url) => url.endsWith("/dist/catalogue.js"))).toBe(true);
    expect(loaded.filter((url) => HEAVY.test(url))).toEqual([]);
    // Makers stay where they are.
    expect(
      loaded.filter((url) =>
        /\/dist\/(?!component\/).*\/(?:input|output|relay|tool)\.js$/.test(url),
      ),
    ).toEqual([]);
  });

  it("grows by what a plan names, and by nothing else", () => {
    const loaded = loadedBy(`
      import { ReplayServer, catalogue, planFrom } from "@mirrorball/server";
      const { plan } = planFrom(["--input-dummy", "1", "--output-tcp", "127.0.0.1:1"], catalogue);
      await ReplayServer.create(plan);`);
    expect(loaded.some((url) => url.endsWith("/outputs/tcp/output.js"))).toBe(true);
    expect(loaded.filter((url) => /node_modules\/(?:undici|lmdb|re2js|yaml|pcap)\//.test(url))).toEqual([]); // prettier-ignore
  });
});
