/**
 * Which proxy leads to an address: the one that was named, or what the environment says (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY` and
 * the same in lower case, which go first). In: text, variables, addresses. Out: a proxy or none. Pure; opens nothing.
 */
import { BlockList, isIP } from "node:net";
import { unfitText } from "../../component/net/address.ts";
import { basicAuthorization, parseHttpUrl } from "../../component/net/http-url.ts";
import { Refusal } from "../../component/option.ts";
import type { Origin } from "./origin.ts";

export interface Proxy {
  readonly origin: Origin;
  /** `http://proxy:3128`, without user and password. */
  readonly name: string;
  /** For Proxy-Authorization. */
  readonly authorization: string | undefined;
}

export type ProxyRule = (origin: Origin) => Proxy | undefined;
type Environment = Readonly<Record<string, string | undefined>>;

/** The word that stands for the variables of the environment. */
const FROM_ENVIRONMENT = "env";
const RULE = new Refusal(
  "must be the address of an HTTP proxy such as http://proxy:3128, or env for HTTP_PROXY, HTTPS_PROXY and NO_PROXY",
);

export function parseProxy(text: string): string | Refusal {
  if (text === FROM_ENVIRONMENT) return text;
  const proxy = proxyAt(text);
  return proxy instanceof Refusal ? proxy : text;
}

/** Throws an error that names the variable. `text` is `parseProxy`'s; "" means no proxy. */
export function proxyRule(text: string, environment: Environment): ProxyRule {
  if (text === "") return () => undefined;
  if (text === FROM_ENVIRONMENT) return environmentRule(environment);
  const proxy = proxyAt(text);
  if (proxy instanceof Refusal) throw new Error(`--output-http-proxy: ${proxy.rule}`);
  return (origin) => (origin.socketPath === undefined ? proxy : undefined);
}

function environmentRule(environment: Environment): ProxyRule {
  const forHttp = proxyOf(environment, "HTTP_PROXY");
  const forHttps = proxyOf(environment, "HTTPS_PROXY");
  const isDirect = exceptions(variable(environment, "NO_PROXY"));
  return (origin) => {
    if (origin.socketPath !== undefined || isDirect(origin)) return undefined;
    return origin.protocol === "https:" ? forHttps : forHttp;
  };
}

function proxyOf(environment: Environment, name: string): Proxy | undefined {
  const text = variable(environment, name);
  if (text === "") return undefined;
  const proxy = proxyAt(text);
  if (proxy instanceof Refusal) throw new Error(`${name} of the environment: ${proxy.rule}`);
  return proxy;
}

function variable(environment: Environment, name: string): string {
  return (environment[name.toLowerCase()] ?? environment[name] ?? "").trim();
}

function proxyAt(text: string): Proxy | Refusal {
  if (/[\s|]/.test(text)) return unfitText(text) ?? RULE;
  const url = parseHttpUrl(text, RULE);
  if (url instanceof Refusal) return url;
  if (url.pathname !== "/" || url.search !== "") return RULE;
  const protocol = url.protocol === "https:" ? "https:" : "http:";
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  return {
    origin: { protocol, hostname, port: url.port, socketPath: undefined },
    name: url.origin,
    authorization: basicAuthorization(url),
  };
}

/** `NO_PROXY`: names with all names below them, addresses, networks, each with a port if wanted; `*` is all. */
function exceptions(text: string): (origin: Origin) => boolean {
  const entries = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "");
  const matchers = entries.map(exception);
  return ({ hostname, port, protocol }) => {
    const implied = protocol === "https:" ? "443" : "80";
    const at = port === "" ? implied : port;
    return matchers.some((matches) => matches(hostname.toLowerCase(), at));
  };
}

function exception(entry: string): (hostname: string, port: string) => boolean {
  if (entry === "*") return () => true;
  const network = /^([\da-f.:]+)\/(\d{1,3})$/.exec(entry);
  if (network !== null) return inNetwork(network[1] ?? "", Number(network[2]));
  const [, bracketed, plain = "", wantedPort] = /^(?:\[(.+)\]|(.*?))(?::(\d+))?$/.exec(
    isIP(entry) === 6 ? `[${entry}]` : entry,
  ) ?? ["", undefined, entry, undefined];
  const name = (bracketed ?? plain).replace(/^\*?\./, "");
  return (hostname, port) =>
    (wantedPort === undefined || wantedPort === port) &&
    (hostname === name || hostname.endsWith(`.${name}`));
}

function inNetwork(address: string, bits: number): (hostname: string) => boolean {
  const family = isIP(address);
  if (family === 0 || bits > (family === 4 ? 32 : 128)) return () => false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(address, bits, type);
  return (hostname) => isIP(hostname) === family && list.check(hostname, type);
}
