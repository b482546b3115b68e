/**
 * A frame that its producer keeps until it is settled, and what becomes of one that no receiver will have: its number is kept
 * by a frame without records, so that what is behind it comes through. Knows no connections.
 */
import { FrameType, encodeFrame } from "../wire/frame.ts";

export interface HeldFrame {
  /** Its bytes: in one piece, or header and payload. */
  pieces: readonly Uint8Array[];
  bytes: number;
  readonly weight: number;
  /** Of what it tells, what was lost. */
  readonly told: number;
  /** Why the receiver would not have what it held. */
  refusal: string | undefined;
}

/** The code of an ERROR by which receivers before minor version 3 refuse a frame for what it holds. */
export const PAYLOAD_REFUSED = "payload";

/** A payload of no records. */
const NO_RECORDS: Uint8Array = Uint8Array.of(0x90);

/** What it held is given up. */
export function takeOut(frame: HeldFrame, seq: number, reason: string): void {
  frame.refusal = reason;
  frame.pieces = encodeFrame(FrameType.data, seq, NO_RECORDS);
  frame.bytes = frame.pieces.reduce((sum, piece) => sum + piece.length, 0);
}
