// What is said of a receiver that accepts connections and does not answer.
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { PRODUCER_ID_BYTES } from "@mirrorball/protocol";
import { afterEach, expect, it, vi } from "vitest";
import type { OutputStream } from "../../component/types.ts";
import { OutputAccount } from "../../engine/accounting/ledger.ts";
import { BoundedQueue } from "../../engine/flow/queue.ts";
import { FrameSender } from "./frame-sender.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A loaded machine may take its time. */
const POLL = { timeout: 20_000 };

/** What is logged of a receiver that takes the handshake and says nothing. */
async function saidOfMute(stream: OutputStream | undefined): Promise<string[]> {
  let greeted = false;
  const server = createServer((socket) => {
    socket.on("error", () => {}).on("data", () => (greeted = true));
  }).listen(0, "127.0.0.1");
  closers.push(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const said: string[] = [];
  let nowMs = 0;
  const ledger = new OutputAccount();
  const sender = new FrameSender(
    {
      name: "output-tcp",
      queue: new BoundedQueue(ledger, 10, "wait"),
      ledger,
      emit: () => undefined,
      stream: stream === undefined ? undefined : () => stream,
      stdout: { write: async () => undefined },
      loopGuard: true,
      replayedWanted: false,
      probeShare: 0,
      isControl: false,
      recordings: [],
      others: () => [],
      clock: { nowUs: () => 0, monotonicMs: () => nowMs },
      log: { warn: (line) => said.push(line), debug: () => {} },
    },
    {
      link: {
        address: { host: "127.0.0.1", port, path: undefined },
        tls: () => undefined,
        name: "there",
      },
      token: undefined,
      reload: undefined,
    },
  );
  await sender.start();
  closers.push(() => sender.close());
  await vi.waitFor(() => expect(greeted).toBe(true), POLL);
  nowMs = 6000;
  await vi.waitFor(() => expect(said).toHaveLength(1), POLL);
  return said;
}

function streamOf(lastSeq: number): OutputStream {
  return {
    producerId: Buffer.alloc(PRODUCER_ID_BYTES, 1),
    epoch: 2,
    firstUnackedSeq: 1,
    lastSeq,
    resolve: () => 0,
    renew: () => 0,
    received: () => false,
    write: () => {},
    acked: () => {},
  };
}

const NO_ANSWER =
  "cannot send: handshake-timeout: the server did not answer the handshake; trying again";
const PERHAPS_GOR =
  "cannot send: handshake-timeout: the server did not answer the handshake (if it is a gor: --output-tcp-format gor); trying again";

it("may be a gor, when it never answered", async () => {
  expect(await saidOfMute(undefined)).toEqual([PERHAPS_GOR]);
  expect(await saidOfMute(streamOf(0))).toEqual([PERHAPS_GOR]);
});

it("is none, when an earlier run sent frames to it", async () => {
  expect(await saidOfMute(streamOf(7))).toEqual([NO_ANSWER]);
});
