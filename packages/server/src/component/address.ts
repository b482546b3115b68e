/** Addresses of sockets as people write them: `:28020`, `host:port`, `[::1]:port`, `unix:/path`. Pure. */

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
