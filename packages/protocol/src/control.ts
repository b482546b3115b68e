/**
 * The payloads of control frames: handshake, acknowledgement, farewell, error. Positional msgpack arrays,
 * like records; receivers ignore elements behind those they know. Every decoder returns undefined for bytes
 * that do not fit, never throws.
 *
 *     producer                                server
 *     HELLO  versions, id, seqs, nonce   →
 *                                        ←    CHALLENGE nonce, proof        only if the server has a token
 *     AUTH   proof                       →
 *                                        ←    WELCOME version, acked, credit, minor version
 *     DATA …                             →
 *                                        ←    ACK acked, credit
 *     WANT credit, credit …              →                                only if the next frame needs more credit
 *     BYE                                →
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { Packr } from "msgpackr";
import { checkPayload } from "./check-payload.ts";
import { NAME_CHARS_MAX, NONCE_BYTES, PRODUCER_ID_BYTES, WANT_FRAMES_MAX } from "./limits.ts";

const packr = new Packr({ useRecords: false, mapsAsObjects: false });

/** What a producer says first. */
export interface Hello {
  /** Lowest and highest protocol version it speaks. */
  readonly versionMin: number;
  readonly versionMax: number;
  readonly producerId: Uint8Array;
  /**
   * Counts runs of a producer that keeps its id and goes on with its numbers, from 1; 0 when it makes a new id each time.
   * Above 0 WELCOME must be certain: the frames that it names are here, and no other will turn up later.
   */
  readonly epoch: number;
  /** Sequence number of the oldest frame it still holds; the next new one when it holds none. */
  readonly firstUnackedSeq: number;
  readonly service: string;
  /** Name and version of the program that speaks, for logs. */
  readonly agent: string;
  readonly nonce: Uint8Array;
}

export interface Challenge {
  readonly nonce: Uint8Array;
  /** Shows that the server knows the token too. */
  readonly proof: Uint8Array;
}

export interface Ack {
  /** All frames up to this one are safe. */
  readonly ackedSeq: number;
  /** DATA bytes (headers included) that may be sent on this connection, counted from its start. */
  readonly creditBytes: number;
}

export interface Welcome extends Ack {
  readonly version: number;
  /** Of the receiver; 0 when it does not say. */
  readonly minor: number;
}

export interface Fault {
  readonly code: string;
  readonly message: string;
}

export function encodeHello(hello: Hello): Uint8Array {
  const { versionMin, versionMax, producerId, epoch, firstUnackedSeq, service, agent, nonce } =
    hello;
  return packr.pack([
    versionMin,
    versionMax,
    Buffer.from(producerId),
    epoch,
    firstUnackedSeq,
    service,
    agent,
    Buffer.from(nonce),
  ]);
}

export function decodeHello(payload: Uint8Array): Hello | undefined {
  const [versionMin, versionMax, producerId, epoch, firstUnackedSeq, service, agent, nonce] =
    unpackList(payload);
  if (!isCount(versionMin) || !isCount(versionMax)) return undefined;
  if (!isBytes(producerId, PRODUCER_ID_BYTES) || !isBytes(nonce, NONCE_BYTES)) return undefined;
  if (!isCount(epoch) || !isCount(firstUnackedSeq) || firstUnackedSeq < 1) return undefined;
  if (!isName(service) || !isName(agent)) return undefined;
  return { versionMin, versionMax, producerId, epoch, firstUnackedSeq, service, agent, nonce };
}

export function encodeChallenge({ nonce, proof }: Challenge): Uint8Array {
  return packr.pack([Buffer.from(nonce), Buffer.from(proof)]);
}

export function decodeChallenge(payload: Uint8Array): Challenge | undefined {
  const [nonce, proof] = unpackList(payload);
  return isBytes(nonce, NONCE_BYTES) && isBytes(proof, PROOF_BYTES) ? { nonce, proof } : undefined;
}

export function encodeAuth(proof: Uint8Array): Uint8Array {
  return packr.pack([Buffer.from(proof)]);
}

export function decodeAuth(payload: Uint8Array): Uint8Array | undefined {
  const [proof] = unpackList(payload);
  return isBytes(proof, PROOF_BYTES) ? proof : undefined;
}

export function encodeWelcome({ version, ackedSeq, creditBytes, minor }: Welcome): Uint8Array {
  return packr.pack([version, ackedSeq, creditBytes, minor]);
}

export function decodeWelcome(payload: Uint8Array): Welcome | undefined {
  const [version, ackedSeq, creditBytes, minor = 0] = unpackList(payload);
  if (!isCount(version) || !isCount(ackedSeq) || !isCount(creditBytes)) return undefined;
  return isCount(minor) ? { version, ackedSeq, creditBytes, minor } : undefined;
}

export function encodeAck({ ackedSeq, creditBytes }: Ack): Uint8Array {
  return packr.pack([ackedSeq, creditBytes]);
}

export function decodeAck(payload: Uint8Array): Ack | undefined {
  const [ackedSeq, creditBytes] = unpackList(payload);
  return isCount(ackedSeq) && isCount(creditBytes) ? { ackedSeq, creditBytes } : undefined;
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
  return packr.pack([code.slice(0, NAME_CHARS_MAX), message.slice(0, NAME_CHARS_MAX)]);
}

export function decodeFault(payload: Uint8Array): Fault | undefined {
  const [code, message] = unpackList(payload);
  return isName(code) && isName(message) ? { code, message } : undefined;
}

const PROOF_BYTES = 32;
/** Part of every proof, so that it is worth nothing in another protocol or version. */
const PROOF_CONTEXT = "mirrorball/1";

/**
 * Shows knowledge of `token` without sending it: HMAC-SHA-256 over both nonces and the producer's id, apart
 * for each role, so that neither side's proof can be sent back to it.
 */
export function proofOf(
  token: string,
  role: "server" | "producer",
  producerNonce: Uint8Array,
  serverNonce: Uint8Array,
  producerId: Uint8Array,
): Uint8Array {
  return createHmac("sha256", token)
    .update(`${PROOF_CONTEXT} ${role} `)
    .update(producerNonce)
    .update(serverNonce)
    .update(producerId)
    .digest();
}

export function sameProof(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
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

function isBytes(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= NAME_CHARS_MAX;
}
