// docs/from-gor.md against the list of gor's flags: each has one row, and what the row says is what the command does.
import { readFileSync } from "node:fs";
import { catalogue, planFrom } from "@mirrorball/server";
import { flagsOf, unsupportedFlags } from "@mirrorball/server/reference";
import { describe, expect, it } from "vitest";
import { root } from "./processes.ts";

/** Every flag of gor's newest version. */
const gorFlags = `
copy-buffer-size exit-after http-allow-header http-allow-method http-allow-url http-basic-auth-filter http-disallow-header 
http-disallow-url http-header-limiter http-original-host http-param-limiter http-pprof http-rewrite-header http-rewrite-url http-set-header 
http-set-param input-dummy input-file input-file-dry-run input-file-loop input-file-max-wait input-file-read-depth input-kafka-host 
input-kafka-json-format input-kafka-mechanism input-kafka-offset input-kafka-password input-kafka-topic input-kafka-use-sasl 
input-kafka-username input-raw input-raw-allow-incomplete input-raw-bpf-filter input-raw-buffer-size input-raw-buffer-timeout 
input-raw-engine input-raw-expire input-raw-ignore-interface input-raw-monitor input-raw-override-snaplen input-raw-promisc 
input-raw-protocol input-raw-realip-header input-raw-stats input-raw-timestamp-type input-raw-track-response input-raw-vlan 
input-raw-vlan-vid input-raw-vxlan-port input-raw-vxlan-vni input-tcp input-tcp-certificate input-tcp-certificate-key input-tcp-secure 
kafka-tls-ca-cert kafka-tls-client-cert kafka-tls-client-key middleware output-binary output-binary-debug output-binary-timeout 
output-binary-track-response output-binary-workers output-file output-file-append output-file-buffer output-file-flush-interval 
output-file-max-size-limit output-file-queue-limit output-file-size-limit output-http output-http-elasticsearch output-http-queue-len 
output-http-redirects output-http-response-buffer output-http-skip-verify output-http-stats output-http-stats-ms output-http-timeout 
output-http-track-response output-http-worker-timeout output-http-workers output-http-workers-min output-kafka-host 
output-kafka-json-format output-kafka-mechanism output-kafka-password output-kafka-topic output-kafka-use-sasl output-kafka-username 
output-null output-stdout output-tcp output-tcp-response-buffer output-tcp-secure output-tcp-skip-verify output-tcp-stats output-tcp-sticky 
output-tcp-workers output-ws output-ws-skip-verify output-ws-stats output-ws-sticky output-ws-workers prettify-http recognize-tcp-sessions 
split-output stats verbose cpuprofile memprofile 
`
  .trim()
  .split(/\s+/);

const page = readFileSync(`${root}docs/from-gor.md`, "utf8");
const rows = new Map<string, string>();
for (const [, name = "", status = ""] of page.matchAll(
  /^\| `([a-z0-9-]+)`\s*\| (same|better|not supported)\s*\|/gm,
)) {
  if (rows.has(name)) throw new Error(`${name} has two rows`);
  rows.set(name, status);
}
const unsupported = new Set(unsupportedFlags.flatMap(({ names }) => names));
const known = new Set(flagsOf(catalogue).flatMap(({ name, aliases }) => [name, ...aliases]));

describe("docs/from-gor.md", () => {
  it("has one row for every flag of gor, and no other", () => {
    expect([...rows.keys()].toSorted()).toEqual(gorFlags.toSorted());
  });

  it.each(gorFlags)("says of %s what the command does", (name) => {
    if (rows.get(name) === "not supported") {
      expect(unsupported.has(name)).toBe(true);
      expect(known.has(name)).toBe(false);
    } else {
      expect(unsupported.has(name)).toBe(false);
      expect(known.has(name)).toBe(true);
    }
  });
});

/** Every flag that the README of gor 0.1x names, in its text, its examples and its reference. */
const seedFlags = `
http-allow-header http-disallow-header http-allow-method http-allow-url http-disallow-url http-header-limiter http-header-imiter
http-param-limiter http-rewrite-url http-set-header http-header http-set-param http-original-host input-dummy input-file input-http input-raw
input-tcp memprofile middleware output-dummy output-file output-http output-http-elasticsearch output-http-header-filter
output-http-redirects output-http-stats output-http-timeout output-http-workers output-tcp output-tcp-stats split-output stats verbose
`
  .trim()
  .split(/\s+/);

/** Names that older versions had and its documentation or its users still write. */
const olderFlags = `
output-http-header output-http-method output-http-url-regexp output-http-rewrite-url output-http-header-hash-filter http-diallow-url debug
`
  .trim()
  .split(/\s+/);

describe("the command", () => {
  it.each([...new Set([...gorFlags, ...seedFlags, ...olderFlags])])(
    "accepts --%s or refuses it with its reason",
    (name) => {
      for (const dashes of ["-", "--"]) {
        const made = planFrom([`${dashes}${name}`, "x"], catalogue);
        const errors = "errors" in made ? made.errors : [];
        // Its value may be wrong, or something else be missing; the name is not.
        expect(errors.filter((error) => error.includes("unknown flag"))).toEqual([]);
        const reason = errors.find((error) => error.startsWith(`--${name}: not supported: `));
        expect(reason === undefined).toBe(known.has(name));
      }
    },
  );
});

describe("the defaults", () => {
  // gor's, where this page says "same" or names no other.
  it.each<[string, string | undefined]>([
    ["input-file-read-depth", "100"],
    ["input-raw-engine", "libpcap"],
    ["input-raw-protocol", "http"],
    ["output-file-flush-interval", "1s"],
    ["output-file-max-size-limit", "1tb"],
    ["output-file-queue-limit", "256"],
    ["output-file-size-limit", "32mb"],
    ["output-http-queue-len", "1000"],
    ["output-http-redirects", "0"],
    ["output-http-stats-ms", "5000"],
    ["output-http-timeout", "5s"],
    ["output-http-worker-timeout", "2s"],
    ["output-http-workers", "0"],
    ["output-http-workers-min", "1"],
    ["output-tcp-workers", "10"],
  ])("--%s %s", (name, text) => {
    const found = flagsOf(catalogue).find((each) => each.name === name);
    expect(found?.role === "option" ? defaultOf(found.spec) : undefined).toBe(text);
  });
});

function defaultOf({
  defaultText,
  default: value,
}: {
  defaultText?: string;
  default: unknown;
}): string {
  return defaultText ?? String(value);
}
