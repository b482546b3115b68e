// A service with a mirror and a sink behind it, and the law that holds for its figures.
import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { Mirror, MirrorOptions } from "@mirrorball/sdk";
import { expect } from "vitest";
import { Sink } from "./sink.ts";

export interface Service {
  readonly tee: Mirror;
  readonly port: number;
  readonly sink: Sink;
  /** What the mirror logged. */
  readonly lines: string[];
}

export interface ServiceParts {
  /** Of the package, or of the sources beside the test. */
  readonly createMirror: (options: MirrorOptions) => Mirror;
  /** Called in reverse when the test ends. */
  readonly closers: (() => unknown)[];
  readonly options?: MirrorOptions;
  readonly handler?: RequestListener;
}

const echo: RequestListener = (req, res) => void req.pipe(res);

export async function serve({
  createMirror,
  closers,
  options = {},
  handler = echo,
}: ServiceParts): Promise<Service> {
  const sink = await Sink.listen();
  const lines: string[] = [];
  const tee = createMirror({ server: sink.address, log: (line) => lines.push(line), ...options });
  const host = tee.attach(createServer(handler)).listen(0, "127.0.0.1");
  await once(host, "listening");
  closers.push(
    () => sink.close(),
    () => tee.close({ timeoutMs: 0 }),
    () => {
      host.closeAllConnections();
      host.close();
    },
  );
  return { tee, port: (host.address() as AddressInfo).port, sink, lines };
}

export function lawHolds(tee: Mirror): void {
  const { offered, acked, buffered, dropped } = tee.stats();
  expect(offered).toBe(acked + buffered + Object.values(dropped).reduce((sum, n) => sum + n, 0));
}
