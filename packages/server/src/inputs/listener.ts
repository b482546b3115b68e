/**
 * A listening socket, TCP or Unix, plain or TLS, with errors that say what to do. Knows nothing of what is
 * spoken on the accepted sockets.
 */
import { chmodSync, unlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { SocketAddress } from "../component/net/address.ts";
import { isOwnSocket } from "../files/own-path.ts";
import { isSocketFile, listenFault } from "../files/socket-file.ts";

export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Listens; rejects with one clear sentence when it cannot. */
export async function listen(
  address: SocketAddress,
  tls: TlsFiles | undefined,
  onSocket: (socket: Socket) => void,
  onTlsError: (error: Error) => void,
  listening: (place: string) => void,
): Promise<Server> {
  const server = tls === undefined ? createServer(onSocket) : createTlsServer({ ...tls }, onSocket);
  server.on("tlsClientError", onTlsError);
  await bind(server, address, listening);
  return server;
}

/** Binds any kind of server to `address` and tells where it listens then; rejects with one clear sentence when it cannot. */
export async function bind(
  server: Server,
  address: SocketAddress,
  listening: (place: string) => void,
): Promise<void> {
  if (address.path !== undefined) await clearPlace(address);
  await new Promise<void>((resolve, reject) => {
    // Later ones are of connections that could not be accepted; they must not end the process.
    server.on("error", (error: NodeJS.ErrnoException) => reject(listenError(address, error)));
    server.listen(
      address.path === undefined
        ? { port: address.port, host: address.host }
        : { path: address.path },
      resolve,
    );
  });
  // Captured traffic is nobody else's business.
  if (address.path !== undefined && isOwnSocket(address.path)) chmodSync(address.path, 0o600);
  listening(placeOf(server));
}

/** Where a server listens, as one would connect to it: `0.0.0.0:80`, `[::]:80`, `unix:/run/x.sock`. */
function placeOf(server: Server): string {
  const bound = server.address();
  if (bound === null) return "nothing";
  if (typeof bound === "string") return `unix:${bound}`;
  return bound.family === "IPv6"
    ? `[${bound.address}]:${bound.port}`
    : `${bound.address}:${bound.port}`;
}

async function clearPlace(address: SocketAddress): Promise<void> {
  try {
    await removeStaleSocket(address.path ?? "");
  } catch (error) {
    throw listenError(address, error instanceof Error ? error : new Error(String(error)));
  }
}

/** A socket of ours that nobody answers on was left by a process that died; one that answers is in use, and what is no socket is somebody's. */
async function removeStaleSocket(path: string): Promise<void> {
  if (!isSocketFile(path) || !isOwnSocket(path)) return;
  const stale = await new Promise<boolean>((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
  if (stale) unlinkSync(path);
}

const LISTEN_HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the address is in use by another process",
  EACCES: "permission denied (ports below 1024 need privileges)",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "the host name cannot be resolved",
  EMFILE: "this process has too many files open (see ulimit -n)",
};

function listenError({ path, host, port }: SocketAddress, error: NodeJS.ErrnoException): Error {
  const code = error.code ?? "";
  const where = path ?? `${host ?? ""}:${port}`;
  const hint = path === undefined ? LISTEN_HINTS[code] : listenFault(path, code);
  return new Error(`cannot listen on ${where}: ${hint ?? error.message}`, { cause: error });
}
