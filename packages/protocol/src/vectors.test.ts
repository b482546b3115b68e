// The golden vectors, both ways: other implementations may rely on these bytes, so a change here is a change of the protocol.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkPayload } from "./wire/check-payload.ts";
import {
  decodeAck,
  decodeAuth,
  decodeChallenge,
  decodeFault,
  decodeHello,
  decodeWant,
  decodeWelcome,
  encodeAck,
  encodeAuth,
  encodeChallenge,
  encodeFault,
  encodeHello,
  encodeWant,
  encodeWelcome,
  decodeFigures,
  decodeRefused,
  encodeFigures,
  encodeRefused,
} from "./session/control.ts";
import type { Ack, Challenge, Fault, Figures, Hello, Refused, Welcome } from "./session/control.ts";
import { FrameDecoder, encodeFrame } from "./wire/frame.ts";
import { packRecords, unpackRecords } from "./wire/record.ts";
import type { WireRecord } from "./wire/record.ts";
import { ConsumerProof, ProducerProof } from "./session/proof.ts";
import { RECORD_TABLES } from "./wire/schema.ts";

interface FrameVector {
  readonly name: string;
  readonly type: number;
  readonly seq: number;
  readonly payload: string;
  readonly bytes: string;
}

interface ValueVector {
  readonly name: string;
  readonly record?: readonly unknown[];
  readonly value?: Readonly<Record<string, unknown>>;
  readonly payload: string;
}

function load(name: string): unknown {
  const text = readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8");
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === "object" &&
    value !== null &&
    "bytes" in value &&
    Object.keys(value).length === 1
      ? Buffer.from(String(value.bytes), "hex")
      : value,
  );
}

const hex = (...pieces: Uint8Array[]): string => Buffer.concat(pieces).toString("hex");

describe("frames", () => {
  it.each(load("frames") as FrameVector[])("$name", ({ type, seq, payload, bytes }) => {
    expect(hex(...encodeFrame(type, seq, Buffer.from(payload, "hex")))).toBe(bytes);
    const [frame] = new FrameDecoder().push(Buffer.from(bytes, "hex"));
    expect(frame).toMatchObject({ type, seq });
    expect(hex(frame?.payload ?? Buffer.alloc(1))).toBe(payload);
  });
});

describe("records", () => {
  it.each(load("records") as ValueVector[])("$name", ({ record, payload }) => {
    const bytes = Buffer.from(payload, "hex");
    expect(hex(packRecords([record as unknown as WireRecord]))).toBe(payload);
    expect(checkPayload(bytes)).toBeUndefined();
    expectRead(record, bytes);
  });
});

/** The payload's one record is this one, and what was added to its table since is what it is when absent. */
function expectRead(record: readonly unknown[] | undefined, payload: Buffer): void {
  const [read, ...more] = unpackRecords(payload) as WireRecord[];
  expect(more).toEqual([]);
  expect(read?.slice(0, record?.length)).toEqual(record);
  const table = RECORD_TABLES.find(({ type }) => type === record?.[0]);
  const absent = table?.fields.slice((record?.length ?? 1) - 1) ?? [];
  expect(read?.slice(record?.length)).toEqual(absent.map((row) => row[2]?.absent));
}

describe("records of version 1.2, which every later version reads", () => {
  it.each(load("1.2/records") as ValueVector[])("$name", ({ record, payload }) => {
    expectRead(record, Buffer.from(payload, "hex"));
  });
});

describe("frames of version 1.2", () => {
  it.each(load("1.2/frames") as FrameVector[])("$name", ({ type, seq, payload, bytes }) => {
    const [frame] = new FrameDecoder().push(Buffer.from(bytes, "hex"));
    expect(frame).toMatchObject({ type, seq });
    expect(hex(frame?.payload ?? Buffer.alloc(1))).toBe(payload);
  });
});

describe("control payloads", () => {
  const vectors = new Map(
    (load("control") as ValueVector[]).map((vector) => [vector.name, vector]),
  );
  const codecs: Record<string, [(value: never) => Uint8Array, (payload: Uint8Array) => unknown]> = {
    hello: [(value: Hello) => encodeHello(value), decodeHello],
    challenge: [(value: Challenge) => encodeChallenge(value), decodeChallenge],
    auth: [
      (value: { proof: Uint8Array }) => encodeAuth(value.proof),
      (payload) => ({ proof: decodeAuth(payload) }),
    ],
    welcome: [(value: Welcome) => encodeWelcome(value), decodeWelcome],
    ack: [(value: Ack) => encodeAck(value), decodeAck],
    want: [
      (value: { creditBytes: readonly number[] }) => encodeWant(value.creditBytes),
      (payload) => ({ creditBytes: decodeWant(payload) }),
    ],
    refused: [(value: Refused) => encodeRefused(value), decodeRefused],
    figures: [(value: Figures) => encodeFigures(value), decodeFigures],
    error: [(value: Fault) => encodeFault(value), decodeFault],
  };

  it.each(Object.entries(codecs))("%s", (name, [encode, decode]) => {
    const vector = vectors.get(name);
    expect(hex(encode(vector?.value as never))).toBe(vector?.payload);
    expect(decode(Buffer.from(vector?.payload ?? "", "hex"))).toEqual(vector?.value);
  });

  it("the proofs are those of the token `correct-horse-battery`", () => {
    const hello = vectors.get("hello")?.value as unknown as Hello;
    const challenge = vectors.get("challenge")?.value as unknown as Challenge;
    const auth = vectors.get("auth")?.value as unknown as { proof: Uint8Array };
    const welcome = vectors.get("welcome")?.value as unknown as Welcome;
    const binding = Buffer.alloc(32, 0xbb);
    const token = "correct-horse-battery";
    const { producerId, nonce: producerNonce } = hello;
    const producer = new ProducerProof({ token, binding, producerId, producerNonce });
    const server = new ConsumerProof({ token, binding, nonce: challenge.nonce });
    expect(server.challenge(hello)).toEqual(challenge);
    expect(producer.answer(challenge)).toEqual(auth.proof);
    expect(server.verify(hello, auth.proof)).toBeUndefined();
    expect(server.own(hello)).toEqual(welcome.proof);
    expect(producer.isProven(welcome.proof)).toBe(true);
  });
});

describe("control payloads of version 1.2, which every later version reads", () => {
  const vectors = new Map(
    (load("1.2/control") as ValueVector[]).map(({ name, value, payload }) => [
      name,
      { value, payload: Buffer.from(payload, "hex") },
    ]),
  );
  const decoders: Record<string, (payload: Buffer) => unknown> = {
    hello: decodeHello,
    welcome: decodeWelcome,
    ack: decodeAck,
    want: (payload) => ({ creditBytes: decodeWant(payload) }),
    error: decodeFault,
  };
  it.each(Object.entries(decoders))("%s", (name, decode) => {
    const vector = vectors.get(name);
    expect(decode(vector?.payload ?? Buffer.alloc(0))).toMatchObject(vector?.value ?? { no: name });
  });

  it("a HELLO says nothing of a token, a CHALLENGE is known for an older one", () => {
    const absent = { handshake: 1, hasToken: 0, seesTls: 0 };
    expect(decodeHello(vectors.get("hello")?.payload ?? Buffer.alloc(0))).toMatchObject(absent);
    expect(decodeChallenge(vectors.get("challenge")?.payload ?? Buffer.alloc(0))).toBe("older");
  });
});
