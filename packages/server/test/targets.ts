// Targets of HTTP outputs, on ports of their own; all are closed after each test.
import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { afterEach } from "vitest";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export const http = (listener: RequestListener): Promise<string> =>
  listen(createHttpServer(listener));

/** A target that answers 200 and keeps what it got. */
export async function recording(): Promise<{
  address: string;
  seen: { req: IncomingMessage; body: Buffer }[];
}> {
  const seen: { req: IncomingMessage; body: Buffer }[] = [];
  const address = await http((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      seen.push({ req, body: Buffer.concat(chunks) });
      res.end("ok");
    });
  });
  return { address, seen };
}

/** A server of bare sockets. */
export async function sockets(onConnection: (socket: Socket) => void): Promise<string> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address where nobody listens. */
export async function gone(): Promise<string> {
  const address = await http(() => {});
  await closers.pop()?.();
  return address;
}
