/** Where a connection of the HTTP output leads. */
export interface Origin {
  readonly protocol: "http:" | "https:";
  /** Without the brackets of IPv6. */
  readonly hostname: string;
  /** "" for the protocol's own. */
  readonly port: string;
  /** A Unix socket to connect to instead. */
  readonly socketPath: string | undefined;
}
