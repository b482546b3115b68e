// docs/from-gor.md against the list of gor's flags: each has one row, and what the row says is what the command does.
import { readFileSync } from "node:fs";
import { catalogue, flagsOf, unsupportedFlags } from "@mirrorball/server";
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

/** Components that are being built: a name goes from here when its component is in the catalogue. */
const AWAITED =
  /^(?:input-(?:dummy|file|raw)|middleware|output-(?:file|tcp|http)-|output-tcp$|split-output$)/;

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
      expect(known.has(name) || AWAITED.test(name)).toBe(true);
    }
  });
});
