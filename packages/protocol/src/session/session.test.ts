// Both ends of a connection against each other, over a transport that breaks wherever it likes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConsumerSession } from "./consumer.ts";
import type { ConsumerOptions, DataFrame } from "./consumer-options.ts";
import { FrameDecoder, FrameType, PROTOCOL_MINOR, encodeFrame } from "../wire/frame.ts";
import { FRAME_HEADER_BYTES } from "../limits.ts";
import {
  HANDSHAKE,
  decodeChallenge,
  encodeAck,
  encodeChallenge,
  encodeFault,
  encodeHello,
} from "./control.ts";
import { encodeWant, encodeWelcome } from "./control.ts";
import {
  HANDSHAKE_MS_MAX,
  HEARTBEAT_DEAD_MS,
  HEARTBEAT_IDLE_MS,
  WELCOME_MS_MAX,
} from "../limits.ts";
import { ProducerSession } from "./producer.ts";

const ID = Buffer.alloc(16, 1);
const NONCE_P = Buffer.alloc(16, 2);
const NONCE_C = Buffer.alloc(16, 3);

function producer(token?: string): ProducerSession {
  return new ProducerSession({ producerId: ID, service: "shop", agent: "test", token });
}

function consumer(options: Partial<ConsumerOptions> = {}): ConsumerSession {
  return new ConsumerSession({ nonce: NONCE_C, resume: () => undefined, ...options }, 0);
}

const join = (pieces: readonly Uint8Array[]): Buffer => Buffer.concat(pieces);

/** Passes bytes to and fro until both are silent; returns the data frames, all of them accepted at once. */
function talk(from: ProducerSession, to: ConsumerSession): DataFrame[] {
  const data: DataFrame[] = [];
  for (let round = 0; round < 50; round += 1) {
    const there = join(from.takeOutput());
    for (const frame of to.receive(there, 0)) {
      data.push(frame);
      to.accepted(frame.seq, 1, frame.payload.length);
    }
    const back = join(to.takeOutput());
    if (there.length + back.length === 0) break;
    from.receive(back, 0);
  }
  return data;
}

describe("handshake", () => {
  it("opens without a token", () => {
    const [p, c] = [producer(), consumer()];
    p.connect(NONCE_P, 0);
    talk(p, c);
    expect([p.state, c.state, c.hello?.service]).toEqual(["open", "open", "shop"]);
  });

  it("opens with the same token, which never travels", () => {
    const [p, c] = [producer("secret"), consumer({ token: "secret" })];
    p.connect(NONCE_P, 0);
    const wire: Buffer[] = [];
    for (let i = 0; i < 4; i += 1) {
      const there = join(p.takeOutput());
      c.receive(there, 0);
      const back = join(c.takeOutput());
      p.receive(back, 0);
      wire.push(there, back);
    }
    expect([p.state, c.state]).toEqual(["open", "open"]);
    expect(Buffer.concat(wire).includes("secret")).toBe(false);
  });

  it.each([
    ["the tokens differ", "one", "two", "token-differs"],
    ["only the server has one", undefined, "two", "token-required"],
    ["only the producer has one", "one", undefined, "server-not-proven"],
  ])("fails when %s", (_name, mine, theirs, atProducer) => {
    const [p, c] = [producer(mine), consumer({ token: theirs })];
    p.connect(NONCE_P, 0);
    talk(p, c);
    expect(p.failure?.code).toBe(atProducer);
    expect(p.state).not.toBe("open");
  });

  it("refuses a producer that answers with a proof of its own making", () => {
    const c = consumer({ token: "secret" });
    const hello = encodeHello({
      versionMin: 1,
      versionMax: 1,
      producerId: ID,
      epoch: 0,
      firstUnackedSeq: 1,
      service: "s",
      agent: "a",
      nonce: NONCE_P,
      handshake: HANDSHAKE,
      hasToken: 1,
      seesTls: 0,
    });
    c.receive(join(encodeFrame(FrameType.hello, 0, hello)), 0);
    c.receive(join(encodeFrame(FrameType.data, 1, Buffer.from([0x90]))), 0);
    expect(c.failure?.code).toBe("handshake");
    expect(c.state).toBe("handshake");
  });

  it("tells who has not proven anything nothing that depends on the token", () => {
    const said = ["secret", "another"].map((token) => {
      const [p, c] = [producer("guess"), consumer({ token })];
      p.connect(NONCE_P, 0);
      c.receive(join(p.takeOutput()), 0);
      return join(c.takeOutput());
    });
    expect(said[0]).toEqual(said[1]);
    const [frame] = new FrameDecoder().push(said[0] ?? NONCE_P);
    expect(frame?.type).toBe(FrameType.challenge);
    expect(decodeChallenge(frame?.payload ?? NONCE_P)).toEqual({ nonce: NONCE_C, channel: 0 });
  });

  it("wants the server's proof, not only a WELCOME, nor the producer's proof sent back", () => {
    for (const proof of [null, Buffer.alloc(32), "mine"] as const) {
      const [p, c] = [producer("secret"), consumer({ token: "secret" })];
      p.connect(NONCE_P, 0);
      c.receive(join(p.takeOutput()), 0);
      p.receive(join(c.takeOutput()), 0);
      const [auth] = new FrameDecoder().push(join(p.takeOutput()));
      const sent = proof === "mine" ? Buffer.from(auth?.payload.subarray(3) ?? []) : proof;
      const welcome = { version: 1, ackedSeq: 0, creditBytes: 0, minor: 3, proof: sent };
      p.receive(join(encodeFrame(FrameType.welcome, 0, encodeWelcome(welcome))), 0);
      expect(p.failure?.code).toBe("server-not-proven");
    }
  });

  const CHANNEL = Buffer.alloc(32, 7);
  it.each([
    ["both see the same TLS channel", CHANNEL, CHANNEL, false, "open"],
    ["each sees another one, as with somebody in between", CHANNEL, Buffer.alloc(32, 8), false, "token-differs"],
    ["each sees another one, and the server was told to take that", CHANNEL, Buffer.alloc(32, 8), true, "open"],
    ["only the producer sees TLS", CHANNEL, undefined, false, "token-unbound"],
    ["only the server sees TLS", undefined, CHANNEL, false, "token-unbound"],
    ["only the producer sees TLS, and the server was told to take that", CHANNEL, undefined, true, "open"],
  ])("%s", (_name, mine, theirs, unbound, outcome) => {
    const p = producer("secret");
    const c = consumer({ token: "secret", binding: theirs, unbound });
    p.connect(NONCE_P, 0, mine);
    talk(p, c);
    expect(p.failure?.code ?? p.state).toBe(outcome);
  }); // prettier-ignore

  it("what is said of the channel cannot be changed on the way", () => {
    // Somebody in between, with a TLS channel to each end, tells both that the other sees none, or that it does not matter.
    for (const channel of [0, 2]) {
      const [p, c] = [producer("secret"), consumer({ token: "secret", binding: CHANNEL })];
      p.connect(NONCE_P, 0, channel === 0 ? undefined : Buffer.alloc(32, 9));
      const hello = Buffer.from(join(p.takeOutput()));
      const [frame] = new FrameDecoder().push(hello);
      const changed = Buffer.from(frame?.payload ?? []);
      changed[changed.length - 1] = 1; // sees TLS
      c.receive(join(encodeFrame(FrameType.hello, 0, changed)), 0);
      expect(c.failure).toBeUndefined();
      c.takeOutput();
      const challenge = encodeChallenge({ nonce: NONCE_C, channel });
      p.receive(join(encodeFrame(FrameType.challenge, 0, challenge)), 0);
      c.receive(join(p.takeOutput()), 0);
      expect(c.failure?.code).toBe("token-differs");
    }
  });

  it("tells an older producer why its proof is not taken, and an older server", () => {
    const c = consumer({ token: "secret" });
    const older = Buffer.from("980101c410f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff0001a473686f70a161c410000102030405060708090a0b0c0d0e0f", "hex"); // prettier-ignore
    c.receive(join(encodeFrame(FrameType.hello, 0, older)), 0);
    expect(c.failure?.code).toBe("older-handshake");
    const open = consumer();
    open.receive(join(encodeFrame(FrameType.hello, 0, older)), 0);
    expect(open.state).toBe("open");
    const p = producer("secret");
    p.connect(NONCE_P, 0);
    const challenge = Buffer.concat([Buffer.from("92c410", "hex"), NONCE_C, Buffer.from("c420", "hex"), Buffer.alloc(32)]); // prettier-ignore
    p.receive(join(encodeFrame(FrameType.challenge, 0, challenge)), 0);
    expect(p.failure?.code).toBe("older-handshake");
  });

  it("says which version it speaks to a producer that is too new", () => {
    const c = consumer();
    const hello = encodeHello({
      versionMin: 2,
      versionMax: 3,
      producerId: ID,
      epoch: 0,
      firstUnackedSeq: 1,
      service: "s",
      agent: "a",
      nonce: NONCE_P,
      handshake: HANDSHAKE,
      hasToken: 1,
      seesTls: 0,
    });
    c.receive(join(encodeFrame(FrameType.hello, 0, hello)), 0);
    expect(c.failure).toEqual({
      code: "version",
      message: "this server speaks version 1, the producer 2 to 3",
    });
    expect(join(c.takeOutput()).includes("this server speaks version 1")).toBe(true);
  });

  it("does not answer strangers", () => {
    const c = consumer();
    c.receive(Buffer.from("GET / HTTP/1.1\r\n\r\n"), 0);
    expect(c.failure?.code).toBe("foreign");
    expect(c.takeOutput()).toEqual([]);
  });

  it("ends when nothing comes in time, on either side", () => {
    const c = consumer();
    c.tick(HANDSHAKE_MS_MAX - 1);
    expect(c.failure).toBeUndefined();
    c.tick(HANDSHAKE_MS_MAX);
    expect(c.failure?.code).toBe("handshake-timeout");
    const p = producer();
    p.connect(NONCE_P, 0);
    p.tick(WELCOME_MS_MAX + 1);
    expect(p.failure?.code).toBe("handshake-timeout");
  });
});

describe("heartbeat", () => {
  it("asks a silent peer, and gives it up when it does not answer", () => {
    const [p, c] = [producer(), consumer()];
    p.connect(NONCE_P, 0);
    talk(p, c);
    p.tick(HEARTBEAT_IDLE_MS + 1);
    const ping = join(p.takeOutput());
    expect(ping[3]).toBe(FrameType.ping);
    c.receive(ping, HEARTBEAT_IDLE_MS + 1);
    expect(join(c.takeOutput())[3]).toBe(FrameType.pong);
    p.tick(HEARTBEAT_DEAD_MS + 1);
    expect(p.failure?.code).toBe("dead");
    c.tick(HEARTBEAT_IDLE_MS + HEARTBEAT_DEAD_MS + 2);
    expect(c.failure?.code).toBe("dead");
  });
});

describe("credit", () => {
  it("bounds what is under way, and grows with acknowledgements", () => {
    const windowBytes = 1000;
    const [p, c] = [producer(), consumer({ windowBytes })];
    p.connect(NONCE_P, 0);
    talk(p, c);
    for (let i = 0; i < 20; i += 1) p.enqueue(Buffer.alloc(200), 1);
    const first = c.receive(join(p.takeOutput()), 0);
    expect(c.receivedBytes).toBeLessThanOrEqual(windowBytes);
    expect(c.receivedBytes).toBe(4 * (200 + FRAME_HEADER_BYTES));
    for (const { seq } of first) c.accepted(seq, 1, 200);
    p.receive(join(c.takeOutput()), 0);
    expect(p.ackedWeight).toBe(4);
    talk(p, c);
    expect(p.ackedWeight).toBe(20);
    expect(p.unackedBytes).toBe(0);
  });

  it("that is granted by somebody else is asked for, frame by frame, and once", () => {
    const wanted: (readonly number[])[] = [];
    let freed = 0;
    const c: ConsumerSession = consumer({
      windowBytes: 1e9,
      resume: () => {
        c.grant(100);
        return undefined;
      },
      credit: { wanted: (bytes) => wanted.push(bytes), freed: (bytes) => (freed += bytes) },
    });
    const p = producer();
    p.connect(NONCE_P, 0);
    talk(p, c);
    for (const bytes of [50, 200, 300]) p.enqueue(Buffer.alloc(bytes - FRAME_HEADER_BYTES), 1);
    expect(talk(p, c)).toHaveLength(1);
    p.enqueue(Buffer.alloc(10), 1);
    expect(talk(p, c)).toHaveLength(0);
    expect([wanted.splice(0), freed]).toEqual([[[250, 550]], 50]);
    // Enough for the next one only: the rest of what was asked for is still due.
    c.grant(150);
    expect(talk(p, c)).toHaveLength(1);
    expect([wanted, freed]).toEqual([[], 250]);
    c.grant(300);
    expect(talk(p, c)).toHaveLength(1);
    expect(wanted).toEqual([[550 + 10 + FRAME_HEADER_BYTES]]);
    c.grant(1000);
    expect(talk(p, c)).toHaveLength(1);
    expect([p.unackedFrames, freed, c.receivedBytes]).toEqual([0, 584, 584]);
  });

  it("that is asked for in other steps than frames closes the connection", () => {
    for (const list of [[], [0], [5, 5], [1e9], [10, 1e9], [-1], ["1"], [1.5]]) {
      const c = consumer();
      const p = producer();
      p.connect(NONCE_P, 0);
      talk(p, c);
      c.receive(join(encodeFrame(FrameType.want, 0, encodeWant(list as number[]))), 0);
      expect([list, c.failure?.code]).toEqual([list, "control"]);
    }
  });

  it("is asked for in words that older receivers pass over", () => {
    expect(FrameType.want).toBeLessThan(0x80);
  });

  it("closes on a producer that sends more, and does not count that", () => {
    const [p, c] = [producer(), consumer({ windowBytes: 100 })];
    p.connect(NONCE_P, 0);
    talk(p, c);
    c.receive(join(encodeFrame(FrameType.data, 1, Buffer.alloc(200))), 0);
    expect([c.failure?.code, c.receivedBytes]).toEqual(["credit", 0]);
  });

  it("is asked of a frame by its header: what is not covered is not held", () => {
    for (const [payloadBytes, code] of [
      [100, undefined],
      [101, "credit"],
    ] as const) {
      const [p, c] = [producer(), consumer({ windowBytes: FRAME_HEADER_BYTES + 100 })];
      p.connect(NONCE_P, 0);
      talk(p, c);
      const [header] = encodeFrame(FrameType.data, 1, Buffer.alloc(payloadBytes));
      for (const byte of header) c.receive(Uint8Array.of(byte), 0);
      expect([payloadBytes, c.failure?.code]).toEqual([payloadBytes, code]);
    }
    const stranger = consumer();
    stranger.receive(encodeFrame(FrameType.data, 1, Buffer.alloc(100))[0], 0);
    expect(stranger.failure?.code).toBe("handshake");
  });
});

describe("order", () => {
  it("closes on a hole", () => {
    const [p, c] = [producer(), consumer()];
    p.connect(NONCE_P, 0);
    talk(p, c);
    c.receive(join(encodeFrame(FrameType.data, 2, Buffer.alloc(1))), 0);
    expect(c.failure?.code).toBe("hole");
  });

  it("refuses an acknowledgement of what was never sent", () => {
    const [p, c] = [producer(), consumer()];
    p.connect(NONCE_P, 0);
    talk(p, c);
    p.receive(join(encodeFrame(FrameType.ack, 0, encodeAck({ ackedSeq: 5, creditBytes: 1 }))), 0);
    expect(p.failure?.code).toBe("ack-ahead");
  });

  it("goes on with the next number when the caller's `released` throws", () => {
    const options = { producerId: ID, service: "shop", agent: "test" };
    const released = (): void => {
      throw new Error("the caller's");
    };
    const [p, c] = [new ProducerSession({ ...options, released }), consumer()];
    const frame = (): Uint8Array => new Uint8Array(FRAME_HEADER_BYTES + 1);
    p.connect(NONCE_P, 0);
    talk(p, c);
    p.enqueueFrame(frame(), 1);
    expect(() => talk(p, c)).toThrow("the caller's");
    expect([p.unackedFrames, p.ackedWeight]).toEqual([0, 1]);
    p.enqueueFrame(frame(), 1);
    expect(c.receive(join(p.takeOutput()), 0)).toMatchObject([{ seq: 2 }]);
  });

  it("delivers every payload once and in order, however often the transport breaks", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("enqueue" as const), size: fc.integer({ min: 1, max: 300 }) }),
      fc.record({
        kind: fc.constant("there" as const),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      fc.record({
        kind: fc.constant("back" as const),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      fc.record({ kind: fc.constant("break" as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const p = producer();
        let safeSeq: number | undefined;
        const delivered: number[] = [];
        let c = consumer();
        let there = Buffer.alloc(0);
        let back = Buffer.alloc(0);
        const reconnect = (): void => {
          c = consumer({ resume: () => safeSeq });
          there = Buffer.alloc(0);
          back = Buffer.alloc(0);
          p.connect(NONCE_P, 0);
        };
        const toConsumer = (bytes: Buffer): void => {
          for (const { seq, payload } of c.receive(bytes, 0)) {
            delivered.push(payload.length);
            safeSeq = seq;
            c.accepted(seq, 1, payload.length);
          }
        };
        const move = (share: number, forward: boolean): void => {
          there = Buffer.concat([there, ...p.takeOutput()]);
          back = Buffer.concat([back, ...c.takeOutput()]);
          const pipe = forward ? there : back;
          const count = Math.ceil(pipe.length * share);
          if (forward) {
            there = pipe.subarray(count);
            toConsumer(pipe.subarray(0, count));
          } else {
            back = pipe.subarray(count);
            p.receive(pipe.subarray(0, count), 0);
          }
        };
        const wanted: number[] = [];
        reconnect();
        for (const one of steps) {
          if (one.kind === "enqueue") {
            wanted.push(one.size);
            p.enqueue(Buffer.alloc(one.size), 1);
          } else if (one.kind === "break") reconnect();
          else move(one.share, one.kind === "there");
        }
        reconnect();
        for (let i = 0; i < 20; i += 1) {
          move(1, true);
          move(1, false);
        }
        expect(delivered).toEqual(wanted);
        expect([p.failure, c.failure, p.ackedWeight, p.unackedBytes]).toEqual([
          undefined,
          undefined,
          wanted.length,
          0,
        ]);
      }),
    );
  });
});

describe("minor versions and unfinished messages", () => {
  it("a producer that needs more than the receiver has fails, and keeps what it holds", () => {
    const producer = new ProducerSession({
      producerId: Buffer.alloc(16, 1),
      service: "s",
      agent: "a",
      minorNeeded: PROTOCOL_MINOR + 1,
    });
    producer.enqueue(Buffer.from([0x90]), 1);
    const consumer = new ConsumerSession({ nonce: Buffer.alloc(16), resume: () => undefined }, 0);
    producer.connect(Buffer.alloc(16), 0);
    for (const piece of producer.takeOutput()) consumer.receive(piece, 0);
    for (const piece of consumer.takeOutput()) producer.receive(piece, 0);
    expect(producer.failure?.code).toBe("version");
    expect(producer.unackedFrames).toBe(1);
  });

  it("frames that are taken but not safe give credit and no acknowledgement", () => {
    const producer = new ProducerSession({
      producerId: Buffer.alloc(16, 1),
      service: "s",
      agent: "a",
    });
    const consumer = new ConsumerSession(
      { nonce: Buffer.alloc(16), resume: () => undefined, windowBytes: 100 },
      0,
    );
    producer.connect(Buffer.alloc(16), 0);
    for (let i = 0; i < 4; i += 1) producer.enqueue(Buffer.alloc(40), 1);
    let taken = 0;
    for (let turn = 0; turn < 10; turn += 1) {
      for (const piece of producer.takeOutput()) {
        for (const { payload } of consumer.receive(piece, 0)) {
          taken += 1;
          if (taken < 4) consumer.taken(1, payload.length);
          else consumer.accepted(4, 1, payload.length);
        }
      }
      if (taken === 3) expect(producer.unackedFrames).toBe(4);
      for (const piece of consumer.takeOutput()) producer.receive(piece, 0);
    }
    expect(consumer.failure).toBeUndefined();
    expect(producer.ackedWeight).toBe(4);
  });
});

describe("a frame that is refused for what it holds", () => {
  /** Payloads by a number; a receiver refuses those in `bad`. */
  const payloadOf = (n: number): Uint8Array => Uint8Array.of(0x91, 0x91, n);
  const numberOf = (payload: Uint8Array): number | undefined => payload[2];

  it("is settled: the receiver names it, its weight is not acknowledged, the rest goes on", () => {
    const settled: unknown[] = [];
    const p = new ProducerSession({
      producerId: ID,
      service: "s",
      agent: "a",
      settled: (weight, told, refusal) => settled.push([weight, told, refusal]),
    });
    const c = consumer();
    p.connect(NONCE_P, 0);
    talk(p, c);
    for (const n of [1, 2, 3]) p.enqueue(payloadOf(n), n * 10);
    for (const { seq, payload } of c.receive(join(p.takeOutput()), 0)) {
      if (seq === 2) c.refuse(seq, "no");
      c.accepted(seq, 1, payload.length);
    }
    p.receive(join(c.takeOutput()), 0);
    expect(settled).toEqual([[10, 0, undefined], [20, 0, "no"], [30, 0, undefined]]); // prettier-ignore
    expect([p.ackedWeight, p.unackedFrames]).toEqual([40, 0]);
  });

  /** As receivers did before minor version 3: an ERROR, and the connection is closed. */
  function deliver(
    bad: ReadonlySet<number>,
    count: number,
    ackAll: boolean,
  ): {
    taken: number[];
    refused: number;
    connections: number;
    acked: number;
  } {
    const taken: number[] = [];
    let refused = 0;
    const p = new ProducerSession({
      producerId: ID,
      service: "s",
      agent: "a",
      settled: (weight, _told, refusal) => {
        if (refusal !== undefined) refused += weight;
      },
    });
    for (let n = 1; n <= count; n += 1) p.enqueue(payloadOf(n), 1);
    let safeSeq = 0;
    let connections = 0;
    while (p.unackedFrames > 0 && connections < 3 * count) {
      connections += 1;
      const c = consumer({ resume: () => safeSeq });
      p.connect(NONCE_P, 0);
      for (let round = 0; round < 3 * count && p.failure === undefined; round += 1) {
        for (const { seq, payload } of c.receive(join(p.takeOutput()), 0)) {
          const n = numberOf(payload);
          if (n !== undefined && bad.has(n)) {
            const fault = encodeFault({ code: "payload", message: "too many values" });
            p.receive(join(encodeFrame(FrameType.error, 0, fault)), 0);
            break;
          }
          if (n !== undefined) taken.push(n);
          safeSeq = seq;
          if (ackAll) c.accepted(seq, 1, payload.length);
        }
        if (p.failure === undefined) p.receive(join(c.takeOutput()), 0);
        p.tick(0);
        if (p.unackedFrames === 0) break;
      }
      // What it has is told in the next WELCOME at the latest.
      if (p.failure === undefined) break;
    }
    return { taken, refused, connections, acked: p.ackedWeight };
  }

  it("is found and taken out when an older receiver only closes the connection", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 5 }),
        (count, bad) => {
          const { taken, refused, acked } = deliver(new Set(bad), count, true);
          const all = Array.from({ length: count }, (_, i) => i + 1);
          expect(taken).toEqual(all.filter((n) => !bad.includes(n)));
          expect(refused + acked).toBe(count);
          expect(acked).toBe(taken.length);
        },
      ),
    );
  });

  it("is found too when the frames before it are not acknowledged one by one", () => {
    const { taken } = deliver(new Set([3]), 5, false);
    expect(taken).toEqual([1, 2, 4, 5]);
  });
});
