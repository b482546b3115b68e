// What producers that misbehave do to the credit of the others, over real sockets, with a clock that the test sets.
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import {
  BodyState,
  FRAME_HEADER_BYTES,
  FRAME_PAYLOAD_BYTES_MAX,
  FrameType,
  ProducerSession,
  RecordType,
  encodeFrame,
  encodeWant,
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
  const input = inputTcp.create(
    {
      name: "input-tcp",
      speed: 1,
      emit: (batch) => {
        made.messages.push(...batch);
        return made.gate;
      },
      dropped: () => {},
      refused: (reason) => made.refusals.push(reason),
      loopGuard: true,
      clock: { nowUs: () => Date.now() * 1000, monotonicMs: () => made.nowMs },
      log: { warn: () => {}, debug: () => {} },
    },
    `127.0.0.1:${port}`,
    {
      secure: false,
      certificate: "",
      certificateKey: "",
      clientCa: "",
      token: "",
      connections: 100,
      connectionsPerAddress: 100,
      inFlightBytes,
    },
  );
  await input.start();
  closers.push(() => input.stop());
  return made;
}

class Client {
  readonly session: ProducerSession;
  readonly socket: Socket;
  readonly closed: Promise<unknown>;

  private constructor(id: number, port: number) {
    this.session = new ProducerSession({
      producerId: Buffer.alloc(16, id),
      service: "shop",
      agent: "test/1",
    });
    this.socket = connect(port, "127.0.0.1");
    closers.push(() => void this.socket.destroy());
    this.closed = once(this.socket, "close");
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk) => {
      this.session.receive(chunk, 0);
      this.flush();
    });
  }

  static async open(id: number, { port }: Rig): Promise<Client> {
    const client = new Client(id, port);
    await once(client.socket, "connect");
    client.session.connect(Buffer.alloc(16, 9), 0);
    client.flush();
    await vi.waitFor(() => expect(client.session.state).toBe("open"), POLL);
    return client;
  }

  send(number: number, bodyBytes = 0): void {
    this.session.enqueue(packRecords([exchange(number, bodyBytes)]), 1);
    this.flush();
  }

  raw(type: number, seq: number, payload: Uint8Array): void {
    for (const piece of encodeFrame(type, seq, payload)) this.socket.write(piece);
  }

  flush(): void {
    for (const piece of this.session.takeOutput()) this.socket.write(piece);
  }
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
