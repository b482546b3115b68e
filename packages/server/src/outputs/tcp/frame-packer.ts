/**
 * From messages to the payloads of DATA frames. Pure.
 *
 * Small messages share a frame; a large one travels alone, as its record and pieces in frames of their own, so that a
 * receiver can leave all of it unacknowledged without holding up others. What a receiver would not take never gets into a
 * frame: each record is looked at as the receiver does.
 */
import {
  BATCH_BYTES_TARGET,
  CHUNK_BYTES_MAX,
  FRAME_PAYLOAD_BYTES_MAX,
  MESSAGE_MORE,
  PADDING,
  isToken,
  packMessage,
  packRecords,
  paddingBytesFor,
  recordFault,
  recordOf,
} from "@mirrorball/protocol";
import type { Message, WireRecord } from "@mirrorball/protocol";

/** Bytes a record has beside its message's, about: id, times, context. */
const RECORD_BYTES = 96;
/** Payloads with fewer bytes a record than this may hold more values than an older receiver takes. */
const SPARSE_RECORD_BYTES = 160;
/** A padding record beside its bytes. */
const PADDING_HEAD_BYTES = 16;

export interface Packed {
  readonly payload: Uint8Array;
  /** How many messages end in it. */
  readonly messages: number;
}

export interface PackerEvents {
  readonly frame: (packed: Packed) => void;
  /** Messages that no frame can carry. */
  readonly unfit: (reason: string, message: Message) => void;
  /** Messages that are in frames, in order; told before the frame. */
  readonly packed: (message: Message) => void;
}

export class FramePacker {
  readonly #events: PackerEvents;
  #lastNumber = 0;
  #records: WireRecord[] = [];
  #members: Message[] = [];
  #bytes = 0;

  constructor(events: PackerEvents) {
    this.#events = events;
  }

  push(message: Message): void {
    if (!isToken(message.id)) {
      this.#events.unfit("bad-id", message);
      return;
    }
    this.#lastNumber += 1;
    const { record, rest } = packMessage(message, this.#lastNumber);
    if (recordFault(record) !== undefined) {
      this.#events.unfit("too-large", message);
      return;
    }
    if (rest !== undefined) {
      this.flush();
      this.#large(message, record, rest);
      return;
    }
    this.#records.push(record);
    this.#members.push(message);
    this.#bytes += RECORD_BYTES + message.http.byteLength;
    if (this.#bytes >= BATCH_BYTES_TARGET) this.flush();
  }

  /** Gives out the frame under way. */
  flush(): void {
    const records = this.#records;
    const members = this.#members;
    if (records.length === 0) return;
    this.#records = [];
    this.#members = [];
    this.#bytes = 0;
    this.#give(records, members);
  }

  #large(message: Message, record: WireRecord, rest: Uint8Array): void {
    const payload = packed([record]);
    if (payload.length > FRAME_PAYLOAD_BYTES_MAX) {
      this.#events.unfit("too-large", message);
      return;
    }
    const number = this.#lastNumber;
    this.#events.packed(message);
    this.#events.frame({ payload, messages: 0 });
    for (let at = 0; at < rest.length; at += CHUNK_BYTES_MAX) {
      const end = Math.min(rest.length, at + CHUNK_BYTES_MAX);
      const piece = Buffer.from(rest.buffer, rest.byteOffset + at, end - at);
      const more = packRecords([recordOf(MESSAGE_MORE, { number, bytes: piece })]);
      this.#events.frame({ payload: more, messages: end === rest.length ? 1 : 0 });
    }
  }

  /** One frame as a rule; halves of it when it came out too large. */
  #give(records: readonly WireRecord[], members: readonly Message[]): void {
    const payload = packed(records);
    const [only] = members;
    if (payload.length <= FRAME_PAYLOAD_BYTES_MAX) {
      for (const member of members) this.#events.packed(member);
      this.#events.frame({ payload, messages: members.length });
    } else if (members.length === 1 && only !== undefined) {
      this.#events.unfit("too-large", only);
    } else {
      const half = records.length >> 1;
      this.#give(records.slice(0, half), members.slice(0, half));
      this.#give(records.slice(half), members.slice(half));
    }
  }
}

/** With padding, where an older receiver would refuse the frame without. */
function packed(records: readonly WireRecord[]): Uint8Array {
  const payload = packRecords(records);
  const isSparse = payload.length < records.length * SPARSE_RECORD_BYTES || records.length === 1;
  if (!isSparse) return payload;
  const bytes = paddingBytesFor(payload);
  if (bytes === 0 || payload.length + bytes + PADDING_HEAD_BYTES > FRAME_PAYLOAD_BYTES_MAX)
    return payload;
  return packRecords([...records, recordOf(PADDING, { bytes: Buffer.alloc(bytes) })]);
}
