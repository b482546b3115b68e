/**
 * The payloads of control frames: handshake, acknowledgement, figures, farewell, error. Positional msgpack arrays,
 * like records, each by a table; receivers ignore elements behind those they know, and fill up what an older sender does
 * not say. Every decoder returns undefined for bytes that do not fit, never throws.
 *
 *     producer                                server
 *     HELLO  versions, id, seqs, nonce   →
 *                                        ←    CHALLENGE nonce, channel      only if the server has a token
 *     AUTH   proof                       →
 *                                        ←    WELCOME version, acked, credit, minor version, proof
 *     FIGURES offered, accounted         →                                now and when they have changed
 *     DATA …                             →
 *                                        ←    REFUSED seq, reason           a frame that is left out for what it holds
 *                                        ←    ACK acked, credit
 *     WANT credit, credit …              →                                only if the next frame needs more credit
 *                                        ←    LAST_CALL                     the server is about to end
 *     DATA …, FIGURES …                  →
 *     BYE                                →
 */
import { Packr } from "msgpackr";
import { checkPayload } from "../wire/check-payload.ts";
import { NAME_CHARS_MAX, NONCE_BYTES, PRODUCER_ID_BYTES, PROOF_BYTES } from "../limits.ts";
import { WANT_FRAMES_MAX } from "../limits.ts";

const packr = new Packr({ useRecords: false, mapsAsObjects: false });

/** What an element of a control payload may be, by the name of its kind. */
interface ControlValues {
  count: number;
  /** At most `NAME_CHARS_MAX` characters. */
  name: string;
  producerId: Uint8Array;
  nonce: Uint8Array;
  proof: Uint8Array;
  proofOrNull: Uint8Array | null;
}
type ControlKind = keyof ControlValues;
/** `absent`: what is read when an older sender ends before it. */
type ControlRow = readonly [name: string, kind: ControlKind, absent?: { readonly absent: unknown }];
type ControlTable = readonly ControlRow[];
type ControlOf<T extends ControlTable> = {
  readonly [R in T[number] as R[0]]: ControlValues[R[1]];
};

/** What a producer says first. */
const HELLO = [
  // Lowest and highest protocol version it speaks.
  ["versionMin", "count"],
  ["versionMax", "count"],
  ["producerId", "producerId"],
  // Counts runs of a producer that keeps its id and goes on with its numbers, from 1; 0 when it makes a new id each time.
  // Above 0 WELCOME must be certain: the frames that it names are here, and no other will turn up later.
  ["epoch", "count"],
  // Sequence number of the oldest frame it still holds; the next new one when it holds none.
  ["firstUnackedSeq", "count"],
  ["service", "name"],
  // Name and version of the program that speaks, for logs.
  ["agent", "name"],
  ["nonce", "nonce"],
  // How it proves a token: see `HANDSHAKE`. Older ones do not say.
  ["handshake", "count", { absent: 1 }],
  // 1 when it has a token to prove.
  ["hasToken", "count", { absent: 0 }],
  // 1 when its connection is TLS, as it sees it.
  ["seesTls", "count", { absent: 0 }],
] as const;
export type Hello = ControlOf<typeof HELLO>;

/** The way to prove a token: 1 had the server prove first, to whoever came; 2 has the producer prove first. */
export const HANDSHAKE: number = 2;

/** Nothing in it depends on the token: whoever connects learns nothing to guess on. `channel`: one of `Channel`. */
const CHALLENGE = [
  ["nonce", "nonce"],
  ["channel", "count"],
] as const;
export type Challenge = ControlOf<typeof CHALLENGE>;

const AUTH = [["proof", "proof"]] as const;

const WELCOME = [
  ["version", "count"],
  // All frames up to this one are safe.
  ["ackedSeq", "count"],
  // DATA bytes (headers included) that may be sent on this connection, counted from its start.
  ["creditBytes", "count"],
  // Of the receiver; 0 when it does not say.
  ["minor", "count", { absent: 0 }],
  // Shows that the server knows the token too; null when it has none.
  ["proof", "proofOrNull", { absent: null }],
] as const;
export type Welcome = ControlOf<typeof WELCOME>;

const ACK = [
  ["ackedSeq", "count"],
  ["creditBytes", "count"],
] as const;
export type Ack = ControlOf<typeof ACK>;

/** A frame was taken out for what it holds: it is settled, and nothing of it was taken. */
const REFUSED = [
  ["seq", "count"],
  ["reason", "name"],
] as const;
export type Refused = ControlOf<typeof REFUSED>;

/** A producer's books in exchanges, since it began. */
const FIGURES = [
  ["offered", "count"],
  // Ended or told as lost, in frames that WELCOME acknowledged.
  ["accounted", "count"],
  // 1 in the answer to LAST_CALL.
  ["isLast", "count"],
] as const;
export type Figures = ControlOf<typeof FIGURES>;

const FAULT = [
  ["code", "name"],
  ["message", "name"],
] as const;
export type Fault = ControlOf<typeof FAULT>;

export function encodeHello(hello: Hello): Uint8Array {
  return encode(HELLO, hello);
}

export function decodeHello(payload: Uint8Array): Hello | undefined {
  const hello = decode(HELLO, payload);
  return hello === undefined || hello.firstUnackedSeq < 1 ? undefined : hello;
}

export function encodeChallenge(challenge: Challenge): Uint8Array {
  return encode(CHALLENGE, challenge);
}

/** "older": of a server that proves first. */
export function decodeChallenge(payload: Uint8Array): Challenge | "older" | undefined {
  const [, proof] = unpackList(payload);
  return proof instanceof Uint8Array ? "older" : decode(CHALLENGE, payload);
}

export function encodeAuth(proof: Uint8Array): Uint8Array {
  return encode(AUTH, { proof });
}

export function decodeAuth(payload: Uint8Array): Uint8Array | undefined {
  return decode(AUTH, payload)?.proof;
}

export function encodeWelcome(welcome: Welcome): Uint8Array {
  return encode(WELCOME, welcome);
}

export function decodeWelcome(payload: Uint8Array): Welcome | undefined {
  return decode(WELCOME, payload);
}

export function encodeAck(ack: Ack): Uint8Array {
  return encode(ACK, ack);
}

export function decodeAck(payload: Uint8Array): Ack | undefined {
  return decode(ACK, payload);
}

export function encodeRefused({ seq, reason }: Refused): Uint8Array {
  return encode(REFUSED, { seq, reason: reason.slice(0, NAME_CHARS_MAX) });
}

export function decodeRefused(payload: Uint8Array): Refused | undefined {
  return decode(REFUSED, payload);
}

export function encodeFigures(figures: Figures): Uint8Array {
  return encode(FIGURES, figures);
}

export function decodeFigures(payload: Uint8Array): Figures | undefined {
  return decode(FIGURES, payload);
}

/** `creditBytes`: what the next frame needs, what that and the one behind it need, and so on. */
export function encodeWant(creditBytes: readonly number[]): Uint8Array {
  return packr.pack(creditBytes);
}

/** Undefined unless each is larger than the one before it. */
export function decodeWant(payload: Uint8Array): readonly number[] | undefined {
  const list = unpackList(payload).slice(0, WANT_FRAMES_MAX);
  const wanted: number[] = [];
  for (const value of list) {
    if (!isCount(value) || value <= (wanted.at(-1) ?? 0)) return undefined;
    wanted.push(value);
  }
  return wanted.length === 0 ? undefined : wanted;
}

export function encodeFault({ code, message }: Fault): Uint8Array {
  return encode(FAULT, {
    code: code.slice(0, NAME_CHARS_MAX),
    message: message.slice(0, NAME_CHARS_MAX),
  });
}

export function decodeFault(payload: Uint8Array): Fault | undefined {
  return decode(FAULT, payload);
}

function encode<T extends ControlTable>(table: T, values: ControlOf<T>): Uint8Array {
  const named: Readonly<Record<string, unknown>> = values;
  return packr.pack(
    table.map(([name]) => {
      const value = named[name];
      // msgpackr writes a plain Uint8Array as an extension.
      return value instanceof Uint8Array ? Buffer.from(value) : value;
    }),
  );
}

function decode<T extends ControlTable>(table: T, payload: Uint8Array): ControlOf<T> | undefined {
  const list = unpackList(payload);
  const values: Record<string, unknown> = {};
  for (const [i, [name, kind, added]] of table.entries()) {
    const value = i < list.length ? list[i] : added?.absent;
    if (!isOfKind(kind, value)) return undefined;
    values[name] = value;
  }
  // Each was checked against its row just above.
  return values as ControlOf<T>;
}

function isOfKind(kind: ControlKind, value: unknown): boolean {
  switch (kind) {
    case "count":
      return isCount(value);
    case "name":
      return typeof value === "string" && value.length <= NAME_CHARS_MAX;
    case "producerId":
      return isBytes(value, PRODUCER_ID_BYTES);
    case "nonce":
      return isBytes(value, NONCE_BYTES);
    case "proof":
      return isBytes(value, PROOF_BYTES);
    case "proofOrNull":
      return value === null || isBytes(value, PROOF_BYTES);
    default:
      return false;
  }
}

function unpackList(payload: Uint8Array): unknown[] {
  if (checkPayload(payload) !== undefined) return [];
  try {
    const value: unknown = packr.unpack(payload);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isBytes(value: unknown, length: number): boolean {
  return value instanceof Uint8Array && value.length === length;
}
