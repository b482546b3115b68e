/**
 * `--output-http URL`: replays requests against a target and, when asked, hands its answers on as replayed responses.
 *
 * Method, target, order, case and duplicates of header fields and the body's bytes go out as recorded; the values of
 * Host and of framing fields are made right for the target. A target that is down, slow or talks nonsense costs the
 * messages it was sent, counted by reason, and nothing else.
 */
import { MessageKind, isResponseHead } from "@mirrorball/protocol/messages";
import type { Message } from "@mirrorball/protocol";
import { defineOutput } from "../component/define.ts";
import type { OutputDeclaration } from "../component/define.ts";
import { choice, duration, flag, integer, secret, size, text } from "../component/kinds.ts";
import { Refusal } from "../component/option.ts";
import type { OptionSpec, OptionValues } from "../component/option.ts";
import { parseOrderKey } from "../core/order/order-key.ts";
import { parseProxy } from "./http/proxies.ts";
import { SAFE_METHODS } from "../core/http/safe-methods.ts";
import { parseTarget } from "./http/target.ts";
import type { PathRule } from "./http/target.ts";

/** gor kept 100 kB and stopped doing so; what is compared and stored should be whole. */
const RESPONSE_BYTES_MAX = 16 * 1024 * 1024;

const ORDER_RULE = new Refusal("must be connection, header:NAME, cookie:NAME or param:NAME");

const workers: OptionSpec<number> = integer({
  help: "Connections at most; 0 finds a number by itself, up to 512, as long as more of them help.",
  example: "20",
  default: 0,
  min: 0,
  max: 10_000,
});

const options: {
  timeoutMs: OptionSpec<number>;
  workers: OptionSpec<number>;
  workersMin: OptionSpec<number>;
  workerTimeoutMs: OptionSpec<number>;
  redirects: OptionSpec<number>;
  redirectsAnywhere: OptionSpec<boolean>;
  path: OptionSpec<PathRule>;
  trackResponse: OptionSpec<boolean>;
  responseBufferBytes: OptionSpec<number>;
  skipVerify: OptionSpec<boolean>;
  ca: OptionSpec<string>;
  proxy: OptionSpec<string>;
  maxConnectionAgeMs: OptionSpec<number>;
  ambiguous: OptionSpec<boolean>;
  originalHost: OptionSpec<boolean>;
  retry: OptionSpec<boolean>;
  preserveOrder: OptionSpec<string>;
  correlate: OptionSpec<string>;
  correlateWaitMs: OptionSpec<number>;
  correlateOrder: OptionSpec<"session" | "all">;
  correlateJwtKey: OptionSpec<string>;
  correlateTimes: OptionSpec<boolean>;
} = {
  timeoutMs: duration({
    help: "Time for a whole exchange, connecting and the answer's body included.",
    example: "30s",
    default: 5000,
    min: 100,
  }),
  // gor 0.x wrote -1 for "as many as it takes".
  workers: { ...workers, parse: (raw) => workers.parse(raw === "-1" ? "0" : raw) },
  workersMin: integer({
    help: "Connections that are kept when there is nothing to do.",
    example: "10",
    default: 1,
    min: 0,
    max: 10_000,
  }),
  workerTimeoutMs: duration({
    help: "How long a connection may be idle before it is closed.",
    example: "10s",
    default: 2000,
  }),
  redirects: integer({
    help: "Redirects to follow, on the target itself only; a redirect elsewhere is taken as the answer.",
    example: "2",
    default: 0,
    min: 0,
    max: 100,
  }),
  redirectsAnywhere: flag({
    help: "Follow redirects to other hosts, too; Authorization and Cookie are not sent there.",
    default: false,
  }),
  path: choice(["replace", "ignore", "prefix"], {
    help: "A path in the URL: every request goes there (replace), recorded paths are kept (ignore, gor up to 1.2), or it goes in front of them (prefix).",
    example: "prefix",
    default: "replace",
  }),
  trackResponse: flag({
    help: "Hand the target's answers on to the other outputs, and compare their status with the original.",
    default: false,
  }),
  responseBufferBytes: size({
    help: "Bytes of a tracked answer's body that are kept; what is longer is cut, and marked so.",
    example: "100kb",
    default: RESPONSE_BYTES_MAX,
  }),
  skipVerify: flag({
    help: "Do not verify the target's TLS certificate.",
    default: false,
  }),
  ca: text({
    help: "PEM file of the authorities to trust instead of the system's; a self-signed certificate is its own. SIGHUP reads it again.",
    example: "/etc/mirrorball/staging-ca.pem",
    placeholder: "FILE",
    default: "",
  }),
  proxy: {
    ...text({
      help: "Go through this HTTP proxy; env takes it from HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Without, there is none, whatever the environment says.",
      example: "http://proxy:3128",
      placeholder: "URL|env",
      default: "",
    }),
    secret: true,
    parse: (raw) => (raw === "" ? raw : parseProxy(raw)),
  },
  maxConnectionAgeMs: duration({
    help: "How long a connection may be used before a new one takes its place, so that changes in DNS are followed; 0 means as long as it works.",
    example: "1m",
    default: 300_000,
  }),
  ambiguous: flag({
    help: "Replay captured requests too whose framing can be read in two ways, as attackers make them.",
    default: false,
  }),
  originalHost: flag({
    flag: "http-original-host",
    help: "Send the recorded Host field instead of the target's.",
    default: false,
  }),
  retry: flag({
    help: "After a crash, send again what may have been sent before it, also requests with side effects (with --journal).",
    default: false,
  }),
  preserveOrder: {
    flag: "preserve-order",
    help: "Keep the recorded order within one connection or session: a request waits for the answer to the one before it.",
    example: "cookie:sid",
    placeholder: "connection|header:NAME|cookie:NAME|param:NAME",
    kind: "value",
    default: "",
    parse: (raw) => (parseOrderKey(raw) === undefined ? ORDER_RULE : raw),
  },
  correlate: text({
    flag: "correlate",
    help: "Make recorded sessions work at the target: learn how tokens, cookies and ids are called there from pairs of answers, and write them into later requests. auto learns as it goes, or from the recording before anything is sent; FILE has reviewed rules of mirrorball learn.",
    example: "auto",
    placeholder: "auto|off|FILE",
    default: "off",
  }),
  correlateWaitMs: duration({
    flag: "correlate-wait",
    help: "A request is held for the answers it depends on as long as the target answers anything; after so much silence it is sent as it is, and counted.",
    example: "30s",
    default: 10_000,
  }),
  correlateOrder: choice(["session", "all"], {
    flag: "correlate-order",
    help: "What a request is held for: what had ended before it in its own session, or in all of them, as replays need that are faster than the recording.",
    example: "all",
    default: "session",
  }),
  correlateJwtKey: secret({
    flag: "correlate-jwt-key",
    help: "With --correlate: sign JWTs that the target did not give out anew with this key, iat, nbf and exp moved by how much later they are sent. An HMAC secret (HS256, HS384, HS512) or a private key in PEM (RS, ES); the algorithm stays the token's.",
    example: "a-secret-of-staging",
  }),
  correlateTimes: flag({
    flag: "correlate-times",
    help: "With --correlate: move times in requests (ISO, HTTP, seconds and milliseconds since 1970) by how much later they are sent than they were recorded.",
    default: false,
  }),
};

function hasSideEffects({ http: { head } }: Message): boolean {
  return head === undefined || isResponseHead(head) || !SAFE_METHODS.has(head.method);
}

export const outputHttp: OutputDeclaration<typeof options> = defineOutput({
  name: "output-http",
  firstPage: "replay the requests there",
  summary:
    "Replay requests against a URL. Without a path of its own the recorded path and query are used; with one, --output-http-path decides.",
  argument: {
    placeholder: "URL",
    example: "http://staging:8080",
    parse: (raw) => {
      const target = parseTarget(raw);
      return target instanceof Refusal ? target : raw;
    },
  },
  accepts: [MessageKind.request],
  sendsTo: (argument) => {
    const target = parseTarget(argument);
    if (target instanceof Refusal) return undefined;
    const { protocol, hostname, port, socketPath } = target.address;
    if (socketPath !== undefined) return { host: undefined, ports: [], path: socketPath };
    const implied = protocol === "https:" ? 443 : 80;
    return { host: hostname, ports: [port === "" ? implied : Number(port)], path: undefined };
  },
  options,
  atMostOnce: ({ retry }) => (retry ? undefined : hasSideEffects),
  load: ({ correlate }) =>
    correlate === "off" ? import("./http/output.ts") : import("./http/correlated-output.ts"),
});

export type HttpOptions = OptionValues<typeof options>;
