/** The address of `--output-http`: text to target, with gor's rules for scheme, path and user. Pure. */
import type { Origin } from "./connection.ts";
import { Refusal } from "../../component/option.ts";

export interface Target {
  /** `http://staging:8080` */
  readonly origin: string;
  readonly address: Origin;
  /** `staging:8080`, for the Host field. */
  readonly host: string;
  /** The path and query that the address itself has, such as `/v2?a=b`; undefined when it has none. */
  readonly path: string | undefined;
  /** Replaces the recorded Authorization, as the README of gor 0.1x promised. */
  readonly authorization: string | undefined;
}

const RULE = new Refusal("must be an http or https URL such as http://staging:8080");

/** `staging:8080` and `staging.com` mean http, as in old gor. */
export function parseTarget(raw: string): Target | Refusal {
  const text = withoutBlanksInHost(raw);
  const withScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (/[\s|]/.test(text) || !URL.canParse(withScheme)) return RULE;
  const url = new URL(withScheme);
  if ((url.protocol !== "http:" && url.protocol !== "https:") || url.hostname === "") return RULE;
  const path = `${url.pathname}${url.search}`;
  // URL adds a slash to a bare origin; only one that was typed is a path of its own.
  const fixed = path !== "/" || /^[^?#]*[^/]\/$/.test(withScheme);
  const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return {
    origin: url.origin,
    host: url.host,
    address: originOf(url),
    path: fixed ? path : undefined,
    authorization: user === ":" ? undefined : `Basic ${Buffer.from(user).toString("base64")}`,
  };
}

/** gor's documentation has `http://user:pass@staging .com`, to be copied as it is. A blank elsewhere is refused. */
function withoutBlanksInHost(text: string): string {
  return text.replace(
    /^([a-z][a-z\d+.-]*:\/\/)?([^/?#]*@)?([^/?#]*)/i,
    (_all, scheme: string | undefined, user: string | undefined, host: string) =>
      `${scheme ?? ""}${user ?? ""}${host.replaceAll(" ", "")}`,
  );
}

/** Where to connect for `url`: IPv6 addresses lose their brackets. */
export function originOf(url: URL): Origin {
  const protocol = url.protocol === "https:" ? "https:" : "http:";
  return { protocol, hostname: url.hostname.replace(/^\[|\]$/g, ""), port: url.port };
}

/** What the path of the address means: `replace` as in gor since 1.3, `ignore` as in gor before, `prefix` is ours. */
export type PathRule = "replace" | "ignore" | "prefix";

/** The request target to send for a recorded one, already in origin form. */
export function pathTo({ path }: Target, rule: PathRule, recorded: string): string {
  if (path === undefined || rule === "ignore") return recorded;
  if (rule === "replace" || recorded === "*") return path;
  const base = path.replace(/[?#].*$/s, "").replace(/\/$/, "");
  return `${base}${recorded}`;
}
