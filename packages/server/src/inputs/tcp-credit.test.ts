// What producers that misbehave do to the credit of the others, over real sockets, with a clock that the test sets.
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import {
  BodyState,
  FRAME_HEADER_BYTES,
  FRAME_PAYLOAD_BYTES_MAX,
  FrameDecoder,
  FrameType,
  ProducerSession,
  RecordType,
  encodeFrame,
  packRecords,
} from "@mirrorball/protocol";
import type { ExchangeRecord, Message } from "@mirrorball/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { freePort } from "../../test/kit.ts";
import type { Accepted } from "../component/types.ts";
import { inputTcp } from "./tcp.ts";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A loaded machine may take its time. */
const POLL = { timeout: 20_000 };
const FRAME_BYTES_MAX = FRAME_HEADER_BYTES + FRAME_PAYLOAD_BYTES_MAX;

interface Rig {
  readonly port: number;
  readonly messages: Message[];
  readonly refusals: string[];
  /** When set, emit answers with this promise. */
  gate: Accepted;
  nowMs: number;
}

async function rig(inFlightBytes: number): Promise<Rig> {
  const port = await freePort();
  const made: Rig = { port, messages: [], refusals: [], gate: undefined, nowMs: 0 };
  const values = {
    secure: false,
    certificate: "",
    certificateKey: "",
    clientCa: "",
    token: "",
    tokenUnbound: false,
    connections: 100,
    connectionsPerAddress: 100,
    inFlightBytes,
  };
  const { create } = await inputTcp.load(values);
  const input = create(
    {
      name: "input-tcp",
      speed: 1,
      emit: (batch) => {
        made.messages.push(...batch);
        return made.gate;
      },
      dropped: () => {},
      refused: (reason) => made.refusals.push(reason),
      stdout: { write: async () => undefined },
      loopGuard: true,
      clock: { nowUs: () => Date.now() * 1000, monotonicMs: () => made.nowMs },
      log: { warn: () => {}, debug: () => {} },
    },
    `127.0.0.1:${port}`,
    values,
  );
  await input.start();
  closers.push(() => input.stop());
  return made;
}

class Client {
  readonly session: ProducerSession;
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  /** Heartbeats that have come. */
  pings = 0;
  pongs = 0;
  /** In the middle of a frame nothing else may be said. */
  midFrame = false;
  readonly #decoder: FrameDecoder = new FrameDecoder();

  constructor(id: number, socket: Socket) {
    this.session = new ProducerSession({
      producerId: Buffer.alloc(16, id),
      service: "shop",
      agent: "test/1",
    });
    this.socket = socket;
    closers.push(() => void this.socket.destroy());
    this.closed = new Promise((resolve) => this.socket.once("close", resolve));
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk) => {
      for (const { type } of this.#decoder.push(chunk)) {
        if (type === FrameType.ping) this.pings += 1;
        else if (type === FrameType.pong) this.pongs += 1;
      }
      this.session.receive(chunk, 0);
      this.flush();
    });
  }

  /** Resolves when the server has heard this, and what was said before it, and with it. */
  async heard(together: Uint8Array = Buffer.alloc(0)): Promise<void> {
    const before = this.pongs;
    const ping = encodeFrame(FrameType.ping, 0, Buffer.alloc(0));
    this.midFrame = together.length > 0;
    this.socket.write(Buffer.concat([...ping, together]));
    await vi.waitFor(() => expect(this.pongs).toBeGreaterThan(before), POLL);
  }

  static async open(id: number, { port }: Rig): Promise<Client> {
    const client = new Client(id, connect(port, "127.0.0.1"));
    await client.open();
    return client;
  }

  async open(): Promise<void> {
    await once(this.socket, "connect");
    this.session.connect(Buffer.alloc(16, 9), 0);
    this.flush();
    await vi.waitFor(() => expect(this.session.state).toBe("open"), POLL);
  }

  send(number: number, bodyBytes = 0): void {
    this.session.enqueue(packRecords([exchange(number, bodyBytes)]), 1);
    this.flush();
  }

  raw(type: number, seq: number, payload: Uint8Array): void {
    for (const piece of encodeFrame(type, seq, payload)) this.socket.write(piece);
  }

  flush(): void {
    if (this.midFrame) return;
    for (const piece of this.session.takeOutput()) this.socket.write(piece);
  }
}

/** A list of one number, in msgpack. */
function want(creditBytes: number): Buffer {
  const bytes = Buffer.from([0x91, 0xce, 0, 0, 0, 0]);
  bytes.writeUInt32BE(creditBytes, 2);
  return bytes;
}

function exchange(number: number, bodyBytes: number): ExchangeRecord {
  return [
    RecordType.exchange, number, 1, 1, 1, 1, null, "GET", `/${number}`, "HTTP/1.1", ["Host", "x"],
    Buffer.alloc(bodyBytes), BodyState.complete, null, 1, 1, null, null, BodyState.complete, null, null, null,
  ]; // prettier-ignore
}

describe("credit of a producer that is closed", () => {
  it("comes back, though its last frame was refused", async () => {
    const server = await rig(2 * FRAME_BYTES_MAX);
    const wrong = Buffer.alloc(FRAME_PAYLOAD_BYTES_MAX);
    for (let i = 1; i <= 3; i += 1) {
      const hostile = await Client.open(i, server);
      hostile.raw(FrameType.data, 7, wrong);
      await hostile.closed;
    }
    expect(server.refusals).toEqual(["hole", "hole", "hole"]);
    const good = await Client.open(9, server);
    for (let i = 1; i <= 5; i += 1) good.send(i, 1_000_000);
    await vi.waitFor(() => expect(good.session.ackedWeight).toBe(5), POLL);
  });
});

describe("credit that was lent", () => {
  /** One that holds what is given unasked, one that was lent the rest, and one that waits. */
  async function scene(): Promise<{ server: Rig; idle: Client; lent: Client; waiting: Client }> {
    const server = await rig(2 * FRAME_BYTES_MAX);
    const idle = await Client.open(1, server);
    const lent = await Client.open(2, server);
    lent.raw(FrameType.want, 0, want(FRAME_BYTES_MAX));
    await lent.heard();
    const waiting = await Client.open(3, server);
    waiting.send(3, 1_000_000);
    await waiting.heard();
    expect(waiting.session.unsentFrames).toBe(1);
    return { server, idle, lent, waiting };
  }

  it("and is not used while others wait goes to them", async () => {
    const { server, idle, lent, waiting } = await scene();
    for (let step = 0; step < 3; step += 1) {
      server.nowMs += 5000;
      await Promise.all([idle.heard(), lent.heard(), waiting.heard()]);
    }
    expect(server.refusals).toEqual([]);
    server.nowMs += 1;
    await lent.closed;
    expect(lent.session.failure?.code).toBe("credit-unused");
    expect(server.refusals).toEqual(["credit-unused"]);
    await vi.waitFor(() => expect(waiting.session.ackedWeight).toBe(1), POLL);
  });

  it("is used by who sends a large frame over a slow line", async () => {
    const { server, idle, lent, waiting } = await scene();
    const payload = packRecords([exchange(2, 1_000_000)]);
    const bytes = Buffer.concat(encodeFrame(FrameType.data, 1, payload));
    for (let step = 0; step < 2; step += 1) {
      server.nowMs += 5000;
      await Promise.all([idle.heard(), lent.heard(), waiting.heard()]);
    }
    await lent.heard(bytes.subarray(0, 100));
    server.nowMs += 10_000;
    await Promise.all([idle.heard(), waiting.heard()]);
    // A heartbeat shows that it was looked at.
    const before = lent.pings;
    await vi.waitFor(() => expect(lent.pings).toBeGreaterThan(before), POLL);
    lent.socket.write(bytes.subarray(100));
    await vi.waitFor(() => expect(waiting.session.ackedWeight).toBe(1), POLL);
    expect([server.messages.length, server.refusals]).toEqual([2, []]);
  });

  it("comes back when its connection is lost", async () => {
    const { server, lent, waiting } = await scene();
    lent.socket.destroy();
    await vi.waitFor(() => expect(waiting.session.ackedWeight).toBe(1), POLL);
    expect(server.refusals).toEqual([]);
  });
});

describe("a peer that reads nothing", () => {
  it("is closed when too much waits for it", async () => {
    const server = await rig(2 * FRAME_BYTES_MAX);
    const client = await Client.open(1, server);
    client.socket.pause();
    const pings = Buffer.concat(
      Array.from({ length: 1000 }, () => encodeFrame(FrameType.ping, 0, Buffer.alloc(0))[0]),
    );
    while (!client.socket.destroyed) {
      await new Promise<void>((resolve) => {
        client.socket.write(pings, () => resolve());
      });
    }
    expect(server.refusals).toEqual(["reads-nothing"]);
  });
});

describe("a peer that says goodbye and stays", () => {
  it("is closed", async () => {
    const server = await rig(2 * FRAME_BYTES_MAX);
    const socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    closers.push(() => void socket.destroy());
    const client = new Client(1, socket);
    await client.open();
    client.raw(FrameType.bye, 0, Buffer.alloc(0));
    // It does not end its half, and is told that nobody listens any more.
    await vi.waitFor(() => {
      if (!socket.destroyed) client.raw(FrameType.ping, 0, Buffer.alloc(0));
      expect(socket.destroyed).toBe(true);
    }, POLL);
  });
});
