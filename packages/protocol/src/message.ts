/**
 * The message: what every part of mirrorball passes on. One message is one HTTP request, one original
 * response or one replayed response. This file knows what a message is made of; how its HTTP half is
 * stored is `http-message.ts`, how it travels is `record.ts`.
 */
import type { HttpMessage } from "./http/http-message.ts";

/** gor's numbers: the first field of a record in a `.gor` file. */
export const MessageKind = { request: 1, response: 2, replayed: 3 } as const;
export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind];

/**
 * A moment. A `number` is microseconds since the Unix epoch, as clocks give it (exact in a double until
 * the year 2255). A `bigint` is nanoseconds, as files give it, so that every digit of a recorded
 * timestamp survives a round trip. Two types because a bigint a message is dear and most never need it.
 */
export type Timestamp = number | bigint;

const NS_PER_US = 1000n;

/** Nanoseconds since the Unix epoch. */
export function timestampToNs(at: Timestamp): bigint {
  return typeof at === "bigint" ? at : BigInt(Math.trunc(at)) * NS_PER_US;
}

/** Microseconds since the Unix epoch; digits below a microsecond are lost. */
export function timestampToUs(at: Timestamp): number {
  return typeof at === "bigint" ? Number(at / NS_PER_US) : at;
}

/** How a body ended. `truncated`: longer than the recorder keeps; `aborted`: the peer went away. */
export const BodyState = { complete: 0, truncated: 1, aborted: 2 } as const;
export type BodyState = (typeof BodyState)[keyof typeof BodyState];

/** What is known of a message beside its bytes. Every field is optional: a file knows none of them. */
export interface MessageContext {
  /** The name the producing service gave itself. */
  readonly service?: string | undefined;
  /** Identifies the client connection within its producer. */
  readonly connection?: number | undefined;
  /** Place of the exchange on that connection, from 0. */
  readonly connectionSeq?: number | undefined;
  /** The client's address, `ip:port`. */
  readonly peer?: string | undefined;
  /** The route pattern that the framework matched, such as `/users/:id`. */
  readonly route?: string | undefined;
  /** What `tags(req)` returned, as flat name, value pairs. */
  readonly tags?: readonly string[] | undefined;
  /** How the recorded body ended; absent means complete. */
  readonly bodyState?: BodyState | undefined;
  /** Set when the captured bytes can be read as one message or as another: not to be replayed unless asked. */
  readonly framing?: "ambiguous" | undefined;
  /** Why a replay failed; on replayed responses made up for the failure. */
  readonly failure?: string | undefined;
  /** On replayed responses: the name of the output that got it, for there may be several an id. Stays in this process. */
  readonly target?: string | undefined;
  /** On replayed responses: the target was asked the same a moment later, and that answer counts. Stays in this process. */
  readonly isProbe?: boolean | undefined;
  /** On replayed responses: of the known-good build that the target is compared with. Stays in this process. */
  readonly isControl?: boolean | undefined;
  /** True when a rule set the Host field: outputs must not put their target's there. */
  readonly keepHost?: boolean | undefined;
}

/** One request, response or replayed response. */
export interface Message {
  readonly kind: MessageKind;
  /** One token without spaces, shared by a request and its responses; ours are 24 hex digits. */
  readonly id: string;
  /** When the message began. */
  readonly startedAt: Timestamp;
  /**
   * Nanoseconds, as gor defines it for the kind: a request's or response's last byte minus its first,
   * a replayed response's round trip. Absent in the three-field records of old gor files.
   */
  readonly latencyNs: number | undefined;
  readonly http: HttpMessage;
  readonly context?: MessageContext | undefined;
}
