// What is not used is not loaded: each command is run as a process of its own, which says at its end which modules it has.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

const HOOK = `
import { writeSync } from "node:fs";
export async function load(url, context, next) {
  writeSync(2, "loads " + url + "\\n");
  return next(url, context);
}`;
const dataUrl = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`;
/** The hook sees what is imported, the cache holds what is required. */
const SPY = `
import { writeSync } from "node:fs";
import Module, { register } from "node:module";
register(${JSON.stringify(dataUrl(HOOK))});
process.once("exit", () => {
  for (const file of Object.keys(Module._cache)) writeSync(2, "loads " + file + "\\n");
});`;

function loadedBy(...words: string[]): string[] {
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--import", dataUrl(SPY), `${root}packages/cli/bin/mirrorball.mjs`, ...words],
    { cwd: root, encoding: "utf8" },
  );
  expect(status, stderr).toBe(0);
  return stderr.split("\n").flatMap((line) => (line.startsWith("loads ") ? line.slice(6) : []));
}

/** Packages of others, and built-in modules that take long to load. */
const HEAVY =
  /node_modules\/|^node:(?:http|https|http2|tls|worker_threads|child_process|dgram|dns|crypto)\b/;
/** The codec and the ends of connections. */
const WIRE = /protocol\/dist\/(?:index\.js|session\/|wire\/)/;
/** msgpackr and what it takes when it is there. */
const CODEC = new Set([
  "msgpackr",
  "msgpackr-extract",
  "node-gyp-build-optional-packages",
  "detect-libc",
]);
/** What does the work of a component. */
const MAKERS = /\/dist\/(?:inputs|outputs|relays|tools|runs)\/.*\/[a-z-]*(?:input|output|relay|tool)\.js$/; // prettier-ignore
/** A module costs 1.6 ms on a slow machine, and bare Node 130: so many cost two and a half times a bare Node. */
const HELP_MODULES_MAX = 120;

describe("what is loaded", () => {
  it("for --help is declarations and nothing that runs", () => {
    const loaded = loadedBy("--help");
    expect(loaded.some((url) => url.endsWith("/dist/catalogue.js"))).toBe(true);
    const runs = /cli\/dist\/commands\/(?:run|check|tool)|server\/dist\/index|\/engine\/replay-server/; // prettier-ignore
    for (const kind of [HEAVY, WIRE, MAKERS, runs])
      expect(loaded.filter((url) => kind.test(url))).toEqual([]);
    expect(loaded.length).toBeLessThanOrEqual(HELP_MODULES_MAX);
  });

  it("for check is what makes a plan", () => {
    const plan = ["--input-tcp", ":0", "--output-http", "http://127.0.0.1:1", "--journal", "x"];
    const loaded = loadedBy("check", ...plan, "--output-file", "x.gor");
    expect(loaded.some((url) => url.endsWith("/engine/plan/plan.js"))).toBe(true);
    for (const kind of [HEAVY, WIRE, MAKERS])
      expect(loaded.filter((url) => kind.test(url))).toEqual([]);
  });

  it("for a run is what its plan names: undici with the first connection, the rest never", () => {
    const plan = ["--input-tcp", "127.0.0.1:0", "--output-http", "http://127.0.0.1:1"];
    const loaded = loadedBy(...plan, "--exit-after", "1ms");
    const makers = loaded.filter((url) => MAKERS.test(url)).map((url) => url.replace(/.*dist/, ""));
    expect(makers).toEqual(["/inputs/tcp/input.js", "/outputs/http/output.js"]);
    const packages = loaded.flatMap(
      (url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [],
    );
    expect(packages.filter((name) => !CODEC.has(name.replace(/^@(msgpackr-extract)\/.*/, "$1")))).toEqual([]); // prettier-ignore
    const idle = /\/journal\/|\/core\/(?:correlate|compare|content|packet|tcp)\/|\/tools\/.*\/|\/relays\/.*\//; // prettier-ignore
    expect(loaded.filter((url) => idle.test(url) && !/\/core\/journal\/|\/convert\/format/.test(url))).toEqual([]); // prettier-ignore
  });

  it("grows with the options of a plan", () => {
    const plan = ["--input-tcp", "127.0.0.1:0", "--output-http", "http://127.0.0.1:1"];
    const loaded = loadedBy(...plan, "--correlate", "auto", "--exit-after", "1ms");
    expect(loaded.some((url) => url.endsWith("/core/correlate/correlator.js"))).toBe(true);
  });
});
