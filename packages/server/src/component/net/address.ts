/** Addresses of sockets as people write them: `:28020`, `host:port`, `[::1]:port`, `unix:/path`. Pure. */
import { Refusal } from "../option.ts";

export interface SocketAddress {
  /** Undefined when only a port was given: every interface to listen on, this machine to connect to. */
  readonly host: string | undefined;
  readonly port: number;
  /** Set for a Unix socket; host and port are then unused. */
  readonly path: string | undefined;
}

/** Where an input takes traffic from or an output sends it to, as far as the plan can tell. */
export interface Place {
  /** Undefined: every address of this machine. */
  readonly host: string | undefined;
  /** Empty: every port. */
  readonly ports: readonly number[];
  /** Set for a Unix socket; host and ports are then unused. */
  readonly path: string | undefined;
}

/** The place that an address names. */
export function placeOf(text: string): Place | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  // Port 0 is one that the system chooses: nobody can send to it by name.
  const ports = [address.port];
  return { host: address.host, ports, path: address.path };
}

/** The rule that `parseAddress` follows, for errors. */
export const ADDRESS_RULE: string =
  "must be an address such as :28020, 127.0.0.1:28020, [::1]:28020 or unix:/run/mirrorball.sock";

/** Undefined when it is none of these. */
export function parseAddress(text: string): SocketAddress | undefined {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    return path === "" ? undefined : { host: undefined, port: 0, path };
  }
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const host = match[1] ?? match[2];
  const port = Number(match[3]);
  return port > 65_535
    ? undefined
    : { host: host === "" ? undefined : host, port, path: undefined };
}

/** An address as it was given, or the rule that it breaks. */
export function checkAddress(text: string): string | Refusal {
  const unfit = unfitText(text);
  if (unfit !== undefined) return unfit;
  const address = parseAddress(text);
  if (address === undefined) return new Refusal(ADDRESS_RULE);
  return address.path === undefined ? text : (unfitSocketPath(address.path) ?? text);
}

/** What the system has room for. Beyond, Node would cut the path and use another one. */
const SOCKET_PATH_BYTES_MAX = 107;

export function unfitSocketPath(path: string): Refusal | undefined {
  const bytes = Buffer.byteLength(path);
  if (bytes <= SOCKET_PATH_BYTES_MAX) return undefined;
  const rule = `the path of a Unix socket may have ${SOCKET_PATH_BYTES_MAX} bytes at most, and this one has ${bytes}`;
  return new Refusal(rule);
}

/** What a shell, a template or a config file should have taken away or filled in; for addresses of every kind. */
export function unfitText(text: string): Refusal | undefined {
  if (/^["'`“‘]|["'`”’]$/.test(text)) {
    return new Refusal("the address is in quotes that belong to it now; write it without them");
  }
  // A password may hold angle brackets.
  const behindUser = text.slice(text.lastIndexOf("@") + 1);
  // What is not closed may go on into a password: only its beginning is shown.
  const hole =
    /\$\{\w*\}|\$\(\w*\)|\{\{[\w. ]*\}\}/.exec(text)?.[0] ??
    /\$[{(]|\{\{/.exec(text)?.[0] ??
    /<[^<>]*>/.exec(behindUser)?.[0];
  return hole === undefined
    ? undefined
    : new Refusal(`${hole} is a place to fill in, and nothing has filled it in`);
}

/** True when only this machine can reach what listens on `host`; undefined is every address there is. */
export function isLoopback(host: string | undefined): boolean {
  return host !== undefined && /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host);
}
