/**
 * From messages to the payloads of DATA frames. Pure.
 *
 * Small messages share a frame; a large one travels alone, as its record and pieces in frames of their own, so that a
 * receiver can leave all of it unacknowledged without holding up others. Every payload passes the check that the
 * receiver makes: one that did not would be sent, refused and sent again for ever.
 */
import {
  BATCH_BYTES_TARGET,
  CHUNK_BYTES_MAX,
  FRAME_PAYLOAD_BYTES_MAX,
  RecordType,
  checkPayload,
  isToken,
  packMessage,
  packRecords,
} from "@mirrorball/protocol";
import type { Message, WireRecord } from "@mirrorball/protocol";

/** Bytes a record has beside its message's, about: id, times, context. */
const RECORD_BYTES = 96;
/** Payloads with fewer bytes a record than this may hold more values than a receiver takes. */
const SPARSE_RECORD_BYTES = 160;

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
    const payload = packRecords([record]);
    if (!fits(payload, 1)) {
      this.#events.unfit("too-large", message);
      return;
    }
    const number = this.#lastNumber;
    this.#events.packed(message);
    this.#events.frame({ payload, messages: 0 });
    for (let at = 0; at < rest.length; at += CHUNK_BYTES_MAX) {
      const end = Math.min(rest.length, at + CHUNK_BYTES_MAX);
      const piece = Buffer.from(rest.buffer, rest.byteOffset + at, end - at);
      const more = packRecords([[RecordType.messageMore, number, piece]]);
      this.#events.frame({ payload: more, messages: end === rest.length ? 1 : 0 });
    }
  }

  /** One frame as a rule; halves of it when it came out too large, or too dense. */
  #give(records: readonly WireRecord[], members: readonly Message[]): void {
    const payload = packRecords(records);
    const [only] = members;
    if (fits(payload, records.length)) {
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

function fits(payload: Uint8Array, records: number): boolean {
  if (payload.length > FRAME_PAYLOAD_BYTES_MAX) return false;
  const sparse = payload.length < records * SPARSE_RECORD_BYTES || records === 1;
  return !sparse || checkPayload(payload) === undefined;
}
