// Every frame in every step of both ends: what is expected is done, and what is not ends the connection or is skipped. The rows below are
// written a second time, by hand, as outcomes: a row that is changed in the table alone fails here.
import { describe, expect, it } from "vitest";
import { ConsumerSession } from "./consumer.ts";
import type { DataFrame } from "./consumer-options.ts";
import { encodeAck, encodeAuth, encodeChallenge, encodeFault, encodeFigures } from "./control.ts";
import { encodeHello, encodeRefused, encodeWant, encodeWelcome, HANDSHAKE } from "./control.ts";
import { FrameDecoder, FrameType, encodeFrame } from "../wire/frame.ts";
import { ProducerSession } from "./producer.ts";
import { CONSUMER_ROWS, PRODUCER_ROWS, nameOf } from "./session-table.ts";
import type { ConsumerStep, ProducerStep } from "./session-table.ts";

const TOKEN = "a token that both know";
const ID = Buffer.alloc(16, 1);
const NONCE_P = Buffer.alloc(16, 2);
const NONCE_C = Buffer.alloc(16, 3);
const NOTHING = new Uint8Array();

const join = (pieces: readonly Uint8Array[]): Buffer => Buffer.concat(pieces);

/** Types that no version knows: one that may be skipped, one that may not. */
const UNKNOWN = { skippable: 0x3f, critical: 0xbf };
const TYPES: readonly number[] = [...Object.values(FrameType), ...Object.values(UNKNOWN)];

/** A well-formed frame of each type. Those of the handshake are right for the two sessions below. */
function payloadOf(type: number): Uint8Array {
  switch (type) {
    case FrameType.hello:
      return encodeHello({
        versionMin: 1, versionMax: 1, producerId: ID, epoch: 0, firstUnackedSeq: 1, service: "s",
        agent: "a", nonce: NONCE_P, handshake: HANDSHAKE, hasToken: 1, seesTls: 0,
      }); // prettier-ignore
    case FrameType.challenge:
      return encodeChallenge({ nonce: NONCE_C, channel: 0 });
    case FrameType.auth:
      return encodeAuth(answers().auth);
    case FrameType.welcome:
      return answers().welcome;
    case FrameType.data:
      return Uint8Array.of(0x90);
    case FrameType.ack:
      return encodeAck({ ackedSeq: 0, creditBytes: 0 });
    case FrameType.error:
      return encodeFault({ code: "busy", message: "later" });
    case FrameType.want:
      return encodeWant([100]);
    case FrameType.refused:
      return encodeRefused({ seq: 1, reason: "for what it holds" });
    case FrameType.figures:
      return encodeFigures({ offered: 0, accounted: 0, isLast: 0 });
    default:
      return NOTHING;
  }
}

const frameOf = (type: number): Buffer =>
  join(encodeFrame(type, type === FrameType.data ? 1 : 0, payloadOf(type)));

const newProducer = (): ProducerSession =>
  new ProducerSession({ producerId: ID, service: "s", agent: "a", token: TOKEN });

const newConsumer = (
  resume: () => number | undefined | "later" = () => undefined,
): ConsumerSession => new ConsumerSession({ nonce: NONCE_C, token: TOKEN, resume }, 0);

/** What a producer and a consumer that know the token answer each other. */
function answers(): { auth: Uint8Array; welcome: Uint8Array } {
  const [p, c] = [newProducer(), newConsumer()];
  p.connect(NONCE_P, 0);
  c.receive(join(p.takeOutput()), 0);
  p.receive(join(c.takeOutput()), 0);
  const auth = join(p.takeOutput());
  c.receive(auth, 0);
  const [proof] = new FrameDecoder().push(auth);
  const [welcome] = new FrameDecoder().push(join(c.takeOutput()));
  return {
    auth: proof?.payload.subarray(3) ?? NOTHING,
    welcome: welcome?.payload ?? encodeWelcome({ version: 1, ackedSeq: 0, creditBytes: 0, minor: 0, proof: null }), // prettier-ignore
  };
}

function consumerIn(step: ConsumerStep): ConsumerSession {
  const session = newConsumer(step === "welcoming" ? () => "later" : undefined);
  if (step === "greeting") return session;
  session.receive(frameOf(FrameType.hello), 0);
  if (step === "proving") return session;
  session.receive(frameOf(FrameType.auth), 0);
  if (step === "ended") session.receive(frameOf(FrameType.bye), 0);
  return session;
}

function producerIn(step: ProducerStep): ProducerSession {
  const session = newProducer();
  session.enqueue(Uint8Array.of(0x90), 1);
  if (step === "closed") return session;
  session.connect(NONCE_P, 0);
  if (step === "greeting") return session;
  session.receive(frameOf(FrameType.challenge), 0);
  if (step === "proving") return session;
  session.receive(frameOf(FrameType.welcome), 0);
  return session;
}

/** What becomes of a session: the code of its failure, or its state. */
const outcomeOf = (session: ConsumerSession | ProducerSession): string =>
  session.failure?.code ?? session.state;

const CONSUMER_STEPS = Object.keys(CONSUMER_ROWS) as ConsumerStep[];
const PRODUCER_STEPS = Object.keys(PRODUCER_ROWS) as ProducerStep[];

/** Expected frames of a consumer, and what the state is then. */
const CONSUMER_DOES: Partial<Record<ConsumerStep, Readonly<Record<number, string>>>> = {
  greeting: { [FrameType.hello]: "handshake" },
  proving: { [FrameType.auth]: "open" },
  open: {
    [FrameType.data]: "open",
    [FrameType.want]: "open",
    [FrameType.figures]: "open",
    [FrameType.ping]: "open",
    [FrameType.pong]: "open",
    [FrameType.bye]: "ended",
  },
};

function consumerOutcome(step: ConsumerStep, type: number): string {
  const done = CONSUMER_DOES[step]?.[type];
  if (done !== undefined) return done;
  if (step === "ended") return "ended";
  if (type === FrameType.hello || type === FrameType.auth) return "control";
  if (step !== "open") return "handshake";
  return type >= 0x80 ? "unknown-frame" : "open";
}

describe.each(CONSUMER_STEPS)("a consumer in the step %s", (step) => {
  it.each(TYPES.map((type) => [nameOf(type), type] as const))("gets %s", (_name, type) => {
    const session = consumerIn(step);
    session.takeOutput();
    const data: DataFrame[] = session.receive(frameOf(type), 0);
    expect(outcomeOf(session)).toBe(consumerOutcome(step, type));
    expect(data).toHaveLength(step === "open" && type === FrameType.data ? 1 : 0);
  });

  it("takes nothing behind a BYE or a failure, in the same piece or a later one", () => {
    const session = consumerIn(step);
    session.receive(join([frameOf(FrameType.bye), frameOf(FrameType.data)]), 0);
    const before = outcomeOf(session);
    expect(session.receive(frameOf(FrameType.data), 0)).toEqual([]);
    expect(outcomeOf(session)).toBe(before);
  });

  it("is called out of turn", () => {
    const session = consumerIn(step);
    const before = session.state;
    session.takeOutput();
    session.welcome(5);
    session.lastCall();
    expect(session.state).toBe(step === "welcoming" ? "open" : before);
    const types = new FrameDecoder().push(join(session.takeOutput())).map(({ type }) => type);
    const { welcome, lastCall } = FrameType;
    expect(types).toEqual(step === "welcoming" ? [welcome, lastCall] : step === "open" ? [lastCall] : []); // prettier-ignore
  });
});

/** Expected frames of a producer, and what the state or failure is then. */
const PRODUCER_DOES: Partial<Record<ProducerStep, Readonly<Record<number, string>>>> = {
  greeting: {
    [FrameType.challenge]: "handshake",
    // It has a token, and this is no answer to a proof of its own.
    [FrameType.welcome]: "server-not-proven",
    [FrameType.ping]: "handshake",
    [FrameType.pong]: "handshake",
    [FrameType.error]: "busy",
  },
  proving: {
    [FrameType.welcome]: "open",
    [FrameType.ping]: "handshake",
    [FrameType.pong]: "handshake",
    [FrameType.error]: "busy",
  },
  open: {
    [FrameType.ack]: "open",
    [FrameType.refused]: "open",
    [FrameType.lastCall]: "open",
    [FrameType.ping]: "open",
    [FrameType.pong]: "open",
    [FrameType.error]: "busy",
  },
};

const OF_CONSUMERS: ReadonlySet<number> = new Set([
  FrameType.challenge,
  FrameType.welcome,
  FrameType.ack,
  FrameType.refused,
  FrameType.lastCall,
]);

function producerOutcome(step: ProducerStep, type: number): string {
  const done = PRODUCER_DOES[step]?.[type];
  if (done !== undefined) return done;
  if (step === "closed") return "closed";
  if (OF_CONSUMERS.has(type)) return "control";
  if (type >= 0x80) return "unknown-frame";
  return step === "open" ? "open" : "handshake";
}

describe.each(PRODUCER_STEPS)("a producer in the step %s", (step) => {
  it.each(TYPES.map((type) => [nameOf(type), type] as const))("gets %s", (_name, type) => {
    const session = producerIn(step);
    session.receive(frameOf(type), 0);
    expect(outcomeOf(session)).toBe(producerOutcome(step, type));
    // Whatever came: what was not acknowledged is still held.
    expect(session.unackedFrames).toBe(1);
  });

  it("is called out of turn", () => {
    const session = producerIn(step);
    session.takeOutput();
    session.figures({ offered: 1, accounted: 0, isLast: 0 });
    session.bye();
    const types = new FrameDecoder().push(join(session.takeOutput())).map(({ type }) => type);
    const { figures, bye } = FrameType;
    expect(types).toEqual(step === "open" ? [figures, bye] : []);
    session.disconnect();
    session.disconnect();
    expect([session.state, session.unackedFrames]).toEqual(["closed", 1]);
  });
});
