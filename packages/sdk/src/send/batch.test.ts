// When a batch goes: after a while, when it is large, or, behind a server that is absent or slow, when that has taken the rest.
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import {
  ConsumerSession,
  FRAME_HEADER_BYTES,
  RecordType,
  unpackRecords,
} from "@mirrorball/protocol";
import type { WireRecord } from "@mirrorball/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Batch } from "./batch.ts";
import type { FrameSink } from "./batch.ts";
import { Losses } from "../stats/losses.ts";
import { Sender } from "./sender.ts";

/** Longer than any batch waits. */
const LONG_MS = 1000;
const CHUNK_BYTES = 64 * 1024;

const closers: (() => void)[] = [];
// The batch's own timer only: sockets have theirs inside Node.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => {
  vi.useRealTimers();
  for (const close of closers.splice(0).toReversed()) close();
});

/** Keeps the frames. */
class Frames implements FrameSink {
  readonly frames: Uint8Array[] = [];
  readonly settledWeight = 0;
  idle: boolean;

  constructor(idle: boolean) {
    this.idle = idle;
  }

  enqueue(frame: Uint8Array): void {
    this.frames.push(frame);
  }

  pump(): void {}
}

function over({ idle }: { readonly idle: boolean }): { batch: Batch; sink: Frames } {
  const sink = new Frames(idle);
  const batch = new Batch(sink, new Losses(() => {}), () => {});
  closers.push(() => batch.stop());
  return { batch, sink };
}

/** Over a real connection. */
function connected(port: number): { batch: Batch; sender: Sender } {
  const host = "127.0.0.1";
  const sender: Sender = new Sender({
    servers: [{ text: `${host}:${port}`, host, port }],
    tls: undefined,
    service: "test",
    token: undefined,
    log: () => {},
    offered: () => 0,
    lastCall: () => {},
    refused: () => {},
    acknowledged: () => {},
    idle: () => batch.sinkIdle(),
    released: (frame) => batch.released(frame),
    fault: (error) => {
      throw error;
    },
  });
  const batch = new Batch(sender, new Losses(() => {}), () => {});
  closers.push(() => {
    batch.stop();
    sender.close();
  });
  return { batch, sender };
}

/** A record that ends an exchange, so that it weighs. */
const end = (number: number): WireRecord => [RecordType.responseEnd, number, 1, 0, null];
const chunk = (number: number): WireRecord => [
  RecordType.responseChunk,
  number,
  new Uint8Array(CHUNK_BYTES),
];

describe("behind a sink that has nothing to do, a batch", () => {
  it("waits for company, then goes as one frame", () => {
    const { batch, sink } = over({ idle: true });
    for (let number = 1; number <= 3; number += 1) batch.push(end(number));
    expect(sink.frames).toHaveLength(0);
    vi.advanceTimersByTime(LONG_MS);
    expect(sink.frames).toHaveLength(1);
    expect([batch.bytes, batch.unackedWeight]).toEqual([0, 3]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("goes at once when it is large", () => {
    const { batch, sink } = over({ idle: true });
    for (let i = 0; sink.frames.length === 0; i += 1) {
      expect(i).toBeLessThan(10);
      batch.push(chunk(1));
    }
    expect(batch.bytes).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("behind a sink that is busy, a batch", () => {
  it("whose time has come waits on, and takes more, until the sink is idle", () => {
    const { batch, sink } = over({ idle: false });
    for (let number = 1; number <= 5; number += 1) {
      batch.push(end(number));
      vi.advanceTimersByTime(LONG_MS);
    }
    expect(sink.frames).toHaveLength(0);
    expect(batch.unackedWeight).toBe(5);
    batch.sinkIdle();
    expect(sink.frames).toHaveLength(1);
    expect([batch.bytes, batch.unackedWeight]).toEqual([0, 5]);
  });

  it("whose time has not come does not go because the sink is idle", () => {
    const { batch, sink } = over({ idle: false });
    batch.push(end(1));
    batch.sinkIdle();
    expect(sink.frames).toHaveLength(0);
  });

  it("owes nothing once it went for another reason", () => {
    const { batch, sink } = over({ idle: false });
    batch.push(end(1));
    vi.advanceTimersByTime(LONG_MS);
    batch.flush();
    batch.push(end(2));
    batch.sinkIdle();
    expect(sink.frames).toHaveLength(1);
  });

  it("takes losses along", () => {
    const { batch, sink } = over({ idle: true });
    batch.lost("buffer-full");
    batch.lost("buffer-full");
    batch.push(end(1));
    vi.advanceTimersByTime(LONG_MS);
    const payload = sink.frames[0]?.subarray(FRAME_HEADER_BYTES);
    expect(recordsOf(payload)).toEqual([end(1), [RecordType.loss, "buffer-full", 2]]);
  });
});

describe("over real connections, a batch whose time has come goes", () => {
  it("when the server that was absent is there", async () => {
    const server = await Server.listen();
    const { batch, sender } = connected(server.port);
    batch.push(end(1));
    vi.advanceTimersByTime(LONG_MS);
    expect(sender.session.unackedFrames).toBe(0);
    sender.start();
    await vi.waitFor(() => expect(server.records).toEqual([end(1)]));
    expect(vi.getTimerCount()).toBe(0);
  });

  it("when the server that was slow has read the rest", async () => {
    const server = await Server.listen();
    const { batch, sender } = connected(server.port);
    sender.start();
    await vi.waitFor(() => expect(sender.idle).toBe(true));
    server.pause();
    let number = 0;
    while (sender.idle) {
      number += 1;
      batch.push(chunk(number));
    }
    batch.flush();
    const { unackedFrames } = sender.session;
    batch.push(end(1));
    batch.push(end(2));
    vi.advanceTimersByTime(LONG_MS);
    expect(sender.session.unackedFrames).toBe(unackedFrames);
    server.resume();
    await vi.waitFor(() => expect(server.records.slice(-2)).toEqual([end(1), end(2)]));
    expect(server.records).toHaveLength(number + 2);
  });
});

/** Takes records, and can be told to stop reading. */
class Server {
  readonly records: WireRecord[] = [];
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #sockets: Socket[] = [];

  static async listen(): Promise<Server> {
    const made = new Server();
    await new Promise<void>((resolve) => made.#server.listen(0, "127.0.0.1", resolve));
    closers.push(() => {
      for (const socket of made.#sockets) socket.destroy();
      made.#server.close();
    });
    return made;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  pause(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  resume(): void {
    for (const socket of this.#sockets) socket.resume();
  }

  #serve(socket: Socket): void {
    this.#sockets.push(socket);
    const session = new ConsumerSession({ nonce: randomBytes(16), resume: () => undefined }, 0);
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => {
      for (const { seq, payload } of session.receive(bytes, 0)) {
        this.records.push(...recordsOf(payload));
        session.accepted(seq, 1, payload.length);
      }
      for (const piece of session.takeOutput()) socket.write(piece);
    });
  }
}

function recordsOf(payload: Uint8Array | undefined): WireRecord[] {
  const records = unpackRecords(payload ?? new Uint8Array(0));
  if (typeof records === "string") throw new Error(records);
  return records;
}
