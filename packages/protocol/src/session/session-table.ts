/**
 * Which frames each end of a connection expects, by the step in which it is. Data, and one function that reads it. What a frame
 * does is in `consumer.ts` and `producer.ts`; that it may come now is decided here.
 *
 * A frame of the other end that does not stand in the row of the step ends the connection. A type that no row knows is skipped,
 * unless it is critical (`frame.ts`).
 */
import { FrameType } from "../wire/frame.ts";

export type ConsumerStep =
  /** HELLO is due. */
  | "greeting"
  /** CHALLENGE was sent, AUTH is due. */
  | "proving"
  /** The producer is known and proven. Our WELCOME is due; until then it may send nothing. */
  | "welcoming"
  | "open"
  /** BYE has come. Nothing is read any more. */
  | "ended";

export type ProducerStep =
  /** There is no transport. */
  | "closed"
  /** HELLO was sent, CHALLENGE or WELCOME is due. */
  | "greeting"
  /** AUTH was sent, WELCOME is due. */
  | "proving"
  | "open";

type FrameName = keyof typeof FrameType;
/** For each step the frames that are expected. */
type Rows<Step extends string> = Readonly<Record<Step, readonly FrameName[]>>;

export const CONSUMER_ROWS: Rows<ConsumerStep> = {
  greeting: ["hello"],
  proving: ["auth"],
  welcoming: [],
  open: ["data", "want", "figures", "ping", "pong", "bye"],
  ended: [],
};

export const PRODUCER_ROWS: Rows<ProducerStep> = {
  closed: [],
  greeting: ["challenge", "welcome", "ping", "pong", "error"],
  proving: ["welcome", "ping", "pong", "error"],
  open: ["ack", "refused", "lastCall", "ping", "pong", "error"],
};

const FIRST_CRITICAL_TYPE = 0x80;

/** `untimely`: it is one of the other end's, but not now. */
export type Verdict = "expected" | "untimely" | "unknown" | "skipped";

/** What to do with a frame of this type in this step. */
export type Reader<Step extends string> = (step: Step, type: number) => Verdict;

export function readerOf<Step extends string>(rows: Rows<Step>): Reader<Step> {
  const typesOf = (names: readonly FrameName[]): ReadonlySet<number> =>
    new Set(names.map((name) => FrameType[name]));
  const steps = Object.entries(rows) as [Step, readonly FrameName[]][];
  const expected = new Map(steps.map(([step, names]) => [step, typesOf(names)]));
  const known = typesOf(steps.flatMap(([, names]) => names));
  return (step, type) => {
    if (expected.get(step)?.has(type) === true) return "expected";
    if (known.has(type)) return "untimely";
    return type >= FIRST_CRITICAL_TYPE ? "unknown" : "skipped";
  };
}

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(FrameType).map(([name, type]) => [type, name]),
);

/** A frame's name as the protocol's texts write it: LAST_CALL. */
export function nameOf(type: number): string {
  const name = NAMES.get(type) ?? `frame type ${type}`;
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** Frames of the producer's half of the handshake. */
export function isGreeting(type: number): boolean {
  return type === FrameType.hello || type === FrameType.auth;
}
