/** The address of `--output-http`: text to target, with gor's rules for scheme, path and user. Pure. */
import type { Origin } from "./origin.ts";
import { unfitSocketPath, unfitText } from "../../component/net/address.ts";
import { basicAuthorization, parseHttpUrl } from "../../component/net/http-url.ts";
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

const RULE = new Refusal(
  "must be an http or https URL such as http://staging:8080, or a Unix socket such as unix:/run/app.sock",
);

/** `staging:8080` and `staging.com` mean http, as in old gor. */
export function parseTarget(raw: string): Target | Refusal {
  const text = withoutBlanksInHost(raw);
  if (/^(?:http\+)?unix:/i.test(text)) return unfitText(text) ?? unixTarget(text);
  if (/[\s|]/.test(text)) return unfitText(text) ?? RULE;
  const url = parseHttpUrl(text, RULE);
  if (url instanceof Refusal) return url;
  const path = `${url.pathname}${url.search}`;
  // URL adds a slash to a bare origin; only one that was typed is a path of its own.
  const fixed = path !== "/" || /[^/]\/$/.test(text);
  return {
    origin: url.origin,
    host: url.host,
    address: originOf(url),
    path: fixed ? path : undefined,
    authorization: basicAuthorization(url),
  };
}

/** `unix:/run/app.sock`, or with a path of requests `http+unix://%2Frun%2Fapp.sock/v2`. */
function unixTarget(text: string): Target | Refusal {
  const [, encoded, path] = /^http\+unix:\/\/([^/?#]+)([/?][^#]*)?$/i.exec(text) ?? [];
  const plain = /^unix:(?:\/\/(?=\/))?([^\0]+)$/i.exec(text)?.[1];
  const socketPath = plain ?? decoded(encoded ?? "");
  const unfit = socketPath === "" ? RULE : unfitSocketPath(socketPath);
  if (unfit !== undefined) return unfit;
  return {
    // What it calls itself in redirects and in Host: the name of no other machine.
    origin: "http://localhost",
    host: "localhost",
    address: { protocol: "http:", hostname: "localhost", port: "", socketPath },
    path: path?.replace(/^\?/, "/?"),
    authorization: undefined,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
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
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  return { protocol, hostname, port: url.port, socketPath: undefined };
}

/** What the path of the address means: `replace` as in gor since 1.3, `ignore` as in gor before, `prefix` is ours. */
export type PathRule = "replace" | "ignore" | "prefix";

/** The request target to send for a recorded one, already in origin form. With `prefix` the address's query goes before the recorded one. */
export function pathTo({ path }: Target, rule: PathRule, recorded: string): string {
  if (path === undefined || rule === "ignore") return recorded;
  if (rule === "replace" || recorded === "*") return path;
  const [front, query] = splitQuery(path);
  const [behind, recordedQuery] = splitQuery(recorded);
  const queries = [query, recordedQuery].filter((each) => each !== undefined && each !== "");
  const joined = `${front.replace(/\/$/, "")}${behind}`;
  // A recorded `?` without anything behind it stays.
  if (queries.length === 0) return recordedQuery === undefined ? joined : `${joined}?`;
  return `${joined}?${queries.join("&")}`;
}

function splitQuery(path: string): [path: string, query: string | undefined] {
  const at = path.indexOf("?");
  return at < 0 ? [path, undefined] : [path.slice(0, at), path.slice(at + 1)];
}
