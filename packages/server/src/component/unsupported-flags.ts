/**
 * Flags of gor that this server knows and does not have: why, and what to use instead. The command line and
 * `docs/from-gor.md` say so from this one list. Data only.
 */

export interface UnsupportedFlags {
  /** Without dashes. */
  readonly names: readonly string[];
  /** Completes "not supported: …". */
  readonly reason: string;
}

const named = (prefix: string, ...suffixes: readonly string[]): string[] =>
  suffixes.map((suffix) => (suffix === "" ? prefix : `${prefix}-${suffix}`));

const SASL = ["use-sasl", "mechanism", "username", "password"];

export const unsupportedFlags: readonly UnsupportedFlags[] = [
  {
    names: [
      ...named("input-kafka", "host", "topic", "json-format", "offset", ...SASL),
      ...named("output-kafka", "host", "topic", "json-format", ...SASL),
      ...named("kafka-tls", "ca-cert", "client-cert", "client-key"),
    ],
    reason:
      "there is no Kafka input or output; use --output-tcp to send traffic to another server, or --output-file",
  },
  {
    names: named("output-ws", "", "skip-verify", "sticky", "workers", "stats"),
    reason: "there is no WebSocket output; use --output-tcp",
  },
  {
    names: [
      ...named("output-binary", "", "workers", "timeout", "track-response", "debug"),
      "output-tcp-response-buffer",
    ],
    reason: "protocols other than HTTP are not replayed, as in gor's free edition",
  },
  {
    names: ["output-file-buffer"],
    reason: "files are written where they are to be and not to S3, so there is nothing to stage",
  },
  {
    names: ["recognize-tcp-sessions"],
    reason:
      "use --preserve-order connection, which keeps the order within each recorded connection; gor's free edition refuses it too",
  },
  {
    names: ["cpuprofile"],
    reason: "start the command by node --cpu-prof, which writes a profile when it ends",
  },
  {
    names: ["memprofile"],
    reason: "start the command by node --heap-prof, which writes a profile when it ends",
  },
  { names: ["debug"], reason: "use --verbose 3" },
];

/** gor's sub-commands. */
export const unsupportedCommands: Readonly<Record<string, string>> = {
  "file-server": "there is no file server; any will do, such as python3 -m http.server",
  listen: "gor 0.3 had it; use --input-raw and --output-tcp",
  replay: "gor 0.3 had it; use --input-tcp and --output-http",
};

const reasons: ReadonlyMap<string, string> = new Map(
  unsupportedFlags.flatMap(({ names, reason }) => names.map((name) => [name, reason])),
);

export function reasonUnsupported(name: string): string | undefined {
  return reasons.get(name);
}
