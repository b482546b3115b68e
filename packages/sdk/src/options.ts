/**
 * The options of a mirror: what users write, what the environment may say instead, and the checked form the rest of the SDK
 * works with. All faults are found at once and told in one error; after that nothing is validated again.
 */
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import type { ConnectionOptions } from "node:tls";
import { NAME_CHARS_MAX, TOKEN_CHARS_MIN } from "@mirrorball/protocol/producing";
import { breakerFrom } from "./guard/breaker.ts";
import type { BreakerLimits, BreakerOptions } from "./guard/breaker.ts";
import { settle } from "./guard/callbacks.ts";
import { redactRulesFrom } from "./redact/rules.ts";
import type { RedactOptions, RedactRules } from "./redact/rules.ts";

/** Where a session's key is found, for sampling whole sessions. */
export type SampleKey =
  | { readonly header: string }
  | { readonly cookie: string }
  | { readonly query: string };

export interface TlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** What `mirror(options)` takes. Every option may be left out. */
export interface MirrorOptions {
  /** `host:port`, `unix:/path`, or a list of them tried in order. `MIRRORBALL_SERVER`; default `127.0.0.1:28020`. */
  readonly server?: string | readonly string[];
  /** The name of this service in what it sends. `MIRRORBALL_SERVICE`; default `app`. */
  readonly service?: string;
  /** Secret shared with the replay server, proved by HMAC and never sent. `MIRRORBALL_TOKEN`. */
  readonly token?: string;
  /** Encrypt the connection: `true`, or certificates. `MIRRORBALL_TLS=1`, `MIRRORBALL_TLS_CA` (a file). */
  readonly tls?: boolean | TlsOptions;
  /** What is teed of responses: everything, the head, nothing. `MIRRORBALL_RESPONSES`; default `full`. */
  readonly responses?: "full" | "head" | "off";
  /** Share of the exchanges to tee, 0 to 1, or whole sessions by a key. `MIRRORBALL_SAMPLE`; default 1. */
  readonly sample?: number | { readonly share: number; readonly by: SampleKey };
  /** Says whether a request is teed, with true or false, at once. */
  readonly filter?: (req: IncomingMessage) => boolean;
  /**
   * What is replaced before anything waits to be sent: rules, or `"defaults"` for the usual names of secrets.
   * `MIRRORBALL_REDACT=defaults`, `MIRRORBALL_REDACT_HEADERS`, `_QUERY`, `_COOKIES`, `_JSON`, `_FORM` (comma lists), `_KEY`.
   */
  readonly redact?: "defaults" | RedactOptions;
  /** Bytes of one body that are teed; the rest is cut off and marked. `MIRRORBALL_MAX_BODY_BYTES`; default 8 MiB. */
  readonly maxBodyBytes?: number;
  /** Bytes that may wait in this process; beyond, exchanges are dropped and counted. `MIRRORBALL_MAX_BUFFER_BYTES`; default 16 MiB. */
  readonly maxBufferBytes?: number;
  /** Names and values that travel with the exchange. Called when it ends. */
  readonly tags?: (req: IncomingMessage) => Readonly<Record<string, string | number | boolean>>;
  /**
   * What becomes of an exchange when `filter` or `tags` throws or answers anything else, a promise for instance. By default a
   * filter's is dropped and a tags function's kept, without its tags. Counted in any case.
   */
  readonly onCallbackError?: "drop" | "keep";
  /** When the SDK steps aside because the process is in trouble; `false`: never. `MIRRORBALL_BREAKER=off`. */
  readonly breaker?: false | BreakerOptions;
  /** `false` makes a mirror that does nothing. `MIRRORBALL_DISABLED=1` does the same for all of them. */
  readonly enabled?: boolean;
  /** Takes the few lines the SDK has to say; default `console.warn`. */
  readonly log?: (line: string) => void;
}

export type ServerAddress =
  | { readonly host: string; readonly port: number; readonly text: string }
  | { readonly path: string; readonly text: string };

/** The checked form. */
export interface Settings {
  readonly servers: readonly ServerAddress[];
  readonly service: string;
  readonly token: string | undefined;
  readonly tls: ConnectionOptions | undefined;
  readonly responses: "full" | "head" | "off";
  readonly sampleShare: number;
  readonly sampleBy: SampleKey | undefined;
  readonly filter: ((req: IncomingMessage) => boolean) | undefined;
  readonly redact: RedactRules | undefined;
  readonly maxBodyBytes: number;
  readonly maxBufferBytes: number;
  readonly tags: MirrorOptions["tags"];
  readonly onCallbackError: "drop" | "keep" | undefined;
  readonly breaker: BreakerLimits | undefined;
  readonly enabled: boolean;
  readonly log: (line: string) => void;
}

const MIB = 1024 * 1024;
const MAX_BODY_BYTES_DEFAULT = 8 * MIB;
const MAX_BUFFER_BYTES_DEFAULT = 16 * MIB;
/** Less than this cannot hold one batch. */
const MAX_BUFFER_BYTES_MIN = 256 * 1024;
const SERVER_DEFAULT = "127.0.0.1:28020";

type Environment = Readonly<Record<string, string | undefined>>;

/** Merges options over the environment over the defaults. Throws a TypeError that lists every fault. */
export function settingsFrom(options: MirrorOptions, env: Environment): Settings {
  const faults: string[] = [];
  const check: Check = (ok, name, rule, value) => {
    if (!ok) faults.push(`${name}: must be ${rule}; got ${show(value)}`);
  };
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.has(name)) faults.push(`${name}: is not an option`);
  }
  const { share, by } = sampleFrom(
    options.sample ?? numberFrom(env["MIRRORBALL_SAMPLE"]) ?? 1,
    check,
  );
  const settings: Settings = {
    servers: serversFrom(options.server ?? env["MIRRORBALL_SERVER"] ?? SERVER_DEFAULT, check),
    tls: tlsFrom(options.tls, env, check),
    ...identityFrom(options, env, check),
    ...boundsFrom(options, env, check),
    ...callbacksFrom(options, check),
    responses: responsesFrom(options.responses ?? env["MIRRORBALL_RESPONSES"] ?? "full", check),
    sampleShare: share,
    sampleBy: by,
    redact: redactRulesFrom(options.redact, env, check),
    breaker: breakerFrom(options.breaker, env, check),
    enabled: enabledFrom(options.enabled ?? true, env, check),
  };
  if (faults.length > 0) throw new TypeError(`mirror(): ${faults.join("; ")}`);
  return settings;
}

function identityFrom(
  options: MirrorOptions,
  env: Environment,
  check: Check,
): Pick<Settings, "service" | "token"> {
  const service = options.service ?? env["MIRRORBALL_SERVICE"] ?? "app";
  check(
    typeof service === "string" && service.length > 0 && service.length <= NAME_CHARS_MAX,
    "service", `a text of 1 to ${NAME_CHARS_MAX} characters`, service,
  ); // prettier-ignore
  const token = options.token ?? env["MIRRORBALL_TOKEN"];
  check(
    token === undefined || (typeof token === "string" && token.length >= TOKEN_CHARS_MIN),
    "token",
    `a text of at least ${TOKEN_CHARS_MIN} characters`,
    "(hidden)",
  );
  return { service, token };
}

function boundsFrom(
  options: MirrorOptions,
  env: Environment,
  check: Check,
): Pick<Settings, "maxBodyBytes" | "maxBufferBytes"> {
  const maxBodyBytes =
    options.maxBodyBytes ?? numberFrom(env["MIRRORBALL_MAX_BODY_BYTES"]) ?? MAX_BODY_BYTES_DEFAULT;
  check(isCount(maxBodyBytes), "maxBodyBytes", "a whole number of bytes, 0 or more", maxBodyBytes);
  const maxBufferBytes =
    options.maxBufferBytes ??
    numberFrom(env["MIRRORBALL_MAX_BUFFER_BYTES"]) ??
    MAX_BUFFER_BYTES_DEFAULT;
  check(
    isCount(maxBufferBytes) && maxBufferBytes >= MAX_BUFFER_BYTES_MIN,
    "maxBufferBytes", `a whole number of bytes, at least ${MAX_BUFFER_BYTES_MIN}`, maxBufferBytes,
  ); // prettier-ignore
  return { maxBodyBytes, maxBufferBytes };
}

function callbacksFrom(
  options: MirrorOptions,
  check: Check,
): Pick<Settings, "filter" | "tags" | "onCallbackError" | "log"> {
  for (const name of ["filter", "tags", "log"] as const) {
    const value: unknown = options[name];
    check(value === undefined || typeof value === "function", name, "a function", value);
  }
  const { filter, tags, onCallbackError } = options;
  check(
    onCallbackError === undefined || onCallbackError === "drop" || onCallbackError === "keep",
    "onCallbackError", '"drop" or "keep"', onCallbackError,
  ); // prettier-ignore
  const log = harmless(options.log ?? ((line) => console.warn(line)));
  return { filter, tags, onCallbackError, log };
}

function responsesFrom(responses: string, check: Check): Settings["responses"] {
  const isKnown = isResponses(responses);
  check(isKnown, "responses", '"full", "head" or "off"', responses);
  return isKnown ? responses : "full";
}

function enabledFrom(enabled: unknown, env: Environment, check: Check): boolean {
  check(typeof enabled === "boolean", "enabled", "true or false", enabled);
  return enabled === true && !isOn(env["MIRRORBALL_DISABLED"]);
}

/** The SDK logs from timers and sockets: what throws or rejects there would end the process. */
function harmless(log: (line: string) => unknown): (line: string) => void {
  return (line) => {
    try {
      settle(log(line));
    } catch {
      // There is nobody left to tell.
    }
  };
}

type Check = (ok: boolean, name: string, rule: string, value: unknown) => void;

/** Names of all options. */
export const OPTION_NAMES: ReadonlySet<string> = new Set([
  "server", "service", "token", "tls", "responses", "sample", "filter", "redact",
  "maxBodyBytes", "maxBufferBytes", "tags", "onCallbackError", "breaker", "enabled", "log",
]); // prettier-ignore

function serversFrom(server: unknown, check: Check): ServerAddress[] {
  const list: unknown[] =
    typeof server === "string" ? server.split(",") : Array.isArray(server) ? server : [server];
  const addresses: ServerAddress[] = [];
  for (const text of list) {
    const address = typeof text === "string" ? addressFrom(text.trim()) : undefined;
    if (address === undefined)
      check(
        false,
        "server",
        '"host:port" or "unix:/path", or a list of them',
        withoutUserinfo(text),
      );
    else addresses.push(address);
  }
  check(addresses.length > 0 || list.length > 0, "server", "at least one address", []);
  return addresses;
}

/** An address has no user; whoever writes one gives a password, too. */
function withoutUserinfo(text: unknown): unknown {
  return typeof text === "string" ? text.replace(/^.*@/s, "***@") : text;
}

function addressFrom(text: string): ServerAddress | undefined {
  if (text.startsWith("unix:") && text.length > "unix:".length)
    return { path: text.slice("unix:".length), text };
  const match = /^(?:\[([^\]]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port, text };
}

function sampleFrom(sample: unknown, check: Check): { share: number; by: SampleKey | undefined } {
  if (typeof sample === "number") {
    check(sample >= 0 && sample <= 1, "sample", "a share from 0 to 1", sample);
    return { share: sample, by: undefined };
  }
  const rule = "a share from 0 to 1, or { share, by: { header | cookie | query: name } }";
  const { share, by } = isRecord(sample) ? sample : {};
  const [kind, ...more] = isRecord(by) ? Object.keys(by) : [];
  const name = isRecord(by) && kind !== undefined ? by[kind] : undefined;
  const ok = typeof share === "number" && share >= 0 && share <= 1 && more.length === 0;
  if (!ok || typeof name !== "string" || name === "") {
    check(false, "sample", rule, sample);
    return { share: 1, by: undefined };
  }
  if (kind === "header") return { share, by: { header: name } };
  if (kind === "cookie") return { share, by: { cookie: name } };
  if (kind === "query") return { share, by: { query: name } };
  check(false, "sample.by", "one of header, cookie, query", kind);
  return { share, by: undefined };
}

function tlsFrom(tls: unknown, env: Environment, check: Check): ConnectionOptions | undefined {
  const wanted = tls ?? (isOn(env["MIRRORBALL_TLS"]) || env["MIRRORBALL_TLS_CA"] !== undefined);
  if (wanted === false) return undefined;
  if (wanted !== true && !isRecord(wanted)) {
    // It may be a key that was meant to be in an object.
    check(false, "tls", "true, false or an object of certificates", `a ${typeof wanted}`);
    return undefined;
  }
  const file = env["MIRRORBALL_TLS_CA"];
  const base: ConnectionOptions = isRecord(wanted) ? wanted : {};
  if (file === undefined || base.ca !== undefined) return base;
  try {
    return { ...base, ca: readFileSync(file) };
  } catch {
    check(false, "MIRRORBALL_TLS_CA", "a file that can be read", file);
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isResponses(value: unknown): value is Settings["responses"] {
  return value === "full" || value === "head" || value === "off";
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isOn(value: string | undefined): boolean {
  return value === "1" || value === "true";
}

/** NaN for what is no number, so that the option's own check complains about it. */
function numberFrom(text: string | undefined): number | undefined {
  return text === undefined || text === "" ? undefined : Number(text);
}

function show(value: unknown): string {
  return typeof value === "function" ? "a function" : (JSON.stringify(value) ?? String(value));
}
